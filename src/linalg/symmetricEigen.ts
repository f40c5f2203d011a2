/**
 * All eigenpairs of a dense symmetric matrix in float64: to tridiagonal form, divide and conquer, and back (Golub & Van Loan,
 * sections 8.3–8.4). About 4n³ flops of products on the engine beside 2n³/3 of matrix-vector work here. The matrix is scaled to
 * entries of at most 1 first, so neither huge nor tiny entries overflow on the way. The trap: vectors of equal eigenvalues
 * are any orthonormal basis of their space; nothing may depend on which.
 */
import type { Tensor } from '../engine/index.js';
import { backTransform } from './backTransform.js';
import type { Products } from './product.js';
import { checkedSize } from './squareMatrix.js';
import { tridiagonalise } from './tridiagonal.js';
import { tridiagonalEigen } from './tridiagonalEigen.js';

export interface SymmetricEigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** Orthonormal eigenvectors [n, n]; column k belongs to value k. */
  readonly vectors: Tensor<'float64'>;
}

/**
 * @param a symmetric [n, n]; its lower triangle is read, nothing is written to it
 * @throws MeedError when it is not square or not finite
 */
export async function symmetricEigen(products: Products<'float64'>, a: Tensor<'float64'>): Promise<SymmetricEigen> {
  const n = checkedSize(a);
  let scale = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) scale = Math.max(scale, Math.abs(a.data[i * n + j]));
  const work = scale === 0 ? a.data.slice() : a.data.map((x) => x / scale);
  const { diagonal, offDiagonal, panels } = await tridiagonalise(products, work, n);
  const { values, rows } = await tridiagonalEigen(products, diagonal, offDiagonal);
  await backTransform(products, rows, n, panels);
  transposeInPlace(rows, n);
  return { values: values.map((value) => value * scale), vectors: { shape: [n, n], data: rows } };
}

/** In tiles, for a column of a large matrix is a cache line for each entry. */
function transposeInPlace(a: Float64Array, n: number): void {
  const TILE = 32;
  for (let top = 0; top < n; top += TILE) {
    for (let left = 0; left <= top; left += TILE) {
      for (let i = top; i < Math.min(top + TILE, n); i++) {
        for (let j = left; j < Math.min(left + TILE, i); j++) {
          const x = a[i * n + j];
          a[i * n + j] = a[j * n + i];
          a[j * n + i] = x;
        }
      }
    }
  }
}
