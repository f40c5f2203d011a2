/**
 * An orthonormal basis of a tall matrix's columns, by Cholesky of its Gram matrix, twice ("CholeskyQR2", Fukaya et al.
 * 2014): two products and two small triangular solves instead of a column-by-column Gram–Schmidt. A column
 * of zeros stays zero; one that depends on earlier ones to float32 precision becomes zero or, out of its rounding errors,
 * an arbitrary direction orthogonal to all others: harmless in a subspace, meaningless by itself.
 */
import type { Tensor } from '../engine/index.js';
import type { Products } from './product.js';

/** Squared length, relative to the column's own, below which a column counts as dependent. */
const DEPENDENT = 1e-9;

/** @param y tall matrix [m, k] @returns Q [m, k], QᵀQ diagonal with ones and zeros */
export async function orthonormalise(products: Products, y: Tensor): Promise<Tensor> {
  return once(products, await once(products, y));
}

async function once(products: Products, y: Tensor): Promise<Tensor> {
  const columns = y.shape[1];
  const gram = Float64Array.from((await products.multiply('aTb', y, y)).data);
  const inverse = inverseCholesky(gram, columns);
  return products.multiply('ab', y, { shape: [columns, columns], data: Float32Array.from(inverse) });
}

/** R⁻¹ for Gram = RᵀR, upper triangular; the column of a dependent direction is zero. */
function inverseCholesky(gram: Float64Array, k: number): Float64Array {
  const r = new Float64Array(k * k);
  const dependent = new Uint8Array(k);
  for (let j = 0; j < k; j++) {
    let rest = gram[j * k + j];
    for (let l = 0; l < j; l++) rest -= r[l * k + j] ** 2;
    if (!(rest > DEPENDENT * gram[j * k + j])) {
      dependent[j] = 1;
      continue;
    }
    const pivot = Math.sqrt(rest);
    r[j * k + j] = pivot;
    for (let i = j + 1; i < k; i++) {
      let sum = gram[j * k + i];
      for (let l = 0; l < j; l++) sum -= r[l * k + j] * r[l * k + i];
      r[j * k + i] = sum / pivot;
    }
  }
  const inverse = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    if (dependent[j]) continue;
    inverse[j * k + j] = 1 / r[j * k + j];
    for (let i = j - 1; i >= 0; i--) {
      if (dependent[i]) continue;
      let sum = 0;
      for (let l = i + 1; l <= j; l++) sum += r[i * k + l] * inverse[l * k + j];
      inverse[i * k + j] = -sum / r[i * k + i];
    }
  }
  return inverse;
}
