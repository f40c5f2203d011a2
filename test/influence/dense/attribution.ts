/** Small models really trained, with states kept along the run, as methods are given them. */

import type { Tensor } from '../../../src/engine/index.js';
import { cpuEngine } from '../../../src/engine/index.js';
import type { Attribution, Method, ScoringOptions, Settings, TrainedRun } from '../../../src/influence/index.js';
import { type Model, type Recipe, type Samples, trainMany } from '../../../src/models/index.js';

export const RECIPE: Recipe = {
  epochs: 3,
  batch: 8,
  optimiser: { name: 'sgd', momentum: 0, weightDecay: 0 },
  schedule: { name: 'constant', rate: 0.1 },
  dropout: 0,
};

/** One run a seed, with the states at these epochs (0 = before the first). */
export async function attributionOf(
  model: Model,
  samples: Samples,
  {
    recipe = RECIPE,
    seeds = [1],
    epochs = [0, 1, 2, 3],
  }: { readonly recipe?: Recipe; readonly seeds?: readonly number[]; readonly epochs?: readonly number[] } = {},
): Promise<Attribution> {
  const rows = Uint32Array.from({ length: samples.rows }, (_, i) => i);
  const perEpoch = Math.ceil(samples.rows / recipe.batch);
  const { features, targets } = samples;
  const trained = await trainMany(
    { ...recipe, model: model.definition, features, targets, keep: epochs.map((epoch) => epoch * perEpoch) },
    seeds.map((seed) => ({ rows, seed })),
  );
  const runs = trained.map(({ states }, r): TrainedRun => ({ states, recipe, seed: seeds[r] }));
  return { engine: cpuEngine(), model, samples, runs: [runs[0], ...runs.slice(1)], seed: 7 };
}

/** Given weights as a run of one state. */
export function attributionAt(
  model: Model,
  samples: Samples,
  states: readonly Float32Array[],
  recipe: Recipe = RECIPE,
): Attribution {
  const runs = states.map((parameters): TrainedRun => ({ states: [{ step: 0, parameters }], recipe }));
  return { engine: cpuEngine(), model, samples, runs: [runs[0], ...runs.slice(1)], seed: 7 };
}

/** Scores under the defaults and some settings over them. */
export async function scoresOf<S extends Settings>(
  method: Method<S>,
  attribution: Attribution,
  outputs: Samples,
  settings: Partial<S> = {},
  samples: Samples = attribution.samples,
  options?: ScoringOptions,
): Promise<Tensor> {
  const scorer = await method.open(attribution, { ...method.defaults, ...settings }, options);
  try {
    return await scorer.score(outputs, samples);
  } finally {
    await scorer.dispose();
  }
}
