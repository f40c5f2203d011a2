/**
 * Operators that run on constants while a file is read: those that make numbers from shapes, and those that rearrange
 * them. Everything else that meets only constants goes through its rule and the float64 interpreter (trace.ts).
 * The trap: inside shape computations extents of 0 are common (the shape of a scalar is an empty list), which graphs do
 * not have; hence the rearrangements are here as well as in the rules.
 */
import { type Shape, sizeOf, stridesOf } from '../graph.js';
import type { Call } from './call.js';
import { elementOfCast } from './cast.js';
import { computedFrom, type Known, known, movedFrom, type Numbers, wholeList } from './operand.js';
import { flattened, reshapeTarget, sliceRanges, squeezed, unsqueezed } from './shapes.js';

export type Folds = Readonly<Record<string, (call: Call) => Known | readonly Known[]>>;

/** These need only the shapes of their operands. */
export const shapeFolds: Folds = {
  Shape: (call) => {
    const shape = call.shape(0);
    return wholeList(shape.slice(call.int('start', 0), call.int('end', shape.length)));
  },
  Size: (call) => known('int', [], () => Float64Array.of(sizeOf(call.shape(0)))),
};

/** These need every operand to be a constant. */
export const constantFolds: Folds = {
  Constant: constant,
  ConstantOfShape: (call) => {
    const value = call.attribute('value');
    const shape = call.numbers(0);
    if (typeof value !== 'object' || !('kind' in value)) {
      return known('float', shape, () => new Float32Array(sizeOf(shape)));
    }
    if (sizeOf(value.shape) !== 1) call.refuse(`fills a tensor with ${sizeOf(value.shape)} numbers`);
    return known(value.element, shape, () => like(value.data(), sizeOf(shape)).fill(value.data()[0]));
  },
  Range: (call) => {
    const [start, limit, step] = [0, 1, 2].map((i) => call.numbers(i)[0]);
    const count = Math.max(0, Math.ceil((limit - start) / step));
    if (!Number.isFinite(count)) call.refuse(`ranges from ${start} to ${limit} by ${step}`);
    return known(call.element(0), [count], () => Float64Array.from({ length: count }, (_, i) => start + i * step));
  },
  Identity: (call) => call.known(0),
  Cast: (call) => {
    const input = call.known(0);
    const element = elementOfCast(call);
    return known(
      element,
      input.shape,
      () => {
        if (element === 'float') return input.element === 'float' ? input.data() : Float32Array.from(input.data());
        return Float64Array.from(input.data(), element === 'bool' ? (x) => Number(x !== 0) : Math.trunc);
      },
      input.origins,
    );
  },
  Reshape: (call) => reshaped(call.known(0), reshapeTarget(call)),
  Flatten: (call) => reshaped(call.known(0), flattened(call)),
  Squeeze: (call) => reshaped(call.known(0), squeezed(call)),
  Unsqueeze: (call) => reshaped(call.known(0), unsqueezed(call)),
  Slice: (call) =>
    sliceRanges(call).reduce<Known>(
      (input, { axis, start, step, count }) =>
        take(
          input,
          axis,
          Array.from({ length: count }, (_, i) => start + i * step),
          [count],
        ),
      call.known(0),
    ),
  Gather: (call) => {
    const data = call.known(0);
    const axis = call.axis(call.int('axis', 0), data.shape.length);
    const extent = data.shape[axis];
    const indices = call.numbers(1).map((i) => (i < 0 ? i + extent : i));
    if (indices.some((i) => !(i >= 0 && i < extent))) call.refuse(`takes entries [${call.numbers(1)}] of ${extent}`);
    return take(data, axis, indices, call.shape(1));
  },
  Concat: (call) => {
    const parts = call.operands.map((_, i) => call.known(i));
    const axis = call.axis(call.int('axis', 0), call.shape(0).length);
    const fits = parts.every(
      ({ shape }) =>
        shape.length === parts[0].shape.length &&
        shape.every((extent, i) => i === axis || extent === parts[0].shape[i]),
    );
    if (!fits) call.refuse(`joins [${parts.map(({ shape }) => `[${shape}]`).join(', ')}] along axis ${axis}`);
    return joined(parts, axis);
  },
  Trilu: (call) => {
    const input = call.known(0);
    const [rows, columns] = input.shape.slice(-2);
    if (input.shape.length < 2) call.refuse('wants a matrix');
    const diagonal = call.number(1) ?? 0;
    const upper = call.int('upper', 1) !== 0;
    return known(
      input.element,
      input.shape,
      () =>
        input.data().map((entry, position) => {
          const offset = (position % columns) - (Math.floor(position / columns) % rows);
          return (upper ? offset >= diagonal : offset <= diagonal) ? entry : 0;
        }),
      computedFrom([input]),
    );
  },
  NonZero: (call) => {
    const input = call.known(0);
    const strides = stridesOf(input.shape);
    const at = [...input.data().keys()].filter((position) => input.data()[position] !== 0);
    const rows = input.shape.flatMap((extent, axis) =>
      at.map((position) => Math.floor(position / strides[axis]) % extent),
    );
    return known('int', [input.shape.length, at.length], () => Float64Array.from(rows));
  },
};

function constant(call: Call): Known {
  for (const [name, value] of call.node.attributes) {
    if (name === 'value' && typeof value === 'object' && 'kind' in value) return value;
    if (name === 'value_int' && typeof value === 'number') return known('int', [], () => Float64Array.of(value));
    if (name === 'value_float' && typeof value === 'number') return known('float', [], () => Float32Array.of(value));
    if (name === 'value_ints') return wholeList(call.ints(name) ?? []);
    if (name === 'value_floats') {
      const list = call.reals(name) ?? [];
      return known('float', [list.length], () => Float32Array.from(list));
    }
  }
  return call.refuse('holds a constant that Meed does not read');
}

function reshaped(input: Known, shape: Shape): Known {
  return known(input.element, shape, () => input.data(), input.origins);
}

/** Entries `indices` along an axis, which becomes the axes `place`. */
function take(input: Known, axis: number, indices: readonly number[], place: Shape): Known {
  const outer = sizeOf(input.shape.slice(0, axis));
  const inner = sizeOf(input.shape.slice(axis + 1));
  const shape = [...input.shape.slice(0, axis), ...place, ...input.shape.slice(axis + 1)];
  return known(
    input.element,
    shape,
    () => {
      const data = input.data();
      const taken = like(data, outer * indices.length * inner);
      for (let o = 0, to = 0; o < outer; o++) {
        for (const index of indices) {
          const from = (o * input.shape[axis] + index) * inner;
          taken.set(data.subarray(from, from + inner), to);
          to += inner;
        }
      }
      return taken;
    },
    input.origins,
  );
}

function joined(parts: readonly Known[], axis: number): Known {
  const shape = parts[0].shape.map((extent, i) =>
    i === axis ? parts.reduce((sum, p) => sum + p.shape[i], 0) : extent,
  );
  const outer = sizeOf(shape.slice(0, axis));
  return known(
    parts[0].element,
    shape,
    () => {
      const result = like(parts[0].data(), sizeOf(shape));
      for (let o = 0, to = 0; o < outer; o++) {
        for (const part of parts) {
          const width = sizeOf(part.shape.slice(axis));
          result.set(part.data().subarray(o * width, (o + 1) * width), to);
          to += width;
        }
      }
      return result;
    },
    movedFrom(parts),
  );
}

function like(data: Numbers, length: number): Numbers {
  return data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
