/**
 * Rayleigh–Ritz (Golub & Van Loan, section 8.1.4): the eigenpairs of XᵀY, where Y is the image of an orthonormal basis X under
 * a symmetric matrix, or X = Y for a Gram matrix. It is small and symmetric but for rounding, so it is made symmetric and
 * solved in float64.
 */
import type { Tensor } from '../engine/index.js';
import type { Products } from './product.js';
import { type SymmetricEigen, symmetricEigen } from './symmetricEigen.js';

/** @param x [size, width] @param y [size, width] @returns pairs of XᵀY [width, width] */
export async function ritzPairs(
  products: Products,
  exact: Products<'float64'>,
  x: Tensor,
  y: Tensor,
): Promise<SymmetricEigen> {
  const { shape, data } = await products.multiply('aTb', x, y);
  const width = shape[0];
  const symmetric = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) symmetric[i * width + j] = (data[i * width + j] + data[j * width + i]) / 2;
  }
  return symmetricEigen(exact, { shape, data: symmetric });
}
