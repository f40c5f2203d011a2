/**
 * Cholesky of a small block in float64, and the inverse of its triangle: between them the blocks leave only matrix
 * products (the engine's). The trap: a pivot that has lost all digits of the diagonal entry it came from is rounding
 * noise, positive or not, and is refused like a negative one.
 */
import { MeedError } from '../foundation/index.js';

export interface PivotRule {
  /** Index of the block's first row in the whole matrix, for messages. */
  readonly first: number;
  /** The whole matrix' diagonal before elimination. */
  readonly diagonal: Float32Array | Float64Array;
  /** Unit roundoff of the numbers. */
  readonly roundoff: number;
}

/**
 * Replaces a [k, k] symmetric block (lower triangle) by its factor L, zeros above the diagonal.
 * @throws MeedError naming the pivot that is not positive
 */
export function factorBlock(block: Float64Array, k: number, { first, diagonal, roundoff }: PivotRule): void {
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = block[i * k + j];
      const iRow = i * k;
      const jRow = j * k;
      for (let l = 0; l < j; l++) rest -= block[iRow + l] * block[jRow + l];
      if (j < i) {
        block[iRow + j] = rest / block[jRow + j];
        continue;
      }
      const original = diagonal[first + i];
      if (!(rest > roundoff * original) || !(rest > 0)) {
        throw new MeedError(
          `The matrix is not positive definite: pivot ${first + i} of ${diagonal.length} is ${rest.toPrecision(3)}, ` +
            `where the diagonal holds ${original.toPrecision(3)}`,
          `Add a damping to the diagonal, more than ${dampingFor(rest, diagonal, roundoff).toPrecision(2)}`,
        );
      }
      block[iRow + i] = Math.sqrt(rest);
    }
    block.fill(0, i * k + i + 1, (i + 1) * k);
  }
}

/** Lifts this pivot over what rounding makes of the largest entries; later pivots may ask for more. */
function dampingFor(pivot: number, diagonal: Float32Array | Float64Array, roundoff: number): number {
  let largest = 0;
  for (const x of diagonal) largest = Math.max(largest, Math.abs(x));
  return Math.max(0, -pivot) + (largest || 1) * roundoff * diagonal.length;
}

/** L⁻¹ [k, k] of a lower triangle [k, k]. */
export function invertLower(lower: Float64Array, k: number): Float64Array {
  const inverse = new Float64Array(k * k);
  const row = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    row.fill(0, 0, i + 1);
    for (let l = 0; l < i; l++) {
      const x = lower[i * k + l];
      if (x === 0) continue;
      for (let j = 0; j <= l; j++) row[j] -= x * inverse[l * k + j];
    }
    const pivot = lower[i * k + i];
    for (let j = 0; j < i; j++) inverse[i * k + j] = row[j] / pivot;
    inverse[i * k + i] = 1 / pivot;
  }
  return inverse;
}
