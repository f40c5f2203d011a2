/**
 * Centring of the inputs by the training mean of each feature, and one scale for all. Why it matters here: gradient
 * products of a linear layer carry the factor a_i·a_j, and with uncentred pixels that factor is dominated by the mean
 * picture, so that every row "resembles" every other and wrong labels are paid for: on the glyphs the label flipper gets
 * 1.1 times the average pay per row from raw inputs and 0.4 from centred ones (bench/completeness.ts).
 */
import type { Samples, Targets } from './samples.js';

export interface Normalisation {
  /** [width] */
  readonly mean: Float32Array;
  /** One factor for all features, 1 / their overall deviation. */
  readonly factor: number;
}

/** @param features rows × width, row-major */
export function fitNormalisation(features: Float32Array, width: number): Normalisation {
  const rows = features.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < features.length; i++) mean[i % width] += features[i] / rows;
  const centre = Float32Array.from(mean);
  let squares = 0;
  for (let i = 0; i < features.length; i++) squares += (features[i] - centre[i % width]) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, features.length));
  return { mean: centre, factor: deviation > 0 ? Math.fround(1 / deviation) : 1 };
}

/** That of rows that are taken as they are. */
export function unchanged(width: number): Normalisation {
  return { mean: new Float32Array(width), factor: 1 };
}

/** The samples as the model takes them. */
export function normalise<T extends Targets>(
  { mean, factor }: Normalisation,
  split: { readonly features: Float32Array; readonly rows: number; readonly width: number },
  targets: T,
): Samples<T> {
  const features = split.features.map((feature, i) => (feature - mean[i % split.width]) * factor);
  return { rows: split.rows, width: split.width, features, targets };
}
