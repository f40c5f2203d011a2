/**
 * Float sketches to integers (design: one scale per column for rows, one scale per index for unit-norm queries).
 * Rounding is half to even on float64, so that every language can agree on it. The trap: int8 has −128, which must not
 * appear; and a zero or non-finite column has no scale.
 */
import { MeedError } from './errors.js';

/** Largest magnitude of a row entry; −128 is excluded. */
export const ROW_ENTRY_MAX = 127;
/** Largest magnitude of a query entry. */
export const ENTRY_MAX = 32767;

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Scale of each column: the largest magnitude / 127 (0 for a column of zeros).
 * @param sketch n × d, row-major
 */
export function columnScales(sketch: Float32Array, columns: number): Float64Array {
  const scales = new Float64Array(columns);
  for (let i = 0; i < sketch.length; i++) {
    const magnitude = Math.abs(sketch[i]);
    if (!Number.isFinite(magnitude)) {
      throw new MeedError(
        `Row ${Math.floor(i / columns)} of the sketch holds ${sketch[i]} in column ${i % columns}`,
        'Check the training for divergence (lower the learning rate)',
      );
    }
    if (magnitude > scales[i % columns]) scales[i % columns] = magnitude;
  }
  return scales.map((max) => max / ROW_ENTRY_MAX);
}

/**
 * round(value / scale), entries in [−127, 127]; columns with scale 0 give 0.
 * @throws MeedError on a value that is not finite: it would silently become 0
 */
export function quantiseRow(row: ArrayLike<number>, scales: Float64Array): Int8Array {
  return Int8Array.from({ length: scales.length }, (_, j) => {
    if (!Number.isFinite(row[j])) {
      throw new MeedError(`A row sketch holds ${row[j]} in column ${j}`, 'Check the row for extreme values');
    }
    if (scales[j] === 0) return 0;
    const rounded = roundHalfEven(row[j] / scales[j]);
    return Math.max(-ROW_ENTRY_MAX, Math.min(ROW_ENTRY_MAX, rounded));
  });
}

/**
 * A query vector for integer rows: ψ_j·scale_j, divided by its norm, times 32767, rounded.
 * @returns the int16 entries and the norm that was divided out; a zero query stays zero
 */
export function quantiseQuery(query: ArrayLike<number>, scales: Float64Array): { entries: Int16Array; norm: number } {
  const scaled = Float64Array.from(scales, (scale, j) => query[j] * scale);
  const norm = Math.sqrt(scaled.reduce((sum, x) => sum + x * x, 0));
  if (!Number.isFinite(norm)) {
    throw new MeedError('A query sketch is not finite', 'Check the output: its loss or gradient overflowed');
  }
  const entries = Int16Array.from(scaled, (x) => (norm === 0 ? 0 : roundHalfEven((x / norm) * ENTRY_MAX)));
  return { entries, norm };
}
