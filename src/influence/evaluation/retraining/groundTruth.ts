/**
 * What retraining says: a model trained on each of many random subsets (Koh and Liang 2017; the protocol is dattri's,
 * Deng et al. 2024), and every query's −loss under it. Weights, order and dropout of subset i follow from seed + i. A
 * second set of the same subsets with other seeds tells how much of it is the subset and how much the seed.
 * The trap: a truth of few subsets correlates with anything now and then; the intervals of `lds` say how much.
 */
import type { Tensor } from '../../../engine/index.js';
import { type Samples, trainMany } from '../../../models/index.js';
import { type Experiment, joinSamples, type RetrainingOptions, sharedInput } from './experiment.js';
import { trainingSeed } from './seeds.js';
import { drawSubsets, masksOf, type SubsetChoice } from './subsets.js';

export interface TruthChoice extends SubsetChoice {
  /** 2 trains every subset twice, which the noise ceiling needs. */
  readonly sets: 1 | 2;
}

export interface Truth {
  /** [subsets, samples] of 0 and 1. */
  readonly masks: Tensor;
  /** [subsets, queries]: −loss of each query under the subset's model; higher is better. */
  readonly truth: Tensor;
  /** The same of the second set. */
  readonly again?: Tensor;
}

/**
 * @param queries with the targets whose loss is meant
 * @throws MeedError when a training diverges or the model is from a file; CancelledError after the signal
 */
export async function retrainingTruth(
  experiment: Experiment,
  queries: Samples,
  choice: TruthChoice,
  options: RetrainingOptions = {},
): Promise<Truth> {
  const subsets = drawSubsets(experiment.samples.rows, choice);
  const purposes = choice.sets === 2 ? (['truth', 'again'] as const) : (['truth'] as const);
  const members = purposes.flatMap((purpose) =>
    subsets.map((rows, i) => ({ rows, seed: trainingSeed(purpose, choice.seed, i) })),
  );
  const trained = await trainMany({ ...sharedInput(experiment), keep: [], queries }, members, options);
  const outcomes = (set: number): Tensor => {
    const data = new Float32Array(subsets.length * queries.rows);
    for (const k of subsets.keys()) {
      const { queryLosses } = trained[set * subsets.length + k];
      for (let q = 0; q < queries.rows; q++) data[k * queries.rows + q] = -queryLosses[q];
    }
    return { shape: [subsets.length, queries.rows], data };
  };
  return {
    masks: masksOf(subsets, experiment.samples.rows),
    truth: outcomes(0),
    ...(choice.sets === 2 && { again: outcomes(1) }),
  };
}

/** What retraining says of some of the queries. */
export function truthOf({ masks, truth, again }: Truth, queries: readonly number[]): Truth {
  const columns = ({ shape: [rows, width], data }: Tensor): Tensor => ({
    shape: [rows, queries.length],
    data: Float32Array.from({ length: rows * queries.length }, (_, i) => {
      return data[Math.floor(i / queries.length) * width + queries[i % queries.length]];
    }),
  });
  return { masks, truth: columns(truth), ...(again && { again: columns(again) }) };
}

/** Truths of two lists of queries from one set of retrainings. */
export async function jointTruth(
  experiment: Experiment,
  { heldOut, evaluation }: { readonly heldOut: Samples; readonly evaluation: Samples },
  choice: TruthChoice,
  options: RetrainingOptions = {},
): Promise<{ readonly heldOut: Truth; readonly evaluation: Truth }> {
  const whole = await retrainingTruth(experiment, joinSamples(heldOut, evaluation), choice, options);
  const at = (from: number, rows: number): number[] => Array.from({ length: rows }, (_, i) => from + i);
  return {
    heldOut: truthOf(whole, at(0, heldOut.rows)),
    evaluation: truthOf(whole, at(heldOut.rows, evaluation.rows)),
  };
}
