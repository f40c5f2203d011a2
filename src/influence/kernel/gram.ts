/**
 * The gram matrix K[i, j] = ⟨∇_i, ∇_j⟩ of all samples, from factors: n² numbers, never n × P. Only blocks on and below
 * the diagonal are computed, the others are their mirror images, which also makes the matrix symmetric to the bit.
 */
import type { Tensor } from '../../engine/index.js';
import type { Factors } from '../factors.js';
import { type GradientKernel, MOST_ROWS } from '../gradientKernel.js';
import { factorRows } from './factorRows.js';

/** A multiple of both extents of the kernel's blocks. */
const PANEL = MOST_ROWS.samples;

/** @returns [n, n] */
export async function gram(kernel: GradientKernel, factors: Factors): Promise<Tensor> {
  const n = factors.rows;
  const k: Tensor = { shape: [n, n], data: new Float32Array(n * n) };
  for (let start = 0; start < n; start += PANEL) {
    const end = Math.min(n, start + PANEL);
    const [left, right] = [factorRows(factors, start, end), factorRows(factors, 0, end)];
    await kernel.addTo(k, { row: start, column: 0 }, 1, left, right);
  }
  mirror(k.data, n);
  return k;
}

/** In tiles, since a column of a large matrix is a cache line for each entry. */
function mirror(data: Float32Array, n: number): void {
  const TILE = 32;
  for (let top = 0; top < n; top += TILE) {
    for (let left = 0; left <= top; left += TILE) {
      for (let i = top; i < Math.min(top + TILE, n); i++) {
        for (let j = left; j < Math.min(left + TILE, i); j++) data[j * n + i] = data[i * n + j];
      }
    }
  }
}
