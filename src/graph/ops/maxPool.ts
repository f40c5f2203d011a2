/**
 * Max pooling. Of equal maxima the first, row-major, takes the gradient, as in PyTorch. The gradient in x is linear in dy:
 * it puts each entry of dy where its window's maximum stands, and its transpose picks an entry from there. The two are
 * each other's gradient; the place itself has none.
 * The trap: ONNX Runtime tells the places (MaxPool's second output) on the CPU and on CUDA only; elsewhere a mask over the
 * unfolded windows says the same.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Node, type OnnxSink, type Operator, sizeOf, type Value } from '../graph.js';
import { alignedSamples, isSampleAxis, type SampleLayout, samplesUnless } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { emitCounting, emitFirstLargest } from './firstLargest.js';
import { cutPatches, sumPatches } from './patches.js';
import { type Named, onnxCalls, tfjsCalls } from './tensorCalls.js';
import {
  positionsOf,
  tapTable,
  type Window,
  type WindowOptions,
  windowAttributes,
  windowFrom,
  windowOf,
} from './window.js';

/** The lowest float32: an entry of the padding is never the maximum of numbers. */
export const LOWEST = -3.4028234663852886e38;

const MAX_POOL: Operator = {
  name: 'MaxPool',
  shape: ([[n, channels, ...extents]], attributes) => {
    const window = windowFrom(attributes);
    const positions = positionsOf(extents, window);
    refusePadding(extents, window);
    return [n, channels, ...positions];
  },
  lower: (sink, [x], node) => void sink.emit('MaxPool', [x], onnxPool(node)),
  interpret: ([x], { attributes }) => firstMaxima(x, windowFrom(attributes)).map((at) => x.data[at]),
  tfjs: (tf, [x], { attributes, output }) =>
    tf.reshape(tf.max(cutPatches(tfjsCalls(tf), x, windowFrom(attributes), LOWEST), 2), [...output.shape]),
  samples: samplesUnless(({ inputs }) => [...inputs[0].shape.keys()].slice(2)),
  gradient: (builder, { inputs: [x], attributes }, dy) => [builder.apply(PUT_AT_MAXIMA, [x, dy], attributes)],
};

/** A window that sees only padding has no largest entry, and ONNX Runtime takes no padding as wide as the kernel. */
function refusePadding(extents: readonly number[], window: Window): void {
  const { kernel, dilations, pads } = window;
  const counts = positionsOf(extents, window);
  const narrow = pads.every((pad, i) => pad < kernel[i % kernel.length]);
  if (narrow && counts.every((count, axis) => eachSees(axis, extents[axis], count, window))) return;
  throw new MeedError(
    `Windows [${kernel}] with dilations [${dilations}], padded by [${pads}], are no wider than the padding or see nothing else`,
    'Pad by less than the kernel, so that each window sees an entry',
  );
}

/** Whether each of `count` windows has a tap inside along an axis; those that begin inside do. */
function eachSees(axis: number, extent: number, count: number, { kernel, strides, pads, dilations }: Window): boolean {
  const [taps, stride, pad, dilation] = [kernel[axis], strides[axis], pads[axis], dilations[axis]];
  if ((count - 1) * stride - pad >= extent) return false;
  for (let position = 0; position < count && position * stride < pad; position++) {
    const start = position * stride - pad;
    const first = Math.ceil(-start / dilation);
    if (first >= taps || start + first * dilation >= extent) return false;
  }
  return true;
}

/** x [n, C, ...spatial] and dy [n, C, ...positions] → [n, C, ...spatial]: each dy added where x has its window's maximum. */
const PUT_AT_MAXIMA: Operator = {
  name: 'PutAtMaxima',
  shape: ([x]) => x,
  lower: (sink, [x, dy], node) => {
    const [{ shape: xs }, { shape: ys }] = node.inputs;
    if (sink.provider === 'webgpu') {
      const mask = emitMask(sink, { name: x, shape: xs }, windowFrom(node.attributes));
      const [n, channels, taps, positions] = mask.shape;
      const row = sink.emit('Reshape', [dy, sink.int64([n, channels, 1, positions])]);
      const taken = { name: sink.emit('Mul', [mask.name, row]), shape: [n, channels, taps, positions] };
      sumPatches(onnxCalls(sink), taken, xs.slice(2), windowFrom(node.attributes));
      return;
    }
    const zeros = sink.emit('Expand', [sink.scalar(0), sink.int64([sizeOf(xs)])]);
    const updates = sink.emit('Reshape', [dy, sink.int64([sizeOf(ys)])]);
    const sums = sink.emit('ScatterElements', [zeros, emitPlaces(sink, x, node), updates], {
      axis: 0,
      reduction: 'add',
    });
    sink.emit('Reshape', [sums, sink.int64(xs)]);
  },
  interpret: ([x, dy], { attributes }) => {
    const result = new Float64Array(x.data.length);
    for (const [position, at] of firstMaxima(x, windowFrom(attributes)).entries()) result[at] += dy.data[position];
    return result;
  },
  tfjs: (tf, [x, dy], { inputs, attributes }) => {
    const window = windowFrom(attributes);
    const mask = tfjsMask(tf, x, window);
    const [n, channels, , positions] = mask.shape;
    const taken = tf.mul(mask, tf.reshape(dy, [n, channels, 1, positions]));
    return sumPatches(tfjsCalls(tf), taken, inputs[0].shape.slice(2), window);
  },
  samples: planeSamples,
  gradient: (builder, { inputs: [x], attributes }, dz) => [
    undefined,
    builder.apply(PICK_AT_MAXIMA, [x, dz], attributes),
  ],
};

