/**
 * Windows of a tensor side by side (im2col), and the adjoint that sums them back where they overlap. The two are each
 * other's gradient, and pooling, per-sample factors and their derivatives are built of them.
 */
import { type GraphBuilder, type Operator, type Shape, sizeOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { cutPatches, sumPatches } from './patches.js';
import { reshape } from './shape.js';
import { onnxCalls, tfjsCalls } from './tensorCalls.js';
import {
  positionsOf,
  tapTable,
  type Window,
  type WindowOptions,
  windowAttributes,
  windowFrom,
  windowOf,
} from './window.js';

/** Samples may stand along the first two axes; the others are what windows mix. */
const channelSamples = samplesUnless(({ inputs }) => [...inputs[0].shape.keys()].slice(2));

const UNFOLD: Operator = {
  name: 'Unfold',
  shape: ([[n, channels, ...extents]], attributes) => {
    const window = windowFrom(attributes);
    return [n, channels, sizeOf(window.kernel), sizeOf(positionsOf(extents, window))];
  },
  lower: (sink, [name], { inputs, attributes }) =>
    void cutPatches(onnxCalls(sink), { name, shape: inputs[0].shape }, windowFrom(attributes), 0),
  interpret: ([x], { attributes, output }) => {
    const [, , taps, positions] = output.shape;
    const extents = x.shape.slice(2);
    const table = tapTable(extents, windowFrom(attributes));
    const plane = sizeOf(extents);
    return Float64Array.from({ length: sizeOf(output.shape) }, (_, entry) => {
      const tap = Math.floor(entry / positions) % taps;
      const at = table[(entry % positions) * taps + tap];
      return at < 0 ? 0 : x.data[Math.floor(entry / (positions * taps)) * plane + at];
    });
  },
  tfjs: (tf, [x], { attributes }) => cutPatches(tfjsCalls(tf), x, windowFrom(attributes), 0),
  samples: channelSamples,
  gradient: (builder, { inputs: [x], attributes }, dy) => [
    sumWindows(builder, dy, x.shape.slice(2), windowFrom(attributes)),
  ],
};

const FOLD: Operator = {
  name: 'Fold',
  shape: ([[n, channels]], attributes) => [n, channels, ...(attributes.extents as Shape)],
  lower: (sink, [name], { inputs, attributes }) =>
    void sumPatches(
      onnxCalls(sink),
      { name, shape: inputs[0].shape },
      attributes.extents as Shape,
      windowFrom(attributes),
    ),
  interpret: ([x], { attributes, output }) => {
    const extents = attributes.extents as Shape;
    const [, , taps, positions] = x.shape;
    const table = tapTable(extents, windowFrom(attributes));
    const plane = sizeOf(extents);
    const sums = new Float64Array(sizeOf(output.shape));
    for (const [entry, value] of x.data.entries()) {
      const tap = Math.floor(entry / positions) % taps;
      const at = table[(entry % positions) * taps + tap];
      if (at >= 0) sums[Math.floor(entry / (positions * taps)) * plane + at] += value;
    }
    return sums;
  },
  tfjs: (tf, [x], { attributes }) => sumPatches(tfjsCalls(tf), x, attributes.extents as Shape, windowFrom(attributes)),
  samples: channelSamples,
  gradient: (builder, { attributes }, dy) => [cutWindows(builder, dy, windowFrom(attributes))],
};

/** [n, C, ...spatial] → [n, C, K, T]: K taps of the kernel, T positions; zeros in the padding. */
export function cutWindows(builder: GraphBuilder, x: Value, window: Window): Value {
  return builder.apply(UNFOLD, [x], windowAttributes(window));
}

/** The adjoint of `cutWindows`: [n, C, K, T] → [n, C, ...extents]. */
export function sumWindows(builder: GraphBuilder, windows: Value, extents: Shape, window: Window): Value {
  return builder.apply(FOLD, [windows], { ...windowAttributes(window), extents });
}

/** [n, C, ...spatial] → [n, C·K, T], the channel before the tap, as PyTorch's `unfold`. */
export function unfold(builder: GraphBuilder, x: Value, kernel: readonly number[], options: WindowOptions = {}): Value {
  const windows = cutWindows(builder, x, windowOf(kernel, options));
  const [n, channels, taps, positions] = windows.shape;
  return reshape(builder, windows, [n, channels * taps, positions]);
}
