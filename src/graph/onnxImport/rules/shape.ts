/** Operators that move numbers. */
import type { Value } from '../../graph.js';
import { broadcastShape } from '../../ops/broadcast.js';
import { gather } from '../../ops/gather.js';
import { pad } from '../../ops/pad.js';
import { tile, trilu } from '../../ops/rearrange.js';
import { concat, reshape, slice, transpose } from '../../ops/shape.js';
import { stridedSlice } from '../../ops/stridedSlice.js';
import type { Call } from '../call.js';
import { MOST_FOLDED, refuseHuge } from '../operand.js';
import { type Rules, rules } from '../rule.js';
import { flattened, reshapeTarget, sliceRanges, squeezed, unsqueezed } from '../shapes.js';

export const shapeRules: Rules = rules({
  Identity: (call) => call.operand(0),
  Reshape: (call) => reshape(call.g, call.value(0), reshapeTarget(call)),
  Flatten: (call) => reshape(call.g, call.value(0), flattened(call)),
  Squeeze: (call) => reshape(call.g, call.value(0), squeezed(call)),
  Unsqueeze: (call) => reshape(call.g, call.value(0), unsqueezed(call)),
  Transpose: (call) => {
    const rank = call.shape(0).length;
    const perm = call.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    return perm.every((axis, i) => axis === i) ? call.operand(0) : transpose(call.g, call.value(0), perm);
  },
  Concat: (call) =>
    concat(
      call.g,
      call.operands.map((_, i) => call.value(i)),
      call.axis(call.int('axis', 0), call.shape(0).length),
    ),
  Slice: (call) =>
    sliceRanges(call).reduce<Value>((x, { axis, start, step, count }) => {
      if (count === 0) return call.refuse('leaves nothing of its input');
      if (start === 0 && step === 1 && count === x.shape[axis]) return x;
      if (step === 1) return slice(call.g, x, axis, start, start + count);
      const end = Math.min(Math.max(start + count * step, -1), x.shape[axis]);
      return stridedSlice(call.g, x, axis, start, end, step);
    }, call.value(0)),
  Split: split,
  Pad: (call) => {
    const mode = call.text('mode', 'constant');
    if (mode !== 'constant' && !Object.hasOwn(CONTINUED, mode)) call.refuse(`pads by "${mode}"`);
    const rank = call.shape(0).length;
    const pads = call.numbers(1);
    const axes = call.has(3) ? call.numbers(3).map((axis) => call.axis(axis, rank)) : undefined;
    const count = axes?.length ?? rank;
    if (pads.length !== 2 * count) call.refuse(`pads [${call.shape(0)}] by [${pads}]`);
    const side = (offset: number): number[] =>
      Array.from({ length: rank }, (_, axis) => {
        const place = axes ? axes.indexOf(axis) : axis;
        return place < 0 ? 0 : pads[offset + place];
      });
    return padded(call, side(0), side(count), CONTINUED[mode]);
  },
  Expand: (call) => {
    const operand = call.operand(0);
    const shape = broadcastShape(operand.shape, call.numbers(1));
    refuseHuge(shape);
    if (shape.includes(0)) call.refuse('leaves nothing of its input');
    return { kind: 'traced', element: operand.element, shape, value: call.unexpanded(0) };
  },
  Trilu: (call) => {
    const part = call.int('upper', 1) === 0 ? 'lower' : 'upper';
    refuseHuge(call.shape(0).slice(-2), MOST_FOLDED);
    return trilu(call.g, call.value(0), part, call.number(1) ?? 0);
  },
  Tile: (call) => {
    const repeats = call.numbers(1);
    return tile(call.g, call.value(0), repeats);
  },
});

/** Extent of an axis that is continued by its own entries: places are exact in float32. */
const MOST_CONTINUED = 2 ** 24;

/** Which of an axis' entries stands at a position outside it. */
type Continued = (position: number, extent: number) => number;

const modulo = (position: number, period: number): number => ((position % period) + period) % period;

const CONTINUED: Readonly<Record<string, Continued>> = {
  edge: (position, extent) => Math.min(Math.max(position, 0), extent - 1),
  wrap: modulo,
  reflect: (position, extent) => {
    const back = modulo(position, Math.max(1, 2 * (extent - 1)));
    return back < extent ? back : 2 * (extent - 1) - back;
  },
};

/** ONNX's negative padding cuts. */
function padded(call: Call, before: readonly number[], after: readonly number[], continued?: Continued): Value {
  const x = call.value(0);
  const cut = x.shape.reduce((value, extent, axis) => {
    const start = Math.max(0, -before[axis]);
    const end = extent - Math.max(0, -after[axis]);
    return start === 0 && end === extent ? value : slice(call.g, value, axis, start, end);
  }, x);
  const grow = (list: readonly number[]): number[] => list.map((extent) => Math.max(0, extent));
  if (before.every((extent) => extent <= 0) && after.every((extent) => extent <= 0)) return cut;
  if (continued) {
    return cut.shape.reduce((value, extent, axis) => {
      const [first, last] = [-grow(before)[axis], extent + grow(after)[axis]];
      if (first === 0 && last === extent) return value;
      refuseHuge([last - first], MOST_CONTINUED);
      const places = Array.from({ length: last - first }, (_, i) => continued(first + i, extent));
      return gather(call.g, value, call.g.constant(places, [places.length]), axis);
    }, cut);
  }
  return pad(call.g, cut, grow(before), grow(after), call.number(2) ?? 0);
}

function split(call: Call): Value[] {
  const x = call.value(0);
  const axis = call.axis(call.int('axis', 0), x.shape.length);
  const extent = x.shape[axis];
  const count = call.int('num_outputs', call.node.outputs.length);
  if (!(count >= 1 && count <= extent)) call.refuse(`splits ${extent} entries into ${count} parts`);
  const part = Math.ceil(extent / count);
  const sizes = call.list(1, 'split') ?? Array.from({ length: count }, (_, i) => Math.min(part, extent - i * part));
  if (sizes.reduce((sum, size) => sum + size, 0) !== extent) call.refuse(`splits ${extent} entries into [${sizes}]`);
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(call.g, x, axis, start - size, start);
  });
}
