/**
 * Column statistics of a table of measurements: medians for what is missing (NaN), mean and deviation for scale.
 * The trap: both come from the training rows alone; a statistic that saw a held-out row would leak it into training.
 * Only sums, products and square roots are used, which IEEE 754 rounds the same on every machine.
 */
import type { FeatureScale } from './dataset.js';
import type { RowTable } from './split.js';

/** Replaces each NaN by its column's median over the training rows (0 where a column has no value at all). */
export function imputeMedians(table: RowTable, train: readonly number[]): RowTable {
  const { width } = table;
  const features = table.features.slice();
  for (let column = 0; column < width; column++) {
    const known = train.map((row) => table.features[row * width + column]).filter((value) => !Number.isNaN(value));
    const middle = median(known);
    for (let i = column; i < features.length; i += width) if (Number.isNaN(features[i])) features[i] = middle;
  }
  return { ...table, features };
}

/** Subtracts each column's training mean and divides by its training deviation; a constant column becomes 0. */
export function standardise(table: RowTable, train: readonly number[]): RowTable & { readonly scale: FeatureScale } {
  const { width } = table;
  const features = new Float32Array(table.features.length);
  const scale = { means: new Array<number>(width), deviations: new Array<number>(width) };
  for (let column = 0; column < width; column++) {
    const values = train.map((row) => table.features[row * width + column]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
    const factor = variance > 0 ? 1 / Math.sqrt(variance) : 0;
    for (let i = column; i < features.length; i += width) features[i] = (table.features[i] - mean) * factor;
    scale.means[column] = mean;
    scale.deviations[column] = Math.sqrt(variance);
  }
  return { ...table, features, scale };
}

/** The middle value; the mean of the two middle ones for an even count; 0 for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
