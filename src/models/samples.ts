/**
 * Samples as a model takes them: features and the targets whose loss is meant (the label, the next tokens, or the model's
 * own prediction). Tokens are features that are whole numbers.
 * The trap: targets that are ids have −1 for none, targets that are numbers have no such value; the kind of the array
 * says which they are, so a regression's targets are a Float32Array even when they happen to be whole.
 */
import type { Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import type { Model } from './model.js';

/** Ids of classes or tokens, or numbers. */
export type Targets = Int32Array | Float32Array;

export interface Samples<T extends Targets = Targets> {
  readonly rows: number;
  /** rows × width, row-major */
  readonly features: Float32Array;
  readonly width: number;
  /** Equally many for each row, rows × targets. */
  readonly targets: T;
}

/** @throws MeedError when rows are not as wide as the model's input, or the targets are not what its loss takes */
export function checkSamples(model: Model, { rows, width, features, targets }: Samples): void {
  const [wanted, depth] = [sizeOf(model.inputShape), sizeOf(model.targetShape)];
  if (width !== wanted || features.length !== rows * width) {
    throw new MeedError(
      `${rows} samples of width ${width} in ${features.length} numbers were given to a model that takes ${wanted}`,
      'Give rows as wide as the model is',
    );
  }
  const ids = model.objective === 'class' || model.objective === 'next-token';
  if (targets.length === rows * depth && (model.objective === 'scalar' || ids === targets instanceof Int32Array))
    return;
  throw new MeedError(
    `${targets.length} targets in ${targets.constructor.name} were given for ${rows} samples of the objective ${model.objective}`,
    `Give ${depth} a sample, ${ids ? 'ids in an Int32Array' : 'numbers in a Float32Array'}`,
  );
}

/**
 * Reads every target, once for a training: an id that the model does not know has a gradient of no class and no error.
 * @throws MeedError when an id is neither −1 nor one of the model's
 */
export function checkTargets({ objective, classes, targetShape }: Model, { targets }: Samples): void {
  if (objective !== 'class' && objective !== 'next-token') return;
  const stray = targets.findIndex((id: number) => !(id >= -1 && id < classes));
  if (stray < 0) return;
  throw new MeedError(
    `Sample ${Math.floor(stray / sizeOf(targetShape))} has the target ${targets[stray]}, the model knows ${classes}`,
    `Give ids from 0 to ${classes - 1}, or -1 for none`,
  );
}

/** What stands for no target. */
export function noTarget(targets: Targets): -1 | 0 {
  return targets instanceof Int32Array ? -1 : 0;
}

function zeros<T extends Targets>(like: T, length: number): T {
  return (like instanceof Int32Array ? new Int32Array(length) : new Float32Array(length)) as T;
}

/** The rows at these positions, in this order. */
export function selectSamples<T extends Targets>(samples: Samples<T>, positions: ArrayLike<number>): Samples<T> {
  const rows = positions.length;
  const { width } = samples;
  const depth = samples.targets.length / Math.max(1, samples.rows);
  const features = new Float32Array(rows * width);
  const targets = zeros(samples.targets, rows * depth);
  for (let i = 0; i < rows; i++) {
    const from = positions[i];
    features.set(samples.features.subarray(from * width, (from + 1) * width), i * width);
    if (depth === 1) targets[i] = samples.targets[from];
    else targets.set(samples.targets.subarray(from * depth, (from + 1) * depth), i * depth);
  }
  return { rows, features, width, targets };
}

/**
 * Rows [start, start + batch) as tensors, padded with rows of zeros. Target ids are padded with −1, whose loss is 0;
 * numbers with 0, whose loss is anything: whoever pads weighs it with 0 or cuts it away.
 */
export function batchTensors(
  samples: Samples,
  start: number,
  batch: number,
  model: Pick<Model, 'inputShape' | 'targetShape'>,
): { x: Tensor; targets: Tensor } {
  const rows = Math.min(batch, samples.rows - start);
  const depth = samples.targets.length / Math.max(1, samples.rows);
  let x = samples.features.subarray(start * samples.width, (start + rows) * samples.width);
  if (rows < batch) {
    const padded = new Float32Array(batch * samples.width);
    padded.set(x);
    x = padded;
  }
  const targets = new Float32Array(batch * depth).fill(noTarget(samples.targets));
  targets.set(samples.targets.subarray(start * depth, (start + rows) * depth));
  return {
    x: { shape: [batch, ...model.inputShape], data: x },
    targets: { shape: [batch, ...model.targetShape], data: targets },
  };
}
