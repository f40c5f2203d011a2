/**
 * Reductions, with their axes as an attribute or, since opset 18, as an input; running sums; softmax and its logarithm.
 * The trap: the gradient of a product divided by a factor fails where that is 0, so products are halved, level by level.
 */
import { type GraphBuilder, sizeOf, type Value } from '../../graph.js';
import { log, multiply } from '../../ops/elementwise.js';
import { matmul } from '../../ops/matmul.js';
import { logSumExp, reduceMax, reduceMean, reduceMin, reduceSumSquare } from '../../ops/reduce.js';
import { reduceSum } from '../../ops/reduceSum.js';
import { concat, reshape, slice, transpose } from '../../ops/shape.js';
import { logSoftmax, softmax } from '../../ops/softmax.js';
import { abs } from '../../ops/stepwise.js';
import { sqrt } from '../../ops/transcendental.js';
import type { Call } from '../call.js';
import { refuseHuge } from '../operand.js';
import { type Rules, rules } from '../rule.js';

/** Entries of the triangle of ones that makes running sums: 4,096 to sum. */
const MOST_SUMMED = 2 ** 24;

type Reduction = (g: GraphBuilder, x: Value, axes: readonly number[]) => Value;

/** Without axes all are reduced, unless the node says that none are. */
const reduction =
  (reduce: Reduction) =>
  (call: Call): Value => {
    const x = call.value(0);
    const rank = x.shape.length;
    const given = call.list(1, 'axes') ?? [];
    const none = given.length === 0 && call.int('noop_with_empty_axes', 0) !== 0;
    const every = given.length === 0 && !none;
    const axes = every ? x.shape.map((_, axis) => axis) : given.map((axis) => call.axis(axis, rank));
    const reduced = axes.length === 0 ? x : reduce(call.g, x, axes);
    if (call.int('keepdims', 1) !== 0) return reduced;
    return reshape(
      call.g,
      reduced,
      reduced.shape.filter((_, axis) => !axes.includes(axis)),
    );
  };

const along =
  (operator: (g: GraphBuilder, x: Value, axis: number) => Value) =>
  (call: Call): Value => {
    const x = call.value(0);
    return operator(call.g, x, call.axis(call.int('axis', -1), x.shape.length));
  };

export const reduceRules: Rules = rules({
  ReduceSum: reduction(reduceSum),
  ReduceMean: reduction(reduceMean),
  ReduceMax: reduction(reduceMax),
  ReduceMin: reduction(reduceMin),
  ReduceSumSquare: reduction(reduceSumSquare),
  ReduceL1: reduction((g, x, axes) => reduceSum(g, abs(g, x), axes)),
  ReduceL2: reduction((g, x, axes) => sqrt(g, reduceSumSquare(g, x, axes))),
  ReduceLogSum: reduction((g, x, axes) => log(g, reduceSum(g, x, axes))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceProd: reduction((g, x, axes) => axes.reduce((value, axis) => product(g, value, axis), x)),
  CumSum: (call) => {
    const x = call.value(0);
    const axis = call.axis(call.numbers(1)[0], x.shape.length);
    const extent = x.shape[axis];
    refuseHuge([extent, extent], MOST_SUMMED);
    const step = call.int('reverse', 0) === 0 ? 1 : -1;
    const least = call.int('exclusive', 0);
    const summed = Float64Array.from({ length: extent * extent }, (_, position) =>
      step * ((position % extent) - Math.floor(position / extent)) >= least ? 1 : 0,
    );
    const rows = transposed(call.g, x, axis);
    const sums = matmul(
      call.g,
      reshape(call.g, rows, [sizeOf(x.shape) / extent, extent]),
      call.g.constant(summed, [extent, extent]),
    );
    return transposed(call.g, reshape(call.g, sums, rows.shape), axis);
  },
  Softmax: along(softmax),
  LogSoftmax: along(logSoftmax),
});

/** The product along an axis, of which extent 1 is left. */
function product(g: GraphBuilder, x: Value, axis: number): Value {
  const extent = x.shape[axis];
  if (extent === 1) return x;
  const half = extent >> 1;
  const pairs = multiply(g, slice(g, x, axis, 0, half), slice(g, x, axis, half, 2 * half));
  return product(g, extent % 2 === 0 ? pairs : concat(g, [pairs, slice(g, x, axis, extent - 1, extent)], axis), axis);
}

/** The axis and the last one change places. */
function transposed(g: GraphBuilder, x: Value, axis: number): Value {
  const last = x.shape.length - 1;
  if (axis === last) return x;
  const order = [...x.shape.keys()].with(axis, last).with(last, axis);
  return transpose(g, x, order);
}
