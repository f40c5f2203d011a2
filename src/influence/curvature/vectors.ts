/** Rows of long float32 vectors, with sums in float64: what iterative solvers do beside products with the curvature. */
import type { Tensor } from '../../engine/index.js';

export function rowOf({ shape: [, length], data }: Tensor, row: number): Float32Array {
  return data.subarray(row * length, (row + 1) * length);
}

/** Rows [first, first + count), without a copy. */
export function rowsFrom({ shape: [, length], data }: Tensor, first: number, count: number): Tensor {
  return { shape: [count, length], data: data.subarray(first * length, (first + count) * length) };
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** x + factor · y, in place. */
export function addScaled(x: Float32Array | Float64Array, factor: number, y: ArrayLike<number>): void {
  for (let i = 0; i < x.length; i++) x[i] += factor * y[i];
}

/** Below it a row is taken for zero: its products with anything are lost in float32. */
const LEAST_LENGTH = 1e-30;

/**
 * Rows of length 1 and the lengths that they had, so that nothing small underflows on the way; what is all but zero is zero
 * and has the length 0.
 */
export function unitRows(rows: Tensor): { readonly units: Tensor; readonly lengths: Float64Array } {
  const units: Tensor = { shape: rows.shape, data: new Float32Array(rows.data.length) };
  const lengths = Float64Array.from({ length: rows.shape[0] }, (_, k) => {
    const row = rowOf(rows, k);
    const length = Math.sqrt(inner(row, row));
    if (length < LEAST_LENGTH) return 0;
    const unit = rowOf(units, k);
    for (let e = 0; e < row.length; e++) unit[e] = row[e] / length;
    return length;
  });
  return { units, lengths };
}
