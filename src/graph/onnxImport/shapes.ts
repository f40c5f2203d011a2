/** ONNX's conventions about shapes: −1 and 0 in Reshape, axes counted from the end, slices that are clamped. */
import { type Shape, sizeOf } from '../graph.js';
import type { Call } from './call.js';

/** The shape that Reshape's second input asks for: 0 keeps an extent (unless `allowzero`), one −1 is what is left. */
export function reshapeTarget(call: Call): Shape {
  const from = call.shape(0);
  const keepsZero = call.int('allowzero', 0) !== 0;
  const asked = call.numbers(1).map((extent, i) => (extent === 0 && !keepsZero ? (from[i] ?? 0) : extent));
  const rest = asked.filter((extent) => extent !== -1).reduce((size, extent) => size * extent, 1);
  const target = asked.map((extent) => (extent === -1 ? sizeOf(from) / rest : extent));
  const whole = target.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (asked.filter((extent) => extent === -1).length > 1 || !whole || sizeOf(target) !== sizeOf(from)) {
    call.refuse(`reshapes [${from}] to [${call.numbers(1)}]`);
  }
  return target;
}

export function squeezed(call: Call): Shape {
  const from = call.shape(0);
  const axes = call.list(1, 'axes')?.map((axis) => call.axis(axis, from.length));
  if (axes?.some((axis) => from[axis] !== 1)) call.refuse(`squeezes the axes [${axes}] of [${from}]`);
  return from.filter((extent, axis) => !(axes ? axes.includes(axis) : extent === 1));
}

export function unsqueezed(call: Call): Shape {
  const from = [...call.shape(0)];
  const given = call.list(1, 'axes') ?? call.refuse('names no axes');
  const axes = given.map((axis) => call.axis(axis, from.length + given.length));
  if (new Set(axes).size !== axes.length) call.refuse(`names an axis twice in [${given}]`);
  return Array.from({ length: from.length + axes.length }, (_, axis) =>
    axes.includes(axis) ? 1 : (from.shift() ?? 1),
  );
}

export function flattened(call: Call): Shape {
  const from = call.shape(0);
  const asked = call.int('axis', 1);
  const axis = asked === from.length ? asked : call.axis(asked, from.length);
  return [sizeOf(from.slice(0, axis)), sizeOf(from.slice(axis))];
}

export interface Range {
  readonly axis: number;
  /** The first entry taken. */
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Slice's ranges after clamping, by NumPy's rules. */
export function sliceRanges(call: Call): Range[] {
  const from = call.shape(0);
  const starts = call.numbers(1);
  const ends = call.numbers(2);
  const axes = call.has(3) ? call.numbers(3) : starts.map((_, i) => i);
  const steps = call.has(4) ? call.numbers(4) : starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || steps.includes(0)) {
    call.refuse(`slices from [${starts}] to [${ends}] along [${axes}] by [${steps}]`);
  }
  return starts.map((given, i) => {
    const axis = call.axis(axes[i], from.length);
    const extent = from[axis];
    const step = steps[i];
    const clamp = (position: number): number => {
      const counted = position < 0 ? position + extent : position;
      return step > 0 ? Math.min(Math.max(counted, 0), extent) : Math.min(Math.max(counted, -1), extent - 1);
    };
    const start = clamp(given);
    return { axis, start, step, count: Math.max(0, Math.ceil((clamp(ends[i]) - start) / step)) };
  });
}
