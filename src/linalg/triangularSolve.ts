/**
 * Solves with a Cholesky factor for many right-hand sides, block by block: what is known is eliminated by one product,
 * then the inverse of the diagonal block is applied. The trap: the inverses make each block's solve as accurate as its
 * condition allows and no better, which is that of a solve by products, not of a substitution.
 */
import type { Numbers, Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import type { Precision } from '../graph/index.js';
import type { CholeskyFactor } from './cholesky.js';
import type { Products } from './product.js';
import { rowsOf, window } from './window.js';

/** X [n, m] of L·X = B. @throws MeedError when B has other than n rows */
export async function solveLower<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
): Promise<Tensor<P>> {
  const x = unknowns(factor, b);
  const { lower, block, inverses } = factor;
  for (const [index, inverse] of inverses.entries()) {
    const start = index * block;
    const end = start + inverse.shape[0];
    const rows = rowsOf(x, start, end);
    if (start > 0) {
      const known = window(products.precision, lower, { rows: [start, end], columns: [0, start] });
      subtract(rows, await products.multiply('ab', known, rowsOf(x, 0, start)));
    }
    rows.data.set((await products.multiply('ab', inverse, rows)).data);
  }
  return x;
}

/** X [n, m] of Lᵀ·X = B. @throws MeedError when B has other than n rows */
export async function solveUpper<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
): Promise<Tensor<P>> {
  const x = unknowns(factor, b);
  const { lower, block, inverses } = factor;
  const n = lower.shape[0];
  for (let index = inverses.length - 1; index >= 0; index--) {
    const inverse = inverses[index];
    const start = index * block;
    const end = start + inverse.shape[0];
    const rows = rowsOf(x, start, end);
    if (end < n) {
      const known = window(products.precision, lower, { rows: [end, n], columns: [start, end] });
      subtract(rows, await products.multiply('aTb', known, rowsOf(x, end, n)));
    }
    rows.data.set((await products.multiply('aTb', inverse, rows)).data);
  }
  return x;
}

/** X [n, m] of L·Lᵀ·X = B. @throws MeedError when B has other than n rows */
export async function choleskySolve<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
): Promise<Tensor<P>> {
  return solveUpper(products, factor, await solveLower(products, factor, b));
}

function unknowns<P extends Precision>({ lower }: CholeskyFactor<P>, b: Tensor<P>): Tensor<P> {
  if (b.shape.length !== 2 || b.shape[0] !== lower.shape[0]) {
    throw new MeedError(
      `The right-hand sides have the shape [${b.shape}], the factor [${lower.shape}]`,
      `Give a matrix [${lower.shape[0]}, right-hand sides]`,
    );
  }
  return { shape: b.shape, data: b.data.slice() as Numbers<P> };
}

function subtract<P extends Precision>(x: Tensor<P>, y: Tensor<P>): void {
  const to: Float32Array | Float64Array = x.data;
  const from: Float32Array | Float64Array = y.data;
  for (let i = 0; i < to.length; i++) to[i] -= from[i];
}
