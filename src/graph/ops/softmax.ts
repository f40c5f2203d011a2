/**
 * Softmax and its logarithm along one axis, computed with the maximum subtracted so that no exponential overflows. The
 * gradients use the result itself: y·(dy − Σ dy·y), and dy − eʸ·Σ dy for the logarithm.
 */
import { MeedError } from '../../foundation/index.js';
import {
  type Float64Tensor,
  type GraphBuilder,
  type Node,
  type OnnxSink,
  type Operator,
  sizeOf,
  type Value,
} from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { exp, multiply, subtract } from './elementwise.js';
import { reduceSum } from './reduceSum.js';

const SOFTMAX: Operator = {
  name: 'Softmax',
  shape: ([x], { axis }) => withAxis(x, Number(axis)),
  lower: (sink, inputs, node) => void sink.emit('Softmax', inputs, { axis: axisOf(node) }),
  interpret: ([x], node) => linewise(x, axisOf(node), (below, total) => Math.exp(below) / total),
  tfjs: (tf, [x], node) => onLastAxis(tf, x, axisOf(node), (last) => tf.softmax(last)),
  samples: samplesUnless((node) => [axisOf(node)]),
  gradient: (g, node, dy) => {
    const y = node.output;
    const mean = reduceSum(g, multiply(g, dy, y), [axisOf(node)]);
    return [multiply(g, y, subtract(g, dy, mean))];
  },
};

const LOG_SOFTMAX: Operator = {
  name: 'LogSoftmax',
  shape: ([x], { axis }) => withAxis(x, Number(axis)),
  lower: (sink, [x], node) => void emitLogSoftmax(sink, x, axisOf(node)),
  interpret: ([x], node) => linewise(x, axisOf(node), (below, total) => below - Math.log(total)),
  tfjs: (tf, [x], node) => onLastAxis(tf, x, axisOf(node), (last) => tf.logSoftmax(last)),
  samples: samplesUnless((node) => [axisOf(node)]),
  gradient: (g, node, dy) => {
    const total = reduceSum(g, dy, [axisOf(node)]);
    return [subtract(g, dy, multiply(g, exp(g, node.output), total))];
  },
};

/** Of the tensor called `x`; WebGPU has no LogSoftmax, and none of its parts overflow. */
export function emitLogSoftmax(sink: OnnxSink, x: string, axis: number): string {
  if (sink.provider !== 'webgpu') return sink.emit('LogSoftmax', [x], { axis });
  const axes = sink.int64([axis]);
  const below = sink.emit('Sub', [x, sink.emit('ReduceMax', [x, axes], { keepdims: 1 })]);
  const total = sink.emit('ReduceSum', [sink.emit('Exp', [below]), axes], { keepdims: 1 });
  return sink.emit('Sub', [below, sink.emit('Log', [total])]);
}

function axisOf({ attributes }: Node): number {
  return Number(attributes.axis);
}

function withAxis(shape: readonly number[], axis: number): readonly number[] {
  if (shape.length === 0) throw new MeedError('A scalar has no last axis for a softmax', 'Reshape it first');
  if (!(axis in shape)) throw new MeedError(`[${shape}] has no axis ${axis} for a softmax`, 'Name an axis it has');
  return shape;
}

/** @param entry of the result, from how far the argument is below the maximum and from the sum of exponentials */
function linewise(
  x: Float64Tensor,
  axis: number,
  entry: (belowMaximum: number, total: number) => number,
): Float64Array {
  const result = new Float64Array(x.data.length);
  const extent = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  for (let first = 0; first < x.data.length; first++) {
    if (Math.floor(first / inner) % extent !== 0) continue;
    const values = Float64Array.from({ length: extent }, (_, i) => x.data[first + i * inner]);
    const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = values.reduce((sum, value) => sum + Math.exp(value - max), 0);
    for (const [i, value] of values.entries()) result[first + i * inner] = entry(value - max, total);
  }
  return result;
}

/** TensorFlow.js normalises along the last axis only. */
function onLastAxis(tf: Tfjs, x: TfTensor, axis: number, apply: (last: TfTensor) => TfTensor): TfTensor {
  if (axis === x.rank - 1) return apply(x);
  const swap = x.shape.map((_, i) => i).with(axis, x.rank - 1);
  swap[x.rank - 1] = axis;
  return tf.transpose(apply(tf.transpose(x, swap)), swap);
}

/** @param axis −1 is the last */
export function softmax(builder: GraphBuilder, x: Value, axis = -1): Value {
  return builder.apply(SOFTMAX, [x], { axis: axis < 0 ? axis + x.shape.length : axis });
}

/** @param axis −1 is the last */
export function logSoftmax(builder: GraphBuilder, x: Value, axis = -1): Value {
  return builder.apply(LOG_SOFTMAX, [x], { axis: axis < 0 ? axis + x.shape.length : axis });
}
