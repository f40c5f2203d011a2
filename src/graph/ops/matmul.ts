/**
 * Matrix products, batched and broadcasting as NumPy's: [..., m, k] × [..., k, n] → [..., m, n].
 * A weight shared by a whole batch is one product: its gradient flattens the batch instead of summing a product each.
 */
import { MeedError } from '../../foundation/index.js';
import { type FactorContext, sampleMajor } from '../factorTerm.js';
import { type Float64Tensor, type GraphBuilder, type Operator, type Shape, sizeOf, type Value } from '../graph.js';
import { isSampleAxis, type SampleLayout } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { broadcastIndex, broadcastShape, unbroadcast } from './broadcast.js';
import { reshape, transpose } from './shape.js';

const MATMUL: Operator = {
  name: 'MatMul',
  shape: ([a, b]) => {
    if (a.length < 2 || b.length < 2 || a[a.length - 1] !== b[b.length - 2]) {
      throw new MeedError(`The matrices [${a}] and [${b}] do not multiply`, 'Give [..., m, k] and [..., k, n]');
    }
    return [...broadcastShape(a.slice(0, -2), b.slice(0, -2)), a[a.length - 2], b[b.length - 1]];
  },
  lower: (sink, inputs) => void sink.emit('MatMul', inputs),
  interpret: ([a, b], { output }) => {
    const batch = output.shape.slice(0, -2);
    const [m, n] = output.shape.slice(-2);
    const k = a.shape[a.shape.length - 1];
    const at = broadcastIndex(a.shape.slice(0, -2), batch);
    const bt = broadcastIndex(b.shape.slice(0, -2), batch);
    const product = new Float64Array(sizeOf(output.shape));
    for (const matrix of at.keys())
      addProduct(product.subarray(matrix * m * n), a, at[matrix], b, bt[matrix], [m, k, n]);
    return product;
  },
  tfjs: (tf, [a, b], { output }) => {
    const batch = output.shape.slice(0, -2);
    if (batch.length === 0) return tf.matMul(a, b);
    return tf.matMul(stretch(tf, a, batch), stretch(tf, b, batch));
  },
  gradient: (builder, { inputs: [a, b] }, dy) => [
    gradientOfLeft(builder, a, b, dy),
    gradientOfRight(builder, a, b, dy),
  ],
  samples: ({ inputs, output }, [a, b]) => {
    if (a === 'mixed' || b === 'mixed') return 'mixed';
    const left = fromRight(a, inputs[0].shape);
    const right = fromRight(b, inputs[1].shape);
    if (left === 0 || right === 1) return 'mixed';
    const outer = output.shape.length - 1;
    if (isSampleAxis(a) && isSampleAxis(b)) {
      const aligned = left === right && left !== undefined && left >= 2 && a.per === b.per;
      return aligned ? { axis: outer - left, per: a.per } : 'mixed';
    }
    if (isSampleAxis(a) && left !== undefined) return { axis: outer - left, per: a.per };
    if (isSampleAxis(b) && right !== undefined) return { axis: outer - right, per: b.per };
    return 'shared';
  },
  factors: (context, { inputs, output }, position, dy) => {
    const { builder } = context;
    const weight = inputs[position].shape;
    const other = inputs[1 - position];
    const layout = context.layoutOf(other);
    const outLayout = context.layoutOf(output);
    if (!isSampleAxis(layout) || !isSampleAxis(outLayout) || weight.length > 3) return undefined;
    if (weight.length === 3 && (other.shape.length < 3 || other.shape[other.shape.length - 3] !== weight[0]))
      return undefined;
    const turn = (value: Value, at: SampleLayout): Value | undefined => {
      if (position === 1) return groupMajor(context, value, at, weight.length);
      return groupMajor(context, transpose(builder, value), turned(at, value.shape), weight.length);
    };
    const activations = turn(other, layout);
    const deltas = turn(dy, outLayout);
    if (!activations || !deltas) return undefined;
    return position === 1
      ? { kind: 'outer', left: activations, right: deltas }
      : { kind: 'outer', left: deltas, right: activations };
  },
};

