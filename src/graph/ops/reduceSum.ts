/** Sums over axes; in a file of its own, since broadcasting needs it and every other operator needs broadcasting. */
import type { GraphBuilder, Value } from '../graph.js';
import { expand } from './broadcast.js';
import { reduce, reduction, sum } from './reduction.js';

const REDUCE_SUM = reduction({
  name: 'ReduceSum',
  compute: sum,
  tfjs: (tf, x, axes) => tf.sum(x, axes, true),
  gradient: (g, x, _y, dy) => expand(g, dy, x.shape),
});

/** Sum over `axes`, which keep extent 1. */
export function reduceSum(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return reduce(g, REDUCE_SUM, x, axes);
}
