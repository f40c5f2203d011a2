/**
 * Every step-th entry along axes, forwards or backwards; its adjoint writes the entries into zeros. Both are one idea:
 * a rule `input = start + step·output` for each axis.
 * The trap: ONNX counts a negative `end` from the back, so "down to entry 0" needs an end beyond the extent; starts and
 * counts say the same without a special case and are what the node holds. ONNX Runtime 1.30 on WebGPU begins every
 * backward slice at the last entry, whatever its start: what lies behind the start is cut off before.
 */
import { MeedError } from '../../foundation/index.js';
import {
  type Attributes,
  type GraphBuilder,
  type Operator,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
  type Value,
} from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { pad } from './pad.js';
import { reshape } from './shape.js';

/** For each axis: the first entry taken, how many, and how far apart. */
export interface Steps {
  readonly starts: readonly number[];
  readonly counts: readonly number[];
  readonly steps: readonly number[];
}

const STRIDED_SLICE: Operator = {
  name: 'StridedSlice',
  shape: ([input], attributes) => {
    const { starts, counts, steps } = stepsOf(attributes);
    for (const [axis, extent] of input.entries()) {
      const [start, count, step] = [starts[axis], counts[axis], steps[axis]];
      const last = start + (count - 1) * step;
      const inside = [start, last].every((at) => Number.isInteger(at) && at >= 0 && at < extent);
      if (!inside || !Number.isInteger(count) || count < 1 || !Number.isInteger(step) || step === 0) {
        throw new MeedError(
          `[${input}] has no ${count} entries from ${start} in steps of ${step} along axis ${axis}`,
          'Stay inside the extent, take at least one entry and step by a whole number other than 0',
        );
      }
    }
    return counts;
  },
  lower: (sink, [input], { attributes, inputs }) => {
    const all = stepsOf(attributes);
    const axes = movedAxes(inputs[0].shape, all);
    const ends = endsOf(inputs[0].shape, all);
    const extents = inputs[0].shape;
    const cut = axes.filter((axis) => all.steps[axis] < 0 && all.starts[axis] !== extents[axis] - 1);
    const from =
      cut.length === 0
        ? input
        : sink.emit('Slice', [
            input,
            sink.int64(cut.map(() => 0)),
            sink.int64(cut.map((axis) => all.starts[axis] + 1)),
            sink.int64(cut),
          ]);
    const pick = (values: readonly number[]): string => sink.int64(axes.map((axis) => values[axis]));
    sink.emit('Slice', [from, pick(all.starts), pick(ends), sink.int64(axes), pick(all.steps)]);
  },
  interpret: ([input], { attributes, output }) => {
    const { starts, steps } = stepsOf(attributes);
    const from = stridesOf(input.shape);
    const to = stridesOf(output.shape);
    return Float64Array.from({ length: sizeOf(output.shape) }, (_, position) => {
      let index = 0;
      for (let i = 0; i < from.length; i++)
        index += (starts[i] + steps[i] * (Math.floor(position / to[i]) % output.shape[i])) * from[i];
      return input.data[index];
    });
  },
  tfjs: (tf, [input], { attributes, inputs }) => {
    const all = stepsOf(attributes);
    return tf.stridedSlice(input, [...all.starts], endsOf(inputs[0].shape, all), [...all.steps]);
  },
  samples: samplesUnless(({ attributes, inputs }) => movedAxes(inputs[0].shape, stepsOf(attributes))),
  gradient: (builder, { inputs, attributes }, dy) => {
    const { starts, steps } = stepsOf(attributes);
    return [embed(builder, dy, inputs[0].shape, starts, steps)];
  },
};

function stepsOf(attributes: Attributes): Steps {
  return {
    starts: attributes.starts as readonly number[],
    counts: attributes.counts as readonly number[],
    steps: attributes.steps as readonly number[],
  };
}

/** The axes that do not stay as they are. */
function movedAxes(shape: Shape, { counts, steps }: Steps): number[] {
  return [...shape.keys()].filter((axis) => counts[axis] !== shape[axis] || steps[axis] !== 1);
}

/** Ends as ONNX and TensorFlow.js want them: exclusive, and beyond the front written as −extent − 1. */
function endsOf(shape: Shape, { starts, counts, steps }: Steps): number[] {
  return shape.map((extent, axis) => {
    const end = starts[axis] + counts[axis] * steps[axis];
    return end < 0 ? -extent - 1 : Math.min(end, extent);
  });
}

/** Along each axis, `counts` entries from `starts`, `steps` apart. */
export function stepSlice(builder: GraphBuilder, input: Value, { starts, counts, steps }: Steps): Value {
  const whole = sameShape(input.shape, counts) && steps.every((step) => step === 1);
  return whole && starts.every((start) => start === 0)
    ? input
    : builder.apply(STRIDED_SLICE, [input], { starts, counts, steps });
}

/**
 * Entries start, start + step, … before `end` along an axis. A negative step goes backwards, `end` is then below the last
 * entry taken: −1 to reach entry 0. Neither is counted from the back.
 * @throws MeedError when no entry or one outside the extent would be taken
 */
export function stridedSlice(
  builder: GraphBuilder,
  input: Value,
  axis: number,
  start: number,
  end: number,
  step: number,
): Value {
  if (!(axis in input.shape)) {
    throw new MeedError(`[${input.shape}] has no axis ${axis}`, 'Name an axis it has');
  }
  const along = (value: number, others: (extent: number) => number): number[] =>
    input.shape.map((extent, i) => (i === axis ? value : others(extent)));
  return stepSlice(builder, input, {
    starts: along(start, () => 0),
    counts: along(Math.ceil((end - start) / step), (extent) => extent),
    steps: along(step, () => 1),
  });
}

/** The adjoint of `stepSlice`: zeros of `shape` in which entry i of `input` stands at starts + steps·i of each axis. */
export function embed(
  builder: GraphBuilder,
  input: Value,
  shape: Shape,
  starts: readonly number[],
  steps: readonly number[],
): Value {
  let spread = input;
  const before: number[] = [];
  for (const [axis, step] of steps.entries()) {
    const count = input.shape[axis];
    if (step < 0) spread = stridedSlice(builder, spread, axis, count - 1, -1, -1);
    spread = spreadAxis(builder, spread, axis, Math.abs(step));
    before.push(step < 0 ? starts[axis] + (count - 1) * step : starts[axis]);
  }
  const after = shape.map((extent, axis) => extent - before[axis] - spread.shape[axis]);
  return pad(builder, spread, before, after);
}

/** Puts step − 1 zeros between neighbours along an axis. */
function spreadAxis(builder: GraphBuilder, input: Value, axis: number, step: number): Value {
  const count = input.shape[axis];
  if (step === 1 || count === 1) return input;
  const inner = sizeOf(input.shape.slice(axis + 1));
  const rows = reshape(builder, input, [sizeOf(input.shape) / inner, inner]);
  const spaced = pad(builder, rows, [0, 0], [0, (step - 1) * inner]);
  const wide = reshape(
    builder,
    spaced,
    input.shape.map((extent, i) => (i === axis ? count * step : extent)),
  );
  return stridedSlice(builder, wide, axis, 0, (count - 1) * step + 1, 1);
}
