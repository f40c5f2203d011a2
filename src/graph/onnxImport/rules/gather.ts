/** Entries chosen by index. Indices may be computed from what is fed; a constant one along one axis is a slice. */

import { sizeOf, stridesOf, type Value } from '../../graph.js';
import { argMax } from '../../ops/argMax.js';
import { less } from '../../ops/compare.js';
import { add, multiply, subtract } from '../../ops/elementwise.js';
import { gather, oneHot, scatterAdd } from '../../ops/gather.js';
import { gatherElements } from '../../ops/gatherElements.js';
import { reshape, slice, transpose } from '../../ops/shape.js';
import { scalar } from '../../ops/sharedConstant.js';
import type { Call } from '../call.js';
import { MOST_FOLDED, refuseHuge } from '../operand.js';
import { giving, type Rules, rules } from '../rule.js';

export const gatherRules: Rules = {
  ...rules({
    Gather: (call) => {
      const data = call.value(0);
      const axis = call.axis(call.int('axis', 0), data.shape.length);
      const indices = call.operand(1);
      if (indices.kind === 'traced') return gather(call.g, data, call.value(1), axis);
      const extent = data.shape[axis];
      const places = call.numbers(1).map((i) => (i < 0 ? i + extent : i));
      if (places.some((i) => !(i >= 0 && i < extent))) call.refuse(`takes entries [${call.numbers(1)}] of ${extent}`);
      const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
      const consecutive = places.length > 0 && places.every((place, i) => place === places[0] + i);
      if (consecutive) {
        return reshape(call.g, slice(call.g, data, axis, places[0], places[0] + places.length), shape);
      }
      return gather(call.g, data, call.g.constant(places, indices.shape), axis);
    },
    GatherElements: (call) => {
      const data = call.value(0);
      return gatherElements(call.g, data, call.value(1), call.axis(call.int('axis', 0), data.shape.length));
    },
    ScatterElements: scatterElements,
    OneHot: (call) => {
      const ids = call.value(0);
      const [depth] = call.numbers(1);
      const [off, on] = call.numbers(2);
      const rank = ids.shape.length + 1;
      const axis = call.axis(call.int('axis', -1), rank);
      refuseHuge([depth], MOST_FOLDED);
      const last = oneHot(call.g, counted(call, ids, depth), depth);
      const order = [...ids.shape.keys()].toSpliced(axis, 0, rank - 1);
      const hot = axis === rank - 1 ? last : transpose(call.g, last, order);
      const [low, span] = [call.g.constant([off], []), call.g.constant([on - off], [])];
      const value = off === 0 && on === 1 ? hot : add(call.g, low, multiply(call.g, hot, span));
      return { kind: 'traced', element: call.element(2), shape: value.shape, value };
    },
  }),
  ...giving('int', {
    ArgMax: (call) => {
      const x = call.value(0);
      const axis = call.axis(call.int('axis', 0), x.shape.length);
      if (call.int('select_last_index', 0) !== 0) call.refuse('chooses the last of equal entries');
      const best = argMax(call.g, x, axis);
      const kept = x.shape.with(axis, 1);
      return reshape(call.g, best, call.int('keepdims', 1) === 0 ? kept.toSpliced(axis, 1) : kept);
    },
    ArgMin: (call) => {
      const x = call.value(0);
      const axis = call.axis(call.int('axis', 0), x.shape.length);
      if (call.int('select_last_index', 0) !== 0) call.refuse('chooses the last of equal entries');
      const best = argMax(call.g, subtract(call.g, call.g.constant([0], []), x), axis);
      const kept = x.shape.with(axis, 1);
      return reshape(call.g, best, call.int('keepdims', 1) === 0 ? kept.toSpliced(axis, 1) : kept);
    },
  }),
};

/** Adds updates to chosen entries, by their places in the flattened tensor. Replacing entries has no gradient here. */
function scatterElements(call: Call): Value {
  const { g } = call;
  if (call.text('reduction', 'none') !== 'add') call.refuse('replaces entries; only reduction="add" can be read');
  const data = call.value(0);
  const indices = call.value(1);
  const axis = call.axis(call.int('axis', 0), data.shape.length);
  const strides = stridesOf(data.shape);
  const within = stridesOf(indices.shape);
  const offsets = Float64Array.from({ length: sizeOf(indices.shape) }, (_, position) =>
    indices.shape.reduce((sum, extent, i) => {
      return i === axis ? sum : sum + (Math.floor(position / within[i]) % extent) * strides[i];
    }, 0),
  );
  const places = add(
    g,
    multiply(g, counted(call, indices, data.shape[axis]), g.constant([strides[axis]], [])),
    g.constant(offsets, indices.shape),
  );
  const flat = reshape(g, places, [sizeOf(indices.shape)]);
  const updates = reshape(g, call.value(2), [sizeOf(indices.shape)]);
  return add(g, data, reshape(g, scatterAdd(g, flat, updates, sizeOf(data.shape)), data.shape));
}

/** Indices from 0; those below it are counted from the end. */
function counted({ g }: Call, indices: Value, extent: number): Value {
  return add(g, indices, multiply(g, less(g, indices, scalar(g, 0)), scalar(g, extent)));
}
