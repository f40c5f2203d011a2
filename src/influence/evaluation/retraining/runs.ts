/**
 * The trainings that methods look at: the run that is explained, on all samples, or an ensemble on halves of them
 * (TRAK's), with their states at the epochs that a method may ask for.
 */

import { trainMany } from '../../../models/index.js';
import { stepsOfEpoch, type TrainedRun } from '../../methods/index.js';
import { allRows, type Experiment, type RetrainingOptions, sharedInput } from './experiment.js';
import { trainingSeed } from './seeds.js';
import { drawSubsets } from './subsets.js';

export interface RunChoice {
  readonly count: number;
  /** Share of the samples that each run but the first is trained on, in (0, 1]. */
  readonly fraction: number;
  readonly seed: number;
  /** Epochs whose states are kept, beside the last; 0 is the initial state. */
  readonly epochs: readonly number[];
}

/**
 * The first run is on all samples: it is the one that is explained. The others are on subsets of their own.
 * @returns at least one run, their states ascending
 * @throws MeedError when a training diverges
 */
export async function trainRuns(
  experiment: Experiment,
  { count, fraction, seed, epochs }: RunChoice,
  options: RetrainingOptions = {},
): Promise<[TrainedRun, ...TrainedRun[]]> {
  const { samples, recipe } = experiment;
  const rest =
    count < 2 ? [] : drawSubsets(samples.rows, { count: count - 1, fraction, seed: trainingSeed('runs', seed, 1) });
  const shared = sharedInput(experiment);
  const train = async (rows: readonly Uint32Array[], first: number): Promise<TrainedRun[]> => {
    if (rows.length === 0) return [];
    const perEpoch = Math.ceil(rows[0].length / recipe.batch);
    const keep = [...new Set([...epochs, recipe.epochs])].sort((a, b) => a - b).map((epoch) => epoch * perEpoch);
    const members = rows.map((own, r) => ({ rows: own, seed: trainingSeed('runs', seed, first + r) }));
    const trained = await trainMany({ ...shared, keep }, members, options);
    return trained.map(({ states }, r) => ({ states, rows: rows[r], recipe, seed: members[r].seed }));
  };
  const [explained] = await train([allRows(samples)], 0);
  return [explained, ...(await train(rest, 1))];
}

/** Epochs of which all runs have a state. */
export function keptEpochs(runs: readonly TrainedRun[], samples: number): number[] {
  const [first, ...others] = runs.map((run) => run.states.map(({ step }) => step / stepsOfEpoch(run, samples)));
  return first.filter((epoch) => others.every((epochs) => epochs.includes(epoch)));
}
