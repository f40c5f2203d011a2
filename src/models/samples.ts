/**
 * Samples as a model takes them: features and the targets whose loss is meant (the label, the next tokens, or the model's
 * own prediction). Tokens are features that are whole numbers.
 */
import type { Tensor } from '../engine/index.js';
import type { Model } from './model.js';

export interface Samples {
  readonly rows: number;
  /** rows × width, row-major */
  readonly features: Float32Array;
  readonly width: number;
  /** Target classes, equally many for each row: rows × targets. */
  readonly targets: Int32Array;
}

/** The rows at these positions, in this order. */
export function selectSamples(samples: Samples, positions: ArrayLike<number>): Samples {
  const rows = positions.length;
  const { width } = samples;
  const depth = samples.targets.length / Math.max(1, samples.rows);
  const features = new Float32Array(rows * width);
  const targets = new Int32Array(rows * depth);
  for (let i = 0; i < rows; i++) {
    const from = positions[i];
    features.set(samples.features.subarray(from * width, (from + 1) * width), i * width);
    if (depth === 1) targets[i] = samples.targets[from];
    else targets.set(samples.targets.subarray(from * depth, (from + 1) * depth), i * depth);
  }
  return { rows, features, width, targets };
}

/** Rows [start, start + batch) as tensors, padded with rows of zeros whose targets are −1, so that their loss is 0. */
export function batchTensors(
  samples: Samples,
  start: number,
  batch: number,
  model: Pick<Model, 'inputShape' | 'targetShape'>,
): { x: Tensor; targets: Tensor } {
  const rows = Math.min(batch, samples.rows - start);
  const depth = samples.targets.length / Math.max(1, samples.rows);
  const x = new Float32Array(batch * samples.width);
  x.set(samples.features.subarray(start * samples.width, (start + rows) * samples.width));
  const targets = new Float32Array(batch * depth).fill(-1);
  targets.set(samples.targets.subarray(start * depth, (start + rows) * depth));
  return {
    x: { shape: [batch, ...model.inputShape], data: x },
    targets: { shape: [batch, ...model.targetShape], data: targets },
  };
}
