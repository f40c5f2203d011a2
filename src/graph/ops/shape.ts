/** Operators that move numbers without computing: Reshape, Transpose, Slice, Concat. */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, type Shape, sameShape, sizeOf, stridesOf, type Value } from '../graph.js';
import { alignedSamples, isSampleAxis, reshapedSamples, samplesUnless } from '../sampleLayout.js';
import { pad } from './pad.js';

const RESHAPE: Operator = {
  name: 'Reshape',
  shape: ([input], attributes) => {
    const shape = attributes.shape as Shape;
    if (sizeOf(shape) !== sizeOf(input))
      throw new MeedError(`[${input}] does not reshape to [${shape}]`, 'Keep the number of entries');
    return shape;
  },
  lower: (sink, [input], { output }) => void sink.emit('Reshape', [input, sink.int64(output.shape)]),
  interpret: ([input]) => input.data.slice(),
  tfjs: (tf, [input], { output }) => tf.reshape(input, [...output.shape]),
  gradient: (builder, node, dy) => [reshape(builder, dy, node.inputs[0].shape)],
  samples: ({ inputs, output }, [layout], samples) => reshapedSamples(inputs[0].shape, output.shape, layout, samples),
};

export function reshape(builder: GraphBuilder, input: Value, shape: Shape): Value {
  return sameShape(input.shape, shape) ? input : builder.apply(RESHAPE, [input], { shape });
}

const TRANSPOSE: Operator = {
  name: 'Transpose',
  shape: ([input], attributes) => {
    const perm = attributes.perm as readonly number[];
    if (
      perm.length !== input.length ||
      new Set(perm).size !== perm.length ||
      perm.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= input.length)
    ) {
      throw new MeedError(`[${perm}] is no permutation of the axes of [${input}]`, 'Name each axis once');
    }
    return perm.map((axis) => input[axis]);
  },
  lower: (sink, [input], { attributes }) => void sink.emit('Transpose', [input], { perm: attributes.perm }),
  interpret: ([input], { attributes, output }) => {
    const perm = attributes.perm as readonly number[];
    const strides = stridesOf(input.shape);
    const outStrides = stridesOf(output.shape);
    return Float64Array.from({ length: input.data.length }, (_, position) => {
      let index = 0;
      for (let i = 0; i < perm.length; i++)
        index += (Math.floor(position / outStrides[i]) % output.shape[i]) * strides[perm[i]];
      return input.data[index];
    });
  },
  tfjs: (tf, [input], { attributes }) => tf.transpose(input, [...(attributes.perm as readonly number[])]),
  samples: ({ attributes }, [layout]) => {
    if (!isSampleAxis(layout)) return layout;
    return { axis: (attributes.perm as readonly number[]).indexOf(layout.axis), per: layout.per };
  },
  gradient: (builder, node, dy) => {
    const perm = node.attributes.perm as readonly number[];
    return [
      transpose(
        builder,
        dy,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  },
};

/**
 * Output axis i is input axis perm[i]; without `perm` the last two axes change places. Two that undo each other are none;
 * others stay two, since a runtime takes an exchange of the last axes into the product that follows.
 */
export function transpose(builder: GraphBuilder, input: Value, perm?: readonly number[]): Value {
  const rank = input.shape.length;
  const swap = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : rank - 2 + (rank - 1 - i)));
  const chosen = perm ?? swap;
  const before = builder.producerOf(input);
  if (before?.operator === TRANSPOSE) {
    const earlier = before.attributes.perm as readonly number[];
    if (chosen.length === rank && chosen.every((axis, i) => earlier[axis] === i)) return before.inputs[0];
  }
  return builder.apply(TRANSPOSE, [input], { perm: chosen });
}