/** x and z [n, C, ...spatial] → [n, C, ...positions]: the entry of z where x has the window's maximum. */
const PICK_AT_MAXIMA: Operator = {
  name: 'PickAtMaxima',
  shape: ([x], attributes) => MAX_POOL.shape([x], attributes),
  lower: (sink, [x, z], node) => {
    const { shape } = node.inputs[0];
    if (sink.provider === 'webgpu') {
      const window = windowFrom(node.attributes);
      const mask = emitMask(sink, { name: x, shape }, window);
      const patches = cutPatches(onnxCalls(sink), { name: z, shape }, window, 0);
      const taken = sink.emit('Mul', [mask.name, patches.name]);
      const sums = sink.emit('ReduceSum', [taken, sink.int64([2])], { keepdims: 1 });
      sink.emit('Reshape', [sums, sink.int64(node.output.shape)]);
      return;
    }
    const flat = sink.emit('Reshape', [z, sink.int64([sizeOf(shape)])]);
    const picked = sink.emit('GatherElements', [flat, emitPlaces(sink, x, node)], { axis: 0 });
    sink.emit('Reshape', [picked, sink.int64(node.output.shape)]);
  },
  interpret: ([x, z], { attributes }) => firstMaxima(x, windowFrom(attributes)).map((at) => z.data[at]),
  tfjs: (tf, [x, z], { attributes, output }) => {
    const window = windowFrom(attributes);
    const taken = tf.mul(tfjsMask(tf, x, window), cutPatches(tfjsCalls(tf), z, window, 0));
    return tf.reshape(tf.sum(taken, 2), [...output.shape]);
  },
  samples: planeSamples,
  gradient: (builder, { inputs: [x], attributes }, dp) => [
    undefined,
    builder.apply(PUT_AT_MAXIMA, [x, dp], attributes),
  ],
};

/** Samples may stand along the first two axes; the others are what windows mix. */
function planeSamples(node: Node, layouts: readonly SampleLayout[]): SampleLayout {
  const layout = alignedSamples(node, layouts);
  return isSampleAxis(layout) && layout.axis >= 2 ? 'mixed' : layout;
}

function onnxPool({ attributes }: Node): Record<string, readonly number[]> {
  const { kernel, strides, pads, dilations } = windowFrom(attributes);
  return { kernel_shape: kernel, strides, pads, dilations };
}

/** For each window, in one row, the place of its maximum among all entries of x; int64. */
function emitPlaces(sink: OnnxSink, x: string, node: Node): string {
  const [, places] = sink.emitOutputs('MaxPool', [x], 2, onnxPool(node));
  return sink.emit('Reshape', [places, sink.int64([-1])]);
}

/** [n, C, K, T]: 1 at the tap that holds the window's first maximum, 0 elsewhere. */
function emitMask(sink: OnnxSink, x: Named, window: Window): Named {
  const { name, shape } = cutPatches(onnxCalls(sink), x, window, LOWEST);
  const taps = { rank: 4, axis: 2, extent: shape[2] };
  const isFirst = sink.emit('Equal', [emitFirstLargest(sink, name, taps), emitCounting(sink, taps)]);
  return { name: sink.emit('Cast', [isFirst], { to: sink.element }), shape };
}

function tfjsMask(tf: Tfjs, x: TfTensor, window: Window): TfTensor {
  const patches = cutPatches(tfjsCalls(tf), x, window, LOWEST);
  const [n, channels, taps, positions] = patches.shape;
  const first = tf.reshape(tf.argMax(patches, 2), [n, channels, 1, positions]);
  return tf.cast(tf.equal(first, tf.reshape(tf.range(0, taps, 1, 'int32'), [1, 1, taps, 1])), 'float32');
}

/** For each window the place of its first maximum among all entries of x. */
function firstMaxima(
  { shape: [n, channels, ...extents], data }: { readonly shape: readonly number[]; readonly data: Float64Array },
  window: Window,
): Float64Array {
  const table = tapTable(extents, window);
  const taps = sizeOf(window.kernel);
  const positions = table.length / taps;
  return Float64Array.from({ length: n * channels * positions }, (_, i) => {
    const plane = Math.floor(i / positions) * sizeOf(extents);
    const seen = table.subarray((i % positions) * taps, ((i % positions) + 1) * taps).filter((at) => at >= 0);
    return plane + seen.reduce((best, at) => (data[plane + at] > data[plane + best] ? at : best));
  });
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
