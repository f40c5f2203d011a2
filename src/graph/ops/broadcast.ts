/**
 * NumPy broadcasting: shapes align at the right, an extent of 1 stretches. Its gradient is the sum over what was
 * stretched, which is why every broadcasting operator ends its gradient in `unbroadcast`.
 */
import { MeedError } from '../../foundation/index.js';
import {
  type GraphBuilder,
  type Node,
  type Operator,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
  type Value,
} from '../graph.js';
import { alignedSamples } from '../sampleLayout.js';
import { reduceSum } from './reduceSum.js';
import { reshape } from './shape.js';

export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new MeedError(`The shapes [${a}] and [${b}] do not broadcast`, 'Reshape one of them');
    }
    return x === 1 ? y : x;
  });
}

/** For each position of `to`, the position in a tensor of shape `from`. */
export function broadcastIndex(from: Shape, to: Shape): Uint32Array {
  const strides = stridesOf(from);
  const offset = to.length - from.length;
  const outStrides = stridesOf(to);
  return Uint32Array.from({ length: sizeOf(to) }, (_, position) => {
    let index = 0;
    for (let i = 0; i < from.length; i++) {
      if (from[i] === 1) continue;
      index += (Math.floor(position / outStrides[i + offset]) % to[i + offset]) * strides[i];
    }
    return index;
  });
}

/** Sums a gradient of a broadcast result back to the shape that was broadcast. */
export function unbroadcast(builder: GraphBuilder, gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const offset = gradient.shape.length - shape.length;
  const axes = gradient.shape
    .map((_, i) => i)
    .filter((i) => i < offset || (shape[i - offset] === 1 && gradient.shape[i] !== 1));
  return reshape(builder, reduceSum(builder, gradient, axes), shape);
}

const EXPAND: Operator = {
  name: 'Expand',
  shape: ([input], { shape }) => {
    const target = shape as readonly number[];
    const result = broadcastShape(input, target);
    if (!sameShape(result, target))
      throw new MeedError(`[${input}] does not expand to [${target}]`, 'Reshape it first');
    return target;
  },
  lower: (sink, [input], node) => void sink.emit('Expand', [input, sink.int64(node.output.shape)]),
  interpret: ([input], node) => Float64Array.from(broadcastIndex(input.shape, node.output.shape), (i) => input.data[i]),
  tfjs: (tf, [input], node) => tf.broadcastTo(input, [...node.output.shape]),
  gradient: (builder, node: Node, dy) => [unbroadcast(builder, dy, node.inputs[0].shape)],
  samples: alignedSamples,
};

/** What each expanded value was before. */
const unexpanded = new WeakMap<Value, Value>();

/** Stretches a tensor to a shape by broadcasting. */
export function expand(builder: GraphBuilder, input: Value, shape: Shape): Value {
  if (sameShape(input.shape, shape)) return input;
  const expanded = builder.apply(EXPAND, [input], { shape });
  unexpanded.set(expanded, input);
  return expanded;
}

/**
 * The gradient `dy` before it was expanded, if an operator that broadcasts it against `other` gives the same without:
 * the gradient of a sum is a stretched value, and what follows need not write it out. Only for gradient rules: a person
 * may ask for the gradient of an expanded value, and it has to be on the way.
 */
export function unstretched(dy: Value, other: Value): Value {
  const before = unexpanded.get(dy);
  return before && sameShape(broadcastShape(before.shape, other.shape), dy.shape) ? before : dy;
}
