/**
 * Rows by number and its transpose, a sum of rows; an embedding is the first, its gradient the second. Numbers are whole
 * and exact below 2^24; a negative one counts from the end, one outside the extent is an error.
 * ONNX Runtime's ScatterND adds rows in parallel and loses some that meet (1.30, two threads); ScatterElements does not.
 * As a parameter the table's per-sample gradient is a list of rows (factorTerm.ts), never the table.
 */
import { MeedError } from '../../foundation/index.js';
import { sampleMajor } from '../factorTerm.js';
import { type GraphBuilder, type OnnxSink, type Operator, type Shape, sizeOf, type Value } from '../graph.js';
import { isSampleAxis } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { equal } from './compare.js';
import { reshape, transpose } from './shape.js';
import { sharedConstant } from './sharedConstant.js';

const INT64 = 7;

const GATHER: Operator = {
  name: 'Gather',
  shape: ([data, indices], attributes) => {
    const axis = Number(attributes.axis);
    if (!(axis in data)) throw new MeedError(`[${data}] has no axis ${axis} to gather along`, 'Name an axis it has');
    return [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
  },
  lower: (sink, [data, indices], { attributes }) =>
    void sink.emit('Gather', [data, sink.emit('Cast', [indices], { to: INT64 })], { axis: attributes.axis }),
  interpret: ([data, indices], { attributes, output }) => {
    const axis = Number(attributes.axis);
    const extent = data.shape[axis];
    const inner = sizeOf(data.shape.slice(axis + 1));
    const result = new Float64Array(sizeOf(output.shape));
    let at = 0;
    for (let outer = 0; outer < sizeOf(data.shape.slice(0, axis)); outer++) {
      for (const index of indices.data) {
        const row = (outer * extent + placeOf(index, extent)) * inner;
        result.set(data.data.subarray(row, row + inner), at);
        at += inner;
      }
    }
    return result;
  },
  tfjs: (tf, [data, indices], { inputs, attributes }) => {
    const axis = Number(attributes.axis);
    return tf.gather(data, tfjsPlaces(tf, indices, inputs[0].shape[axis]), axis);
  },
  gradient: (g, { inputs: [data, indices], attributes }, dy) => {
    const axis = Number(attributes.axis);
    const rank = indices.shape.length;
    const rows = scatterAdd(g, indices, moved(g, dy, axis, rank, 0), data.shape[axis]);
    return [moved(g, rows, 0, 1, axis), undefined];
  },
  samples: ({ inputs: [, indices], attributes }, [data, at]) => {
    const axis = Number(attributes.axis);
    if (data === 'mixed' || at === 'mixed') return 'mixed';
    if (isSampleAxis(at)) return data === 'shared' ? { axis: axis + at.axis, per: at.per } : 'mixed';
    if (!isSampleAxis(data) || data.axis < axis) return data;
    return data.axis === axis ? 'mixed' : { axis: data.axis + indices.shape.length - 1, per: data.per };
  },
  factors: (context, { inputs: [table, indices], attributes, output }, position, dy) => {
    const layout = context.layoutOf(indices);
    const outLayout = context.layoutOf(output);
    if (position !== 0 || Number(attributes.axis) !== 0 || !isSampleAxis(layout) || !isSampleAxis(outLayout))
      return undefined;
    const { builder, samples } = context;
    const [rows] = table.shape;
    const each = sizeOf(indices.shape) / samples;
    return {
      kind: 'rows',
      indices: reshape(builder, sampleMajor(context, indices, layout), [samples, each]),
      right: reshape(builder, sampleMajor(context, dy, outLayout), [samples, each, sizeOf(table.shape) / rows]),
      rows,
    };
  },
};

const SCATTER_ADD: Operator = {
  name: 'ScatterAdd',
  shape: ([indices, updates], attributes) => {
    const rows = Number(attributes.rows);
    if (indices.some((extent, i) => extent !== updates[i]) || !Number.isInteger(rows) || rows < 1) {
      throw new MeedError(
        `Updates [${updates}] do not add to ${rows} rows at [${indices}]`,
        'The updates begin with the shape of the indices',
      );
    }
    return [rows, ...updates.slice(indices.length)];
  },
  lower: (sink, [indices, updates], { inputs, output }) => {
    const updated = inputs[1].shape;
    const rank = inputs[0].shape.length;
    const rows = [sizeOf(inputs[0].shape), sizeOf(updated.slice(rank))];
    const places = emitPlaces(sink, indices, rows);
    const zeros = sink.emit('Expand', [sink.scalar(0), sink.int64([output.shape[0], rows[1]])]);
    const flat = sink.emit('Reshape', [updates, sink.int64(rows)]);
    const sums = sink.emit('ScatterElements', [zeros, places, flat], { axis: 0, reduction: 'add' });
    sink.emit('Reshape', [sums, sink.int64(output.shape)]);
  },
  interpret: ([indices, updates], { output }) => {
    const [rows, ...rest] = output.shape;
    const width = sizeOf(rest);
    const result = new Float64Array(sizeOf(output.shape));
    for (const [i, index] of indices.data.entries()) {
      const row = placeOf(index, rows) * width;
      for (let j = 0; j < width; j++) result[row + j] += updates.data[i * width + j];
    }
    return result;
  },
  tfjs: (tf, [indices, updates], { output }) => {
    const [rows, ...rest] = output.shape;
    const places = tf.reshape(tfjsPlaces(tf, indices, rows), [-1, 1]);
    return tf.scatterND(places, tf.reshape(updates, [-1, ...rest]), [...output.shape]);
  },
  gradient: (g, { inputs: [indices] }, dy) => [undefined, gather(g, dy, indices, 0)],
  samples: ({ inputs: [indices] }, [at, updates]) => {
    if (!isSampleAxis(updates)) return at === 'shared' ? updates : 'mixed';
    const axis = updates.axis - indices.shape.length + 1;
    return at === 'shared' && axis > 0 ? { axis, per: updates.per } : 'mixed';
  },
};

/** One index a row, repeated along it. WebGPU casts to int64 but moves none, so there the numbers are moved first. */
function emitPlaces(sink: OnnxSink, indices: string, [count, width]: readonly number[]): string {
  const cast = (x: string): string => sink.emit('Cast', [x], { to: INT64 });
  const stretch = (x: string): string =>
    sink.emit('Expand', [sink.emit('Reshape', [x, sink.int64([count, 1])]), sink.int64([count, width])]);
  return sink.provider === 'webgpu' ? cast(stretch(indices)) : stretch(cast(indices));
}

/** @throws MeedError when `index` is no whole number of the extent */
export function placeOf(index: number, extent: number): number {
  const place = index < 0 ? index + extent : index;
  if (!Number.isInteger(place) || place < 0 || place >= extent) {
    throw new MeedError(`The index ${index} is outside an extent of ${extent}`, `Use whole numbers below ${extent}`);
  }
  return place;
}

export function tfjsPlaces(tf: Tfjs, indices: TfTensor, extent: number): TfTensor {
  const whole = tf.cast(indices, 'int32');
  return tf.where(tf.less(whole, tf.scalar(0, 'int32')), tf.add(whole, tf.scalar(extent, 'int32')), whole);
}

/** `flat` where the place is inside the extent, else −1, which gathering and scattering refuse. */
export function tfjsWithin(tf: Tfjs, places: TfTensor, extent: number, flat: TfTensor): TfTensor {
  const inside = tf.logicalAnd(tf.greaterEqual(places, 0), tf.less(places, extent));
  return tf.where(inside, flat, tf.scalar(-1, 'int32'));
}

/** The axes [from, from + count) moved so that the first of them stands at `to`. */
function moved(g: GraphBuilder, x: Value, from: number, count: number, to: number): Value {
  if (from === to) return x;
  const axes = x.shape.map((_, axis) => axis);
  const block = axes.splice(from, count);
  axes.splice(to, 0, ...block);
  return transpose(g, x, axes);
}

/**
 * Entries of `data` along `axis` at the places `indices`: the axis is replaced by the axes of the indices.
 * @throws MeedError when there is no such axis; an index outside the extent is found when the graph runs
 */
export function gather(g: GraphBuilder, data: Value, indices: Value, axis: number): Value {
  return g.apply(GATHER, [data, indices], { axis });
}

/**
 * Zeros of `rows` rows to which updates[i] is added at row indices[i]: indices [..I], updates [..I, ..R] → [rows, ..R].
 * @throws MeedError when the updates do not begin with the shape of the indices
 */
export function scatterAdd(g: GraphBuilder, indices: Value, updates: Value, rows: number): Value {
  return g.apply(SCATTER_ADD, [indices, updates], { rows });
}

/** [..] whole numbers → [.., depth], 1 at the number; a number outside 0..depth − 1 gives a row of zeros. */
export function oneHot(g: GraphBuilder, ids: Value, depth: number): Value {
  const column: Shape = [...ids.shape, 1];
  return equal(
    g,
    reshape(g, ids, column),
    sharedConstant(g, 'counting', [depth], (place) => place),
  );
}
