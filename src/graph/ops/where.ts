/**
 * Choice entry by entry. The trap: the gradient is chosen too, but a branch that is not taken still computes, and 0·∞ in
 * its own gradient is not a number; whoever chooses away from a pole replaces the argument, not the result.
 */
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { alignedSamples } from '../sampleLayout.js';
import { stretchedFactor } from './binary.js';
import { broadcastIndex, broadcastShape, unbroadcast } from './broadcast.js';
import { scalar } from './sharedConstant.js';

const BOOL = 9;

const WHERE: Operator = {
  name: 'Where',
  shape: ([condition, a, b]) => broadcastShape(condition, broadcastShape(a, b)),
  lower: (sink, [condition, a, b]) => void sink.emit('Where', [sink.emit('Cast', [condition], { to: BOOL }), a, b]),
  interpret: ([condition, a, b], { output }) => {
    const [ci, ai, bi] = [condition, a, b].map(({ shape }) => broadcastIndex(shape, output.shape));
    return Float64Array.from(ci, (c, at) => (condition.data[c] !== 0 ? a.data[ai[at]] : b.data[bi[at]]));
  },
  tfjs: (tf, [condition, a, b]) => tf.where(tf.cast(condition, 'bool'), a, b),
  gradient: (g, { inputs: [condition, a, b] }, dy) => {
    const [da, db] = chosen(g, condition, dy);
    return [undefined, unbroadcast(g, da, a.shape), unbroadcast(g, db, b.shape)];
  },
  samples: alignedSamples,
  factors: (context, node, position, dy) => {
    if (position === 0) return undefined;
    const full = chosen(context.builder, node.inputs[0], dy)[position - 1];
    return stretchedFactor(context, node, node.inputs[position], full);
  },
};

function chosen(g: GraphBuilder, condition: Value, dy: Value): readonly [Value, Value] {
  return [where(g, condition, dy, scalar(g, 0)), where(g, condition, scalar(g, 0), dy)];
}

/** `a` where the condition is not 0, `b` where it is; the three broadcast. */
export function where(g: GraphBuilder, condition: Value, a: Value, b: Value): Value {
  return g.apply(WHERE, [condition, a, b]);
}
