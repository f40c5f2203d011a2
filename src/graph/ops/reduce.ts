/** Means, extremes and their kin over axes. Entries that share the maximum share its gradient evenly. */
import { type GraphBuilder, type Operator, stridesOf, type Value } from '../graph.js';
import { expand } from './broadcast.js';
import { equal } from './compare.js';
import { divide, exp, multiply, subtract } from './elementwise.js';
import { reduceSum } from './reduceSum.js';
import { axesOf, grouped, reduce, reduction, sum } from './reduction.js';
import { scalar } from './sharedConstant.js';

const largest = (entries: Float64Array): number => entries.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

const REDUCE_MEAN = reduction({
  name: 'ReduceMean',
  compute: (entries) => sum(entries) / entries.length,
  tfjs: (tf, x, axes) => tf.mean(x, axes, true),
  gradient: (g, x, _y, dy, axes) => expand(g, multiply(g, dy, scalar(g, 1 / count(x, axes))), x.shape),
});
const REDUCE_SUM_SQUARE = reduction({
  name: 'ReduceSumSquare',
  compute: (entries) => sum(entries.map((entry) => entry * entry)),
  tfjs: (tf, x, axes) => tf.sum(tf.square(x), axes, true),
  gradient: (g, x, _y, dy) => multiply(g, x, multiply(g, dy, scalar(g, 2))),
});
const REDUCE_MAX = reduction({
  name: 'ReduceMax',
  compute: largest,
  tfjs: (tf, x, axes) => tf.max(x, axes, true),
  gradient: ties,
});
const REDUCE_MIN = reduction({
  name: 'ReduceMin',
  compute: (entries) => -largest(entries.map((entry) => -entry)),
  tfjs: (tf, x, axes) => tf.min(x, axes, true),
  gradient: ties,
});
const REDUCE_LOG_SUM_EXP = reduction({
  name: 'ReduceLogSumExp',
  compute: (entries) => {
    const max = largest(entries);
    return max + Math.log(sum(entries.map((entry) => Math.exp(entry - max))));
  },
  tfjs: (tf, x, axes) => tf.logSumExp(x, axes, true),
  // its parts, because ONNX Runtime's own ReduceLogSumExp takes eight times as long
  lower: (sink, [x], node) => {
    const axes = sink.int64(axesOf(node));
    const max = sink.emit('ReduceMax', [x, axes], { keepdims: 1 });
    const total = sink.emit('ReduceSum', [sink.emit('Exp', [sink.emit('Sub', [x, max])]), axes], { keepdims: 1 });
    sink.emit('Add', [max, sink.emit('Log', [total])]);
  },
  gradient: (g, x, y, dy) => multiply(g, dy, exp(g, subtract(g, x, y))),
});

/** dy shared by the entries that are equal to the result. */
function ties(g: GraphBuilder, x: Value, y: Value, dy: Value, axes: readonly number[]): Value {
  const at = equal(g, x, y);
  return multiply(g, at, divide(g, dy, reduceSum(g, at, axes)));
}

function count(x: Value, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * x.shape[axis], 1);
}

/** x − mean(x). Equal to its own transpose, so the gradient is the operator again. */
const CENTRE: Operator = {
  ...REDUCE_MEAN,
  name: 'Centre',
  shape: (shapes, attributes) => {
    REDUCE_MEAN.shape(shapes, attributes);
    return shapes[0];
  },
  lower: (sink, [x], node) => {
    const mean = sink.emit('ReduceMean', [x, sink.int64(axesOf(node))], { keepdims: 1 });
    sink.emit('Sub', [x, mean]);
  },
  interpret: ([x], node) => {
    const shape = x.shape.map((extent, axis) => (axesOf(node).includes(axis) ? 1 : extent));
    const means = grouped(x, shape).map((entries) => sum(entries) / entries.length);
    const from = stridesOf(x.shape);
    const to = stridesOf(shape);
    return x.data.map((entry, position) => {
      const group = from.reduce(
        (index, stride, i) => index + (shape[i] > 1 ? (Math.floor(position / stride) % x.shape[i]) * to[i] : 0),
        0,
      );
      return entry - means[group];
    });
  },
  tfjs: (tf, [x], node) => tf.sub(x, tf.mean(x, [...axesOf(node)], true)),
  gradient: (g, node, dy) => [centre(g, dy, axesOf(node))],
};

/** Mean over `axes`, which keep extent 1. */
export function reduceMean(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return reduce(g, REDUCE_MEAN, x, axes);
}

/** Σ x² over `axes`, which keep extent 1. */
export function reduceSumSquare(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? multiply(g, x, x) : reduce(g, REDUCE_SUM_SQUARE, x, axes);
}

/** Largest entry over `axes`, which keep extent 1. */
export function reduceMax(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return reduce(g, REDUCE_MAX, x, axes);
}

/** Smallest entry over `axes`, which keep extent 1. */
export function reduceMin(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return reduce(g, REDUCE_MIN, x, axes);
}

/** log Σ exp over `axes`, which keep extent 1, without overflow. */
export function logSumExp(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return reduce(g, REDUCE_LOG_SUM_EXP, x, axes);
}

/** x less its mean over `axes`, in the shape of x. */
export function centre(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? subtract(g, x, x) : g.apply(CENTRE, [x], { axes });
}

/** Mean squared distance from the mean over `axes`, which keep extent 1 (divided by n, not n − 1). */
export function variance(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return multiply(g, reduceSumSquare(g, centre(g, x, axes), axes), scalar(g, 1 / count(x, axes)));
}
