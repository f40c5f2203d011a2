/** Entries of one value put around a tensor; the gradient cuts them off again. */
import { MeedError } from '../../foundation/index.js';
import { type Attributes, type GraphBuilder, type Operator, sizeOf, stridesOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { stepSlice } from './stridedSlice.js';

const PAD: Operator = {
  name: 'Pad',
  shape: ([input], attributes) => {
    const { before, after, value } = paddingOf(attributes);
    const fits = [before, after].every(
      (extents) =>
        extents.length === input.length && extents.every((extent) => Number.isInteger(extent) && extent >= 0),
    );
    if (!fits) {
      throw new MeedError(
        `[${input}] cannot be padded by [${before}] before and [${after}] after`,
        'Give each axis a whole number that is not negative',
      );
    }
    if (!Number.isFinite(value)) {
      throw new MeedError(`[${input}] cannot be padded with ${value}`, 'Pad with a finite number');
    }
    return input.map((extent, i) => before[i] + extent + after[i]);
  },
  lower: (sink, [input], { attributes }) => {
    const { before, after, value } = paddingOf(attributes);
    sink.emit('Pad', [input, sink.int64([...before, ...after]), sink.scalar(value)], { mode: 'constant' });
  },
  interpret: ([input], { attributes, output }) => {
    const { before, value } = paddingOf(attributes);
    const result = new Float64Array(sizeOf(output.shape)).fill(value);
    const from = stridesOf(input.shape);
    const to = stridesOf(output.shape);
    for (const [position, entry] of input.data.entries()) {
      let index = 0;
      for (let i = 0; i < from.length; i++)
        index += (before[i] + (Math.floor(position / from[i]) % input.shape[i])) * to[i];
      result[index] = entry;
    }
    return result;
  },
  tfjs: (tf, [input], { attributes }) => {
    const { before, after, value } = paddingOf(attributes);
    return tf.pad(
      input,
      before.map((extent, i): [number, number] => [extent, after[i]]),
      value,
    );
  },
  samples: samplesUnless(({ inputs, output }) =>
    [...output.shape.keys()].filter((axis) => output.shape[axis] !== inputs[0].shape[axis]),
  ),
  gradient: (builder, { inputs, attributes }, dy) => {
    const { before } = paddingOf(attributes);
    return [stepSlice(builder, dy, { starts: before, counts: inputs[0].shape, steps: before.map(() => 1) })];
  },
};

function paddingOf(attributes: Attributes): { before: readonly number[]; after: readonly number[]; value: number } {
  return {
    before: attributes.before as readonly number[],
    after: attributes.after as readonly number[],
    value: Number(attributes.value),
  };
}

/**
 * @param before entries put in front, for each axis
 * @param after entries put behind, for each axis
 */
export function pad(
  builder: GraphBuilder,
  input: Value,
  before: readonly number[],
  after: readonly number[],
  value = 0,
): Value {
  const none = [...before, ...after].every((extent) => extent === 0);
  return none && before.length === input.shape.length && after.length === before.length
    ? input
    : builder.apply(PAD, [input], { before, after, value });
}
