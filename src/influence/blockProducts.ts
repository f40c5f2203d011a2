/**
 * Inner products, norms and projections of per-sample gradients, from their factors, as graph (design.md section 4).
 * A product of two sums of outer products is Σ_{t,s} (l_t·l'_s)(r_t·r'_s); with many positions writing the gradients out
 * is cheaper. The route is chosen by counting multiplications, from shapes alone, so that equal shapes always
 * take equal routes and give equal bits.
 */
import {
  add,
  equal,
  type FactorTerm,
  type GraphBuilder,
  materialise,
  matmul,
  multiply,
  reduceSum,
  reshape,
  type Shape,
  sizeOf,
  termParts,
  transpose,
  type Value,
} from '../graph/index.js';

/** K[i, j] = ⟨G_i, G'_j⟩ over one block: [n, m]. Both terms must be of one parameter, and so of one kind and width. */
export function blockProducts(g: GraphBuilder, a: FactorTerm, b: FactorTerm): Value {
  if (a.kind === 'outer' && b.kind === 'outer') return outerProducts(g, a, b);
  if (a.kind === 'rows' && b.kind === 'rows') {
    const same = equal(g, column(g, a.indices), row(g, b.indices));
    const products = multiply(g, pairs(g, a.right, b.right), same);
    return sumPositions(g, products, a.indices.shape, b.indices.shape);
  }
  if (a.kind === 'direct' && b.kind === 'direct') return matmul(g, a.gradient, transpose(g, b.gradient));
  throw new Error(`a ${a.kind} block was multiplied with a ${b.kind} block`);
}

/** ‖G_i‖²: [n]. */
export function blockNorms(g: GraphBuilder, term: FactorTerm): Value {
  if (term.kind === 'direct') return sumFrom(g, multiply(g, term.gradient, term.gradient));
  if (term.kind === 'rows') {
    const [n, positions] = term.indices.shape;
    const same = equal(g, reshape(g, term.indices, [n, positions, 1]), reshape(g, term.indices, [n, 1, positions]));
    return sumFrom(g, multiply(g, matmul(g, term.right, transpose(g, term.right)), same));
  }
  const [n, groups, positions, r] = term.left.shape;
  const c = term.right.shape[3];
  if (positions * (r + c) < r * c) {
    const gram = (x: Value): Value => matmul(g, x, transpose(g, x));
    return sumFrom(g, multiply(g, gram(term.left), gram(term.right)));
  }
  const whole = reshape(g, matmul(g, transpose(g, term.left), term.right), [n, groups * r * c]);
  return sumFrom(g, multiply(g, whole, whole));
}

/**
 * P_l · G_i · P_rᵀ summed over positions (LoGra, Choe et al. 2024, section 3): [n, G·k_l·k_r].
 * @param left  [R, k_l] @param right [C, k_r]
 */
export function blockProjection(
  g: GraphBuilder,
  term: Extract<FactorTerm, { kind: 'outer' }>,
  left: Value,
  right: Value,
): Value {
  const projected = matmul(g, transpose(g, matmul(g, term.left, left)), matmul(g, term.right, right));
  return reshape(g, projected, [projected.shape[0], sizeOf(projected.shape) / projected.shape[0]]);
}

type Outer = Extract<FactorTerm, { kind: 'outer' }>;

/** Whether products of these gradients come cheaper once they are written out. */
export function writesOut(left: Shape, right: Shape): boolean {
  const [, , positions, r] = left;
  const c = right[3];
  return positions ** 2 * (r + c + 2) > r * c;
}

/** The same of an embedding's gradient: its rows are compared pair by pair of positions otherwise. */
function writesRowsOut({ right, rows }: Extract<FactorTerm, { kind: 'rows' }>): boolean {
  const [, positions, width] = right.shape;
  return positions ** 2 * (width + 2) > rows * width;
}

/**
 * The form in which a term is cheapest to keep and to multiply: gradients that products would write out, again for every
 * block they meet, are written out at once, unless that takes more than twice the memory of their factors.
 */
export function productForm(g: GraphBuilder, term: FactorTerm): FactorTerm {
  if (term.kind === 'direct') return term;
  if (!(term.kind === 'rows' ? writesRowsOut(term) : writesOut(term.left.shape, term.right.shape))) return term;
  const gradient = materialise(g, term);
  const factors = termParts(term).reduce((sum, { value }) => sum + sizeOf(value.shape), 0);
  return sizeOf(gradient.shape) <= 2 * factors ? { kind: 'direct', gradient } : term;
}

function outerProducts(g: GraphBuilder, a: Outer, b: Outer): Value {
  if (writesOut(a.left.shape, a.right.shape)) return matmul(g, materialise(g, a), transpose(g, materialise(g, b)));
  const [n, groups, t] = a.left.shape;
  const [m, , s] = b.left.shape;
  const byGroup = (x: Value): Value => {
    const [samples, , positions, width] = x.shape;
    if (groups === 1) return reshape(g, x, [samples * positions, width]);
    return reshape(g, transpose(g, x, [1, 0, 2, 3]), [groups, samples * positions, width]);
  };
  const side = (x: Value, y: Value): Value => matmul(g, byGroup(x), transpose(g, byGroup(y)));
  const products = multiply(g, side(a.left, b.left), side(a.right, b.right));
  const summed = groups === 1 ? products : reshape(g, reduceSum(g, products, [0]), [n * t, m * s]);
  return sumPositions(g, summed, [n, t], [m, s]);
}

/** [n·t, m·s] → [n, m] */
function sumPositions(g: GraphBuilder, products: Value, a: readonly number[], b: readonly number[]): Value {
  const [n, t] = a;
  const [m, s] = b;
  if (t === 1 && s === 1) return products;
  return reshape(g, reduceSum(g, reshape(g, products, [n, t, m, s]), [1, 3]), [n, m]);
}

function pairs(g: GraphBuilder, a: Value, b: Value): Value {
  const flat = (x: Value): Value => reshape(g, x, [x.shape[0] * x.shape[1], x.shape[2]]);
  return matmul(g, flat(a), transpose(g, flat(b)));
}

function column(g: GraphBuilder, x: Value): Value {
  return reshape(g, x, [sizeOf(x.shape), 1]);
}

function row(g: GraphBuilder, x: Value): Value {
  return reshape(g, x, [1, sizeOf(x.shape)]);
}

/** Σ over everything but the first axis: [n]. */
function sumFrom(g: GraphBuilder, x: Value): Value {
  const axes = x.shape.map((_, i) => i).slice(1);
  return reshape(g, reduceSum(g, x, axes), [x.shape[0]]);
}

/** Σ over blocks. */
export function sumBlocks(g: GraphBuilder, blocks: readonly Value[]): Value {
  if (blocks.length === 0) throw new Error('a model without parameters has no gradient products');
  return blocks.reduce((sum, block) => add(g, sum, block));
}
