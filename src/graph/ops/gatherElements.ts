/**
 * One entry of a line along an axis for every place, and its transpose, a sum into lines. Data may extend further than the
 * indices along the other axes, as in ONNX.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Node, type Operator, type Shape, sizeOf, stridesOf, type Value } from '../graph.js';
import { alignedSamples, isSampleAxis, type SampleLayout } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { placeOf, tfjsPlaces, tfjsWithin } from './gather.js';

const INT64 = 7;

const GATHER_ELEMENTS: Operator = {
  name: 'GatherElements',
  shape: ([data, indices], { axis }) => {
    checkLines(data, indices, Number(axis));
    return indices;
  },
  lower: (sink, [data, indices], { attributes }) =>
    void sink.emit('GatherElements', [data, sink.emit('Cast', [indices], { to: INT64 })], { axis: attributes.axis }),
  interpret: ([data, indices], { attributes }) => {
    const places = lines(data.shape, indices.shape, Number(attributes.axis));
    return indices.data.map((index, at) => data.data[places.base[at] + placeOf(index, places.extent) * places.stride]);
  },
  tfjs: (tf, [data, indices], { inputs, attributes, output }) => {
    const flat = flatPlaces(tf, indices, inputs[0].shape, inputs[1].shape, Number(attributes.axis));
    return tf.reshape(tf.gather(tf.reshape(data, [-1]), flat), [...output.shape]);
  },
  gradient: (g, { inputs: [data, indices], attributes }, dy) => [
    g.apply(SCATTER_ELEMENTS, [indices, dy], { axis: attributes.axis, shape: data.shape }),
    undefined,
  ],
  samples: alongOtherAxes,
};

/** Inputs: indices and as many updates; attributes: the axis and the shape of the result, zero where nothing is added. */
const SCATTER_ELEMENTS: Operator = {
  name: 'ScatterElementsAdd',
  shape: (_, { shape }) => shape as Shape,
  lower: (sink, [indices, updates], { attributes, output }) => {
    const zeros = sink.emit('Expand', [sink.scalar(0), sink.int64(output.shape)]);
    const places = sink.emit('Cast', [indices], { to: INT64 });
    sink.emit('ScatterElements', [zeros, places, updates], { axis: attributes.axis, reduction: 'add' });
  },
  interpret: ([indices, updates], { attributes, output }) => {
    const places = lines(output.shape, indices.shape, Number(attributes.axis));
    const result = new Float64Array(sizeOf(output.shape));
    for (const [at, index] of indices.data.entries())
      result[places.base[at] + placeOf(index, places.extent) * places.stride] += updates.data[at];
    return result;
  },
  tfjs: (tf, [indices, updates], { inputs, attributes, output }) => {
    const flat = flatPlaces(tf, indices, output.shape, inputs[0].shape, Number(attributes.axis));
    const sums = tf.scatterND(tf.reshape(flat, [-1, 1]), tf.reshape(updates, [-1]), [sizeOf(output.shape)]);
    return tf.reshape(sums, [...output.shape]);
  },
  gradient: (g, { inputs: [indices], attributes }, dy) => [
    undefined,
    gatherElements(g, dy, indices, Number(attributes.axis)),
  ],
  samples: alongOtherAxes,
};

/** An axis that the indices cover in part has not all samples in the result, nor room for them all. */
function alongOtherAxes(node: Node, layouts: readonly SampleLayout[]): SampleLayout {
  const layout = alignedSamples(node, layouts);
  if (!isSampleAxis(layout)) return layout;
  const whole = [...node.inputs, node.output].every(
    ({ shape }) => shape[layout.axis] === node.output.shape[layout.axis],
  );
  return whole && layout.axis !== Number(node.attributes.axis) ? layout : 'mixed';
}

function checkLines(data: Shape, indices: Shape, axis: number): void {
  const fits = indices.length === data.length && indices.every((extent, i) => i === axis || extent <= data[i]);
  if (!fits || !(axis in data)) {
    throw new MeedError(
      `[${data}] has no entries at [${indices}] along axis ${axis}`,
      'Give indices of as many axes, none longer than the data but that one',
    );
  }
}

/** Where in the data the line of each index begins, and how its entries are spaced. */
function lines(data: Shape, indices: Shape, axis: number): { base: Int32Array; stride: number; extent: number } {
  const from = stridesOf(indices);
  const to = stridesOf(data);
  const base = Int32Array.from({ length: sizeOf(indices) }, (_, position) =>
    indices.reduce((sum, extent, i) => sum + (i === axis ? 0 : (Math.floor(position / from[i]) % extent) * to[i]), 0),
  );
  return { base, stride: to[axis], extent: data[axis] };
}

function flatPlaces(tf: Tfjs, indices: TfTensor, data: Shape, shape: Shape, axis: number): TfTensor {
  const { base, stride, extent } = lines(data, shape, axis);
  const places = tf.reshape(tfjsPlaces(tf, indices, extent), [-1]);
  const flat = tf.add(tf.mul(places, tf.scalar(stride, 'int32')), tf.tensor1d(base, 'int32'));
  return tfjsWithin(tf, places, extent, flat);
}

/**
 * result[i, j, k] = data[i, indices[i, j, k], k] for axis 1, of the shape of the indices.
 * @throws MeedError when the shapes do not fit; an index outside the extent is found when the graph runs
 */
export function gatherElements(g: GraphBuilder, data: Value, indices: Value, axis: number): Value {
  return g.apply(GATHER_ELEMENTS, [data, indices], { axis });
}
