/** Samples as a model takes them: features and the class whose loss is meant (the label, or the model's own prediction). */
import type { Tensor } from '../engine/index.js';

export interface Samples {
  readonly rows: number;
  /** rows × width, row-major */
  readonly features: Float32Array;
  readonly width: number;
  /** Class of each row. */
  readonly targets: Int32Array;
}

/** The rows at these positions, in this order. */
export function selectSamples(samples: Samples, positions: ArrayLike<number>): Samples {
  const rows = positions.length;
  const features = new Float32Array(rows * samples.width);
  const targets = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const from = positions[i];
    features.set(samples.features.subarray(from * samples.width, (from + 1) * samples.width), i * samples.width);
    targets[i] = samples.targets[from];
  }
  return { rows, features, width: samples.width, targets };
}

/** Rows [start, start + batch) as tensors, padded with zero rows; a padded row has the zero target, so its loss is 0. */
export function batchTensors(
  samples: Samples,
  start: number,
  batch: number,
  classes: number,
): { x: Tensor; targets: Tensor } {
  const rows = Math.min(batch, samples.rows - start);
  const x = new Float32Array(batch * samples.width);
  x.set(samples.features.subarray(start * samples.width, (start + rows) * samples.width));
  const targets = new Float32Array(batch * classes);
  for (let i = 0; i < rows; i++) targets[i * classes + samples.targets[start + i]] = 1;
  return { x: { shape: [batch, samples.width], data: x }, targets: { shape: [batch, classes], data: targets } };
}
