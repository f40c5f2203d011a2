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
      const rest = block[i * k + j] - dot(block, i * k, block, j * k, j);
      if (j < i) {
        block[i * k + j] = rest / block[j * k + j];
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
      block[i * k + i] = Math.sqrt(rest);
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
  // row j holds column j of the inverse, so that both sides of every product are consecutive
  const columns = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    columns[j * k + j] = 1 / lower[j * k + j];
    for (let i = j + 1; i < k; i++) {
      columns[j * k + i] = -dot(lower, i * k + j, columns, j * k + j, i - j) / lower[i * k + i];
    }
  }
  const inverse = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) inverse[i * k + j] = columns[j * k + i];
  return inverse;
}

/** Σ a[i]·b[i] over `count` entries from the given places: four sums, for one would wait for itself at each step. */
function dot(a: Float64Array, aFrom: number, b: Float64Array, bFrom: number, count: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    s0 += a[aFrom + i] * b[bFrom + i];
    s1 += a[aFrom + i + 1] * b[bFrom + i + 1];
    s2 += a[aFrom + i + 2] * b[bFrom + i + 2];
    s3 += a[aFrom + i + 3] * b[bFrom + i + 3];
  }
  for (; i < count; i++) s0 += a[aFrom + i] * b[bFrom + i];
  return s0 + s1 + (s2 + s3);
}
