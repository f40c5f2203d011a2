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
export function solveLower<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
): Promise<Tensor<P>> {
  return substitute(products, factor, b, 'ab');
}

/** X [n, m] of Lᵀ·X = B. @throws MeedError when B has other than n rows */
export function solveUpper<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
): Promise<Tensor<P>> {
  return substitute(products, factor, b, 'aTb');
}

/** @param form how L is multiplied: as it is, from the first block to the last, or transposed, from the last to the first */
async function substitute<P extends Precision>(
  products: Products<P>,
  factor: CholeskyFactor<P>,
  b: Tensor<P>,
  form: 'ab' | 'aTb',
): Promise<Tensor<P>> {
  const x = unknowns(factor, b);
  const { lower, block, inverses } = factor;
  const n = lower.shape[0];
  const order = form === 'ab' ? [...inverses.entries()] : [...inverses.entries()].reverse();
  for (const [index, inverse] of order) {
    const own = [index * block, index * block + inverse.shape[0]] as const;
    const done = form === 'ab' ? ([0, own[0]] as const) : ([own[1], n] as const);
    const rows = rowsOf(x, ...own);
    if (done[0] < done[1]) {
      const known = form === 'ab' ? { rows: own, columns: done } : { rows: done, columns: own };
      subtract(rows, await products.multiply(form, window(products.precision, lower, known), rowsOf(x, ...done)));
    }
    rows.data.set((await products.multiply(form, inverse, rows)).data);
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
