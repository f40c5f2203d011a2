/** Reductions, with their axes as an attribute or, since opset 18, as an input; softmax and its logarithm. */
import type { GraphBuilder, Value } from '../../graph.js';
import { log } from '../../ops/elementwise.js';
import { logSumExp, reduceMax, reduceMean, reduceMin, reduceSumSquare } from '../../ops/reduce.js';
import { reduceSum } from '../../ops/reduceSum.js';
import { reshape } from '../../ops/shape.js';
import { logSoftmax, softmax } from '../../ops/softmax.js';
import { abs } from '../../ops/stepwise.js';
import { sqrt } from '../../ops/transcendental.js';
import type { Call } from '../call.js';
import { type Rules, rules } from '../rule.js';

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
  Softmax: along(softmax),
  LogSoftmax: along(logSoftmax),
});
