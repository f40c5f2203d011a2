/**
 * Pooling. Of equal maxima the first, row-major, takes the gradient, as in PyTorch. Max pooling's gradient chooses by a
 * mask that is its own operator and has no gradient; what it does to dy is linear, so it differentiates again.
 * Averages are sums over unfolded windows: no device lacks the operators.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, sizeOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { multiply } from './elementwise.js';
import { emitCounting, emitFirstLargest } from './firstLargest.js';
import { cutPatches } from './patches.js';
import { reduceSum } from './reduceSum.js';
import { reshape } from './shape.js';
import { onnxCalls, tfjsCalls } from './tensorCalls.js';
import { cutWindows, sumWindows } from './unfold.js';
import {
  positionsOf,
  tapTable,
  type Window,
  type WindowOptions,
  windowAttributes,
  windowFrom,
  windowOf,
} from './window.js';

export interface AveragePoolOptions extends WindowOptions {
  /** Whether padding counts as zeros or not at all; excluded unless told. */
  readonly countIncludePad?: 'included' | 'excluded';
}

/** The lowest float32: an entry of the padding is never the maximum of numbers. */
const LOWEST = -3.4028234663852886e38;

const spatialSamples = samplesUnless(({ inputs }) => [...inputs[0].shape.keys()].slice(2));

const MAX_POOL: Operator = {
  name: 'MaxPool',
  shape: ([[n, channels, ...extents]], attributes) => {
    const window = windowFrom(attributes);
    const positions = positionsOf(extents, window);
    const { kernel, dilations, pads } = window;
    if (pads.some((pad, i) => pad >= dilations[i % kernel.length] * (kernel[i % kernel.length] - 1) + 1)) {
      throw new MeedError(
        `Windows [${kernel}] padded by [${pads}] see nothing but padding`,
        'Pad by less than a window',
      );
    }
    return [n, channels, ...positions];
  },
  lower: (sink, [x], { attributes }) => {
    const { kernel, strides, pads, dilations } = windowFrom(attributes);
    sink.emit('MaxPool', [x], { kernel_shape: kernel, strides, pads, dilations });
  },
  interpret: ([x], { attributes, output }) => {
    const result = new Float64Array(sizeOf(output.shape));
    eachWindow(x.shape, windowFrom(attributes), (window, plane, taps) => {
      result[window] = Math.max(...Array.from(taps, (at) => (at < 0 ? Number.NEGATIVE_INFINITY : x.data[plane + at])));
    });
    return result;
  },
  tfjs: (tf, [x], { attributes, output }) =>
    tf.reshape(tf.max(cutPatches(tfjsCalls(tf), x, windowFrom(attributes), LOWEST), 2), [...output.shape]),
  samples: spatialSamples,
  gradient: (builder, { inputs: [x], attributes }, dy) => {
    const window = windowFrom(attributes);
    const mask = builder.apply(FIRST_MAXIMUM, [x], windowAttributes(window));
    const [n, channels, , positions] = mask.shape;
    const taken = multiply(builder, mask, reshape(builder, dy, [n, channels, 1, positions]));
    return [sumWindows(builder, taken, x.shape.slice(2), window)];
  },
};

/** [n, C, ...spatial] → [n, C, K, T]: 1 at the tap that holds the window's first maximum, 0 elsewhere. */
const FIRST_MAXIMUM: Operator = {
  name: 'FirstMaximum',
  shape: ([[n, channels, ...extents]], attributes) => {
    const window = windowFrom(attributes);
    return [n, channels, sizeOf(window.kernel), sizeOf(positionsOf(extents, window))];
  },
  lower: (sink, [name], { inputs, attributes, output }) => {
    const patches = cutPatches(onnxCalls(sink), { name, shape: inputs[0].shape }, windowFrom(attributes), LOWEST);
    const taps = { rank: 4, axis: 2, extent: output.shape[2] };
    const first = emitFirstLargest(sink, patches.name, taps);
    sink.emit('Cast', [sink.emit('Equal', [first, emitCounting(sink, taps)])], { to: sink.element });
  },
  interpret: ([x], { attributes, output }) => {
    const mask = new Float64Array(sizeOf(output.shape));
    const [, , count, positions] = output.shape;
    eachWindow(x.shape, windowFrom(attributes), (window, plane, taps) => {
      let best = taps.findIndex((at) => at >= 0);
      for (const [tap, at] of taps.entries()) {
        if (at >= 0 && x.data[plane + at] > x.data[plane + taps[best]]) best = tap;
      }
      mask[(Math.floor(window / positions) * count + best) * positions + (window % positions)] = 1;
    });
    return mask;
  },
  tfjs: (tf, [x], { attributes, output }) => {
    const [n, channels, taps, positions] = output.shape;
    const patches = cutPatches(tfjsCalls(tf), x, windowFrom(attributes), LOWEST);
    const first = tf.reshape(tf.argMax(patches, 2), [n, channels, 1, positions]);
    return tf.cast(tf.equal(first, tf.reshape(tf.range(0, taps, 1, 'int32'), [1, 1, taps, 1])), 'float32');
  },
  samples: spatialSamples,
  gradient: () => [undefined],
};

/** Calls back for each window with its place in the output, its plane's first entry, and its taps in the plane (−1: padding). */
function eachWindow(
  [n, channels, ...extents]: readonly number[],
  window: Window,
  visit: (window: number, plane: number, taps: Int32Array) => void,
): void {
  const table = tapTable(extents, window);
  const taps = sizeOf(window.kernel);
  const positions = table.length / taps;
  for (let i = 0; i < n * channels; i++) {
    for (let t = 0; t < positions; t++) {
      visit(i * positions + t, i * sizeOf(extents), table.subarray(t * taps, (t + 1) * taps));
    }
  }
}

/**
 * The largest entry of each window; strides are 1 unless told. Padding is never the largest.
 * @param x [n, C, ...spatial], finite
 */
export function maxPool(
  builder: GraphBuilder,
  x: Value,
  kernel: readonly number[],
  options: WindowOptions = {},
): Value {
  return builder.apply(MAX_POOL, [x], windowAttributes(windowOf(kernel, options)));
}

/** The mean of each window; strides are 1 unless told. */
export function averagePool(
  builder: GraphBuilder,
  x: Value,
  kernel: readonly number[],
  options: AveragePoolOptions = {},
): Value {
  const window = windowOf(kernel, options);
  const [n, channels, ...extents] = x.shape;
  const positions = positionsOf(extents, window);
  const sums = reduceSum(builder, cutWindows(builder, x, window), [2]);
  const taps = sizeOf(kernel);
  const table = tapTable(extents, window);
  const shares = Float64Array.from({ length: sizeOf(positions) }, (_, t) => {
    const seen = table.subarray(t * taps, (t + 1) * taps).filter((at) => at >= 0).length;
    return 1 / (options.countIncludePad === 'included' ? taps : Math.max(seen, 1));
  });
  const means = multiply(builder, sums, builder.constant(shares, [shares.length]));
  return reshape(builder, means, [n, channels, ...positions]);
}

/** The mean over all spatial axes, which keep extent 1. */
export function globalAveragePool(builder: GraphBuilder, x: Value): Value {
  const axes = [...x.shape.keys()].slice(2);
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  return multiply(builder, reduceSum(builder, x, axes), builder.constant([1 / count], []));
}
