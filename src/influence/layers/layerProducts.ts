/**
 * What is computed of layers' gradients, as graph: turned into a basis (Q_lᵀ G Q_r, of the factors alone), written out,
 * multiplied with vectors, and summed with weights. Vectors are [M, G·R·C]. With one position neither product writes a
 * gradient out: the wide side is contracted first, and what is held is M × n × the narrow side. With several positions
 * a gradient written out once is cheaper.
 * The trap: a basis of k < R columns is a projection (LoGra); nothing here needs it to be square.
 */
import {
  type GraphBuilder,
  gather,
  matmul,
  multiply,
  reduceSum,
  reshape,
  transpose,
  type Value,
} from '../../graph/index.js';
import type { Layer } from './layers.js';

/** The columns that each side is multiplied with, [G, R, k] and [G, C, k]; absent: as it stands. */
export interface BasisValues {
  readonly left?: Value;
  readonly right?: Value;
}

type Factors = Pick<Layer, 'left' | 'right'>;

/** Q_lᵀ G Q_r: the same layer with other factors. */
export function turned(g: GraphBuilder, layer: Layer, { left, right }: BasisValues): Factors {
  const side = (value: Value, basis: Value | undefined): Value =>
    basis === undefined
      ? value
      : matmul(g, value, layer.groups === 1 ? reshape(g, basis, basis.shape.slice(1)) : basis);
  return { left: turnedLeft(g, layer, left, side), right: side(layer.right, right) };
}

function turnedLeft(
  g: GraphBuilder,
  { left, indices, rows }: Layer,
  basis: Value | undefined,
  side: (value: Value, basis: Value | undefined) => Value,
): Value {
  if (indices === undefined || basis === undefined) return side(left, basis);
  const [n, positions] = indices.shape;
  const k = basis.shape[2];
  return reshape(g, gather(g, reshape(g, basis, [rows, k]), indices, 0), [n, 1, positions, k]);
}

/** The gradients themselves: [n, G·R·C]. */
export function written(g: GraphBuilder, { left, right }: Factors): Value {
  const [n, groups, , rows] = left.shape;
  return reshape(g, matmul(g, transpose(g, left), right), [n, groups * rows * right.shape[3]]);
}

/** ⟨v_m, G_i⟩: [M, n]. */
export function dots(g: GraphBuilder, factors: Factors, vectors: Value): Value {
  const [n, groups, positions, rows] = factors.left.shape;
  const columns = factors.right.shape[3];
  const [count] = vectors.shape;
  if (positions > 1) return matmul(g, vectors, transpose(g, written(g, factors)));
  const { left, right } = byGroup(g, factors);
  const matrices = reshape(g, vectors, [count, groups, rows, columns]);
  if (rows > columns) {
    const products = multiply(g, matmul(g, left, matrices), right);
    return reshape(g, reduceSum(g, products, [1, 3]), [count, n]);
  }
  const products = multiply(g, matmul(g, matrices, transpose(g, right)), transpose(g, left));
  return reshape(g, reduceSum(g, products, [1, 2]), [count, n]);
}

/** Σ_i weights[m, i] G_i: [M, G·R·C]. */
export function combined(g: GraphBuilder, factors: Factors, weights: Value): Value {
  const [n, groups, positions, rows] = factors.left.shape;
  const columns = factors.right.shape[3];
  const [count] = weights.shape;
  if (positions > 1) return matmul(g, weights, written(g, factors));
  const { left, right } = byGroup(g, factors);
  const sums =
    rows > columns
      ? matmul(g, transpose(g, left), multiply(g, right, reshape(g, weights, [count, 1, n, 1])))
      : matmul(g, multiply(g, transpose(g, left), reshape(g, weights, [count, 1, 1, n])), right);
  return reshape(g, sums, [count, groups * rows * columns]);
}

/** ‖G_i‖²: [n]. */
export function squaredNorms(g: GraphBuilder, factors: Factors): Value {
  const [n, , positions] = factors.left.shape;
  const square = (value: Value): Value => multiply(g, value, value);
  if (positions > 1) return reshape(g, reduceSum(g, square(written(g, factors)), [1]), [n]);
  const each = (value: Value): Value => reduceSum(g, square(value), [3]);
  return reshape(g, reduceSum(g, multiply(g, each(factors.left), each(factors.right)), [1, 2, 3]), [n]);
}

/** Each position of each sample as a sample of its own: their gradients add up to the sample's. */
export function byPosition(g: GraphBuilder, { left, right }: Factors): Factors {
  const apart = (value: Value): Value => {
    const [n, groups, positions, width] = value.shape;
    const placed = groups === 1 ? value : transpose(g, value, [0, 2, 1, 3]);
    return reshape(g, placed, [n * positions, groups, 1, width]);
  };
  return { left: apart(left), right: apart(right) };
}

/** [n, G, 1, width] → [G, n, width] */
function byGroup(g: GraphBuilder, { left, right }: Factors): Factors {
  const turn = (value: Value): Value => {
    const [n, groups, , width] = value.shape;
    const flat = reshape(g, value, [n, groups, width]);
    return groups === 1 ? reshape(g, flat, [1, n, width]) : transpose(g, flat, [1, 0, 2]);
  };
  return { left: turn(left), right: turn(right) };
}
