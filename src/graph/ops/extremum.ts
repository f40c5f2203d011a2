/**
 * The smaller, the larger, and clipping. Conventions at ties are PyTorch's, so that gradients of imported models agree:
 * equal operands of a minimum or maximum share the gradient, and a clipped entry on the bound itself receives all of it.
 */
import { MeedError } from '../../foundation/index.js';
import type { Attributes, GraphBuilder, Operator, Value } from '../graph.js';
import { alignedSamples } from '../sampleLayout.js';
import { binaryOperator } from './binary.js';
import { and, greaterOrEqual, less, lessOrEqual } from './compare.js';
import { add, multiply, subtract } from './elementwise.js';
import { scalar } from './sharedConstant.js';

const MIN = binaryOperator({
  name: 'Min',
  compute: Math.min,
  tfjs: (tf, x, y) => tf.minimum(x, y),
  gradient: (g, a, b, dy) => shared(g, a, b, dy),
});
const MAX = binaryOperator({
  name: 'Max',
  compute: Math.max,
  tfjs: (tf, x, y) => tf.maximum(x, y),
  gradient: (g, a, b, dy) => shared(g, b, a, dy),
});

/** [dy where a < b, dy where not]; half of it to each where they are equal. */
function shared(g: GraphBuilder, a: Value, b: Value, dy: Value): [Value, Value] {
  const share = multiply(g, add(g, less(g, a, b), lessOrEqual(g, a, b)), scalar(g, 0.5));
  const da = multiply(g, dy, share);
  return [da, subtract(g, dy, da)];
}

const CLIP: Operator = {
  name: 'Clip',
  shape: ([x]) => x,
  lower: (sink, [x], { attributes }) => {
    const bound = (value: number | undefined): string => (value === undefined ? '' : sink.scalar(value));
    const { low, high } = bounds(attributes);
    sink.emit('Clip', [x, bound(low), bound(high)]);
  },
  interpret: ([x], { attributes }) => {
    const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = bounds(attributes);
    return x.data.map((entry) => Math.min(Math.max(entry, low), high));
  },
  tfjs: (tf, [x], { attributes }) => {
    const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = bounds(attributes);
    return tf.clipByValue(x, low, high);
  },
  gradient: (g, { inputs: [x], attributes }, dy) => {
    const { low, high } = bounds(attributes);
    const above = low === undefined ? undefined : greaterOrEqual(g, x, scalar(g, low));
    const below = high === undefined ? undefined : lessOrEqual(g, x, scalar(g, high));
    const inside = above && below ? and(g, above, below) : (above ?? below);
    return [inside ? multiply(g, dy, inside) : dy];
  },
  samples: alignedSamples,
};

function bounds(attributes: Attributes): { low?: number; high?: number } {
  return attributes as { low?: number; high?: number };
}

export const minimum = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(MIN, [a, b]);
export const maximum = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(MAX, [a, b]);

/**
 * Entries moved into [low, high]; a bound that is left out or infinite does not bind.
 * @throws MeedError when the bounds are no interval
 */
export function clip(g: GraphBuilder, x: Value, low?: number, high?: number): Value {
  if (Number.isNaN(low) || Number.isNaN(high) || (low ?? Number.NEGATIVE_INFINITY) > (high ?? Number.POSITIVE_INFINITY))
    throw new MeedError(`[${low}, ${high}] is no interval to clip to`, 'Give the smaller bound first');
  const binding = (value: number | undefined): value is number => value !== undefined && Number.isFinite(value);
  if (!binding(low) && !binding(high)) return x;
  return g.apply(CLIP, [x], { ...(binding(low) ? { low } : {}), ...(binding(high) ? { high } : {}) });
}
