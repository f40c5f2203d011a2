/**
 * All eigenpairs of a symmetric tridiagonal matrix by divide and conquer down to single entries: T is cut where two halves
 * meet, T = diag(T₁, T₂) + |e|·v·vᵀ, and eigenMerge.ts joins them again. The products of a cut are as large as T, so nearly all work is
 * in the last few merges, on the engine. The trap: merged sizes rarely repeat, so the caller's products hold a program for
 * each until they are disposed of.
 */
import { mergeEigen, type RowEigen } from './eigenMerge.js';
import type { Products } from './product.js';

/** @param diagonal n entries @param offDiagonal n − 1 entries */
export async function tridiagonalEigen(
  products: Products<'float64'>,
  diagonal: Float64Array,
  offDiagonal: Float64Array,
): Promise<RowEigen> {
  return solve(products, diagonal.slice(), offDiagonal, 0, diagonal.length);
}

async function solve(
  products: Products<'float64'>,
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  from: number,
  to: number,
): Promise<RowEigen> {
  if (to - from === 1) return { values: diagonal.slice(from, to), rows: Float64Array.of(1) };
  const cut = (from + to) >> 1;
  const coupling = offDiagonal[cut - 1];
  diagonal[cut - 1] -= Math.abs(coupling);
  diagonal[cut] -= Math.abs(coupling);
  const first = await solve(products, diagonal, offDiagonal, from, cut);
  const second = await solve(products, diagonal, offDiagonal, cut, to);
  return mergeEigen(products, first, second, coupling);
}
