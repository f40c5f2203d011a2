/** What every decomposition asks of its matrix: square, and finite, since one NaN becomes a matrix of them. */
import type { Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import type { Precision } from '../graph/index.js';

/** @returns the number of rows @throws MeedError naming the shape, or the first entry that is not finite */
export function checkedSize<P extends Precision>(a: Tensor<P>): number {
  const [n, columns] = a.shape;
  if (a.shape.length !== 2 || n !== columns || n < 1 || a.data.length !== n * n) {
    throw new MeedError(
      `A matrix of shape [${a.shape}] with ${a.data.length} numbers is empty or not square`,
      'Give a symmetric matrix [n, n] of at least one row, row-major',
    );
  }
  const data: Float32Array | Float64Array = a.data;
  const bad = firstNotFinite(data);
  if (bad >= 0) {
    throw new MeedError(
      `The matrix holds ${data[bad]} in row ${Math.floor(bad / n)}, column ${bad % n}`,
      'Check what it was computed from: a training that diverged gives such numbers (lower the learning rate)',
    );
  }
  return n;
}

function firstNotFinite(data: Float32Array | Float64Array): number {
  for (let i = 0; i < data.length; i++) if (data[i] - data[i] !== 0) return i;
  return -1;
}
