/**
 * What is retrained: a model, its samples and its recipe; and where it is done. Retrainings go through `trainMany`, so
 * they run on any pool, and with a store each is found again by the hash of everything that decides it.
 */
import { MeedError } from '../../../foundation/index.js';
import type { Model, Recipe, Samples } from '../../../models/index.js';
import type { MapOptions } from '../../../work/index.js';

export interface Experiment {
  /** Built from its definition alone; one from a file cannot be retrained elsewhere and is refused there. */
  readonly model: Model;
  readonly samples: Samples;
  readonly recipe: Recipe;
}

/** Where retrainings run and how they are told. With `store`, finished ones are found again. */
export type RetrainingOptions = Omit<MapOptions, 'unit'>;

/** What all retrainings of an experiment share. */
export function sharedInput({ model, samples, recipe }: Experiment) {
  return { ...recipe, model: model.definition, features: samples.features, targets: samples.targets };
}

export function allRows(samples: Samples): Uint32Array {
  return Uint32Array.from({ length: samples.rows }, (_, i) => i);
}

/** The rows of both, in this order. @throws MeedError when they are not of one kind */
export function joinSamples(first: Samples, second: Samples): Samples {
  const [a, b] = [first.targets, second.targets];
  if (
    first.width !== second.width ||
    a.length * second.rows !== b.length * first.rows ||
    a.constructor !== b.constructor
  ) {
    throw new MeedError(
      `Samples of ${first.width} numbers and ${a.length} targets in ${a.constructor.name} cannot be joined with others of ${second.width} and ${b.length} in ${b.constructor.name}`,
      'Give samples of one data set',
    );
  }
  const rows = first.rows + second.rows;
  const features = new Float32Array(rows * first.width);
  features.set(first.features);
  features.set(second.features, first.features.length);
  const targets =
    a instanceof Int32Array && b instanceof Int32Array
      ? Int32Array.from([...a, ...b])
      : Float32Array.from([...a, ...b]);
  return { rows, width: first.width, features, targets };
}
