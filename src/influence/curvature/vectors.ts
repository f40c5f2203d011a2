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