const SLICE: Operator = {
  name: 'Slice',
  shape: ([input], attributes) => {
    const { axis, start, end } = sliceRange(attributes);
    const whole = [axis, start, end].every(Number.isInteger);
    if (!whole || axis < 0 || axis >= input.length || start < 0 || end > input[axis] || start >= end) {
      throw new MeedError(`[${input}] has no slice [${start}, ${end}) along axis ${axis}`, 'Stay inside the extent');
    }
    return input.map((extent, i) => (i === axis ? end - start : extent));
  },
  lower: (sink, [input], { attributes }) => {
    const { axis, start, end } = sliceRange(attributes);
    sink.emit('Slice', [input, sink.int64([start]), sink.int64([end]), sink.int64([axis])]);
  },
  interpret: ([input], { attributes }) => {
    const { axis, start, end } = sliceRange(attributes);
    const inner = sizeOf(input.shape.slice(axis + 1));
    const extent = input.shape[axis];
    return input.data.filter((_, position) => {
      const at = Math.floor(position / inner) % extent;
      return at >= start && at < end;
    });
  },
  tfjs: (tf, [input], { attributes, output }) => {
    const { axis, start } = sliceRange(attributes);
    return tf.slice(
      input,
      output.shape.map((_, i) => (i === axis ? start : 0)),
      [...output.shape],
    );
  },
  samples: samplesUnless(({ attributes }) => [Number(attributes.axis)]),
  gradient: (builder, node, dy) => {
    const { axis, start, end } = sliceRange(node.attributes);
    const zeros = dy.shape.map(() => 0);
    return [pad(builder, dy, zeros.with(axis, start), zeros.with(axis, node.inputs[0].shape[axis] - end))];
  },
};

function sliceRange(attributes: Readonly<Record<string, unknown>>): { axis: number; start: number; end: number } {
  return { axis: Number(attributes.axis), start: Number(attributes.start), end: Number(attributes.end) };
}

/** Entries [start, end) along an axis. */
export function slice(builder: GraphBuilder, input: Value, axis: number, start: number, end: number): Value {
  return builder.apply(SLICE, [input], { axis, start, end });
}

const CONCAT: Operator = {
  name: 'Concat',
  shape: (inputs, attributes) => {
    const axis = Number(attributes.axis);
    const [first] = inputs;
    if (!first) throw new MeedError('There is nothing to join', 'Give at least one tensor');
    for (const shape of inputs) {
      const fits = shape.length === first.length && shape.every((extent, i) => i === axis || extent === first[i]);
      if (!fits || !(axis in first)) {
        throw new MeedError(`[${first}] and [${shape}] do not join along axis ${axis}`, 'Only that axis may differ');
      }
    }
    return first.map((extent, i) => (i === axis ? inputs.reduce((sum, shape) => sum + shape[axis], 0) : extent));
  },
  lower: (sink, inputs, { attributes }) => void sink.emit('Concat', inputs, { axis: attributes.axis }),
  interpret: (inputs, { attributes, output }) => {
    const axis = Number(attributes.axis);
    const result = new Float64Array(sizeOf(output.shape));
    const outer = sizeOf(output.shape.slice(0, axis));
    const row = sizeOf(output.shape.slice(axis));
    let column = 0;
    for (const input of inputs) {
      const width = sizeOf(input.shape.slice(axis));
      for (let o = 0; o < outer; o++) result.set(input.data.subarray(o * width, (o + 1) * width), o * row + column);
      column += width;
    }
    return result;
  },
  tfjs: (tf, inputs, { attributes }) => tf.concat([...inputs], Number(attributes.axis)),
  samples: (node, layouts) => {
    const layout = alignedSamples(node, layouts);
    return isSampleAxis(layout) && layout.axis === Number(node.attributes.axis) ? 'mixed' : layout;
  },
  gradient: (builder, node, dy) => {
    const axis = Number(node.attributes.axis);
    let start = 0;
    return node.inputs.map(({ shape }) => {
      const part = slice(builder, dy, axis, start, start + shape[axis]);
      start += shape[axis];
      return part;
    });
  },
};

export function concat(builder: GraphBuilder, inputs: readonly Value[], axis: number): Value {
  return inputs.length === 1 ? inputs[0] : builder.apply(CONCAT, inputs, { axis });
}