/** [n, G, T, width] of a value whose last axis is the width and, where there are groups, whose third last is the group. */
function groupMajor(context: FactorContext, value: Value, layout: SampleLayout, weightRank: number): Value | undefined {
  const { builder, samples } = context;
  const rank = value.shape.length;
  if (!isSampleAxis(layout) || layout.axis === rank - 1 || (weightRank === 3 && layout.axis === rank - 3))
    return undefined;
  const width = value.shape[rank - 1];
  const major = sampleMajor(context, value, layout);
  if (weightRank === 2) return reshape(builder, major, [samples, 1, sizeOf(major.shape) / (samples * width), width]);
  // after [n, per] the other axes keep their order, so the group's place depends on whether the samples stood behind it
  const group = major.shape.length - 1 - (layout.axis === rank - 2 ? 1 : 2);
  const order = [0, group, ...major.shape.map((_, i) => i).filter((i) => i !== 0 && i !== group)];
  const groups = major.shape[group];
  return reshape(builder, transpose(builder, major, order), [
    samples,
    groups,
    sizeOf(major.shape) / (samples * groups * width),
    width,
  ]);
}

/** The layout after the last two axes have changed places. */
function turned(layout: SampleLayout, shape: Shape): SampleLayout {
  const place = fromRight(layout, shape);
  if (!isSampleAxis(layout) || place === undefined || place > 1) return layout;
  return { axis: shape.length - 1 - (1 - place), per: layout.per };
}

function fromRight(layout: SampleLayout, shape: Shape): number | undefined {
  return isSampleAxis(layout) ? shape.length - 1 - layout.axis : undefined;
}

function gradientOfLeft(builder: GraphBuilder, a: Value, b: Value, dy: Value): Value {
  if (a.shape.length === 2 && b.shape.length > 2) {
    return transpose(builder, gradientOfShared(builder, transpose(builder, b), transpose(builder, dy)));
  }
  return unbroadcast(builder, matmul(builder, dy, transpose(builder, b)), a.shape);
}

function gradientOfRight(builder: GraphBuilder, a: Value, b: Value, dy: Value): Value {
  if (b.shape.length === 2 && a.shape.length > 2) return gradientOfShared(builder, a, dy);
  return unbroadcast(builder, matmul(builder, transpose(builder, a), dy), b.shape);
}

/** Σ over the batch of aᵀ·dy, as one product. */
function gradientOfShared(builder: GraphBuilder, a: Value, dy: Value): Value {
  const rows = (value: Value): Value => {
    const width = value.shape[value.shape.length - 1];
    return reshape(builder, value, [sizeOf(value.shape) / width, width]);
  };
  return matmul(builder, transpose(builder, rows(a)), rows(dy));
}

function addProduct(
  product: Float64Array,
  a: Float64Tensor,
  aMatrix: number,
  b: Float64Tensor,
  bMatrix: number,
  [m, k, n]: readonly [number, number, number],
): void {
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const x = a.data[(aMatrix * m + i) * k + l];
      for (let j = 0; j < n; j++) product[i * n + j] += x * b.data[(bMatrix * k + l) * n + j];
    }
  }
}

function stretch(tf: Tfjs, x: TfTensor, batch: Shape): TfTensor {
  return tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
}

/** [..., m, k] × [..., k, n] → [..., m, n], with NumPy's broadcasting of the axes in front. @throws MeedError when they do not fit */
export function matmul(builder: GraphBuilder, a: Value, b: Value): Value {
  const right = withoutOnes(builder, b, a.shape.length);
  return builder.apply(MATMUL, [withoutOnes(builder, a, right.shape.length), right]);
}

/** A stack of one matrix as the matrix, where the other operand has the axes of the result: a product for all instead of one each. */
function withoutOnes(builder: GraphBuilder, x: Value, otherRank: number): Value {
  const rank = x.shape.length;
  if (rank < 3 || otherRank < rank) return x;
  const more = x.shape.slice(0, -2).findIndex((extent) => extent !== 1);
  return reshape(builder, x, x.shape.slice(more < 0 ? rank - 2 : more));
}
