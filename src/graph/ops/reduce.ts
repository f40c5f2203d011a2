/** Sums over axes. The reduced axes keep extent 1, so that the gradient is a plain broadcast. */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, stridesOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { expand } from './broadcast.js';

const REDUCE_SUM: Operator = {
  name: 'ReduceSum',
  shape: ([input], attributes) => {
    const axes = attributes.axes as readonly number[];
    for (const axis of axes) {
      if (!(axis in input)) throw new MeedError(`[${input}] has no axis ${axis}`, 'Name an axis it has');
    }
    return input.map((extent, i) => (axes.includes(i) ? 1 : extent));
  },
  lower: (sink, [input], { attributes }) =>
    void sink.emit('ReduceSum', [input, sink.int64(attributes.axes as readonly number[])], { keepdims: 1 }),
  interpret: ([input], { output }) => {
    const sums = new Float64Array(output.shape.reduce((a, b) => a * b, 1));
    const from = stridesOf(input.shape);
    const to = stridesOf(output.shape);
    for (let position = 0; position < input.data.length; position++) {
      let index = 0;
      for (let i = 0; i < from.length; i++) {
        if (output.shape[i] > 1) index += (Math.floor(position / from[i]) % input.shape[i]) * to[i];
      }
      sums[index] += input.data[position];
    }
    return sums;
  },
  tfjs: (tf, [input], { attributes }) => tf.sum(input, [...(attributes.axes as readonly number[])], true),
  gradient: (builder, node, dy) => [expand(builder, dy, node.inputs[0].shape)],
  samples: samplesUnless(({ attributes }) => attributes.axes as readonly number[]),
};

/** Sum over `axes`, which keep extent 1. */
export function reduceSum(builder: GraphBuilder, input: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? input : builder.apply(REDUCE_SUM, [input], { axes });
}
