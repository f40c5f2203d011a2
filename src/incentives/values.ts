/**
 * What contributors are worth, measured by retraining: v(S) = −loss of the model trained on the rows of the coalition S by
 * the same recipe and seed; v(∅) is the model before training. Of two things: of held-out rows with their true labels,
 * which is what the data is worth to whoever uses the model; and of the answers that were paid for, which is how far the
 * data is responsible for them, right or wrong. Shapley's value is linear, so there is one a row and output, and
 * intervals over outputs cost no training. Jobs are those of any other retraining: on workers, kept, found again.
 */
import {
  exactShapleyOf,
  remembering,
  retrainingGame,
  rowsOfGroups,
  type Shares,
  sampledShapley,
} from '../influence/retraining/index.js';
import type { MapOptions } from '../work/index.js';
import type { Subject } from './subject.js';
import { joined, paidOutputs, type Trial } from './trial.js';

/** One number for each output and contributor, [outputs, contributors]. */
export interface OutputValues {
  readonly values: Float64Array;
  readonly contributors: number;
}

export interface MeasuredValues {
  readonly how: 'exact' | 'sampled';
  /** Coalitions that were asked for. */
  readonly coalitions: number;
  /** Of the held-out rows with their true labels. */
  readonly shapley: OutputValues;
  /** Largest standard error of a contributor's mean over those, of the sampling; 0 when exact. */
  readonly samplingError: number;
  readonly leaveOneOut: OutputValues;
  /** Shapley's value of the answers that were paid for. */
  readonly answers: OutputValues;
}

export interface ValueOptions {
  /** Up to as many coalitions all are trained, for as many seeds as they suffice for. */
  readonly mostCoalitions: number;
  /** Permutations sampled when there are more. */
  readonly permutations: number;
}

export async function measureValues(
  { model, recipe }: Subject,
  trial: Trial,
  { mostCoalitions, permutations }: ValueOptions,
  work: Omit<MapOptions, 'unit'>,
): Promise<MeasuredValues> {
  const { contributors, owners, samples, valueOutputs, seed } = trial;
  const outputs = joined([valueOutputs, paidOutputs(trial)]);
  const trainings = { model, samples, recipe, seeds: [seed] };
  const game = remembering(retrainingGame(trainings, outputs, rowsOfGroups(owners, contributors), work));
  const exact = 2 ** contributors <= mostCoalitions;
  const shares = exact
    ? await exactShapleyOf(game)
    : await sampledShapley(game, { permutations, tolerance: 0, seed, signal: work.signal });
  const everybody = Array.from({ length: contributors }, (_, c) => c);
  const [whole, ...without] = await game.values([
    Uint32Array.from(everybody),
    ...everybody.map((left) => Uint32Array.from(everybody.filter((c) => c !== left))),
  ]);
  const cut = (values: Float64Array, from: number, until: number): OutputValues => ({
    values: values.subarray(from * contributors, until * contributors),
    contributors,
  });
  const left = new Float64Array(outputs.rows * contributors);
  for (let i = 0; i < left.length; i++) {
    const [q, c] = [Math.floor(i / contributors), i % contributors];
    left[i] = whole[q] - without[c][q];
  }
  return {
    how: exact ? 'exact' : 'sampled',
    coalitions: shares.evaluations,
    shapley: cut(shares.values, 0, valueOutputs.rows),
    samplingError: largestError(shares, valueOutputs.rows, contributors),
    leaveOneOut: cut(left, 0, valueOutputs.rows),
    answers: cut(shares.values, valueOutputs.rows, outputs.rows),
  };
}

/** Errors of outputs go together, since a permutation is of all: their mean bounds the mean's error. */
function largestError({ standardErrors }: Shares, outputs: number, contributors: number): number {
  const means = new Float64Array(contributors);
  for (let i = 0; i < outputs * contributors; i++) means[i % contributors] += standardErrors[i] / outputs;
  return Math.max(...means);
}

/** Mean over the outputs of each contributor's values, each output counted as often as `times` says. */
export function meanValues({ values, contributors }: OutputValues, times?: ArrayLike<number>): Float64Array {
  const means = new Float64Array(contributors);
  let total = 0;
  for (let q = 0; q * contributors < values.length; q++) {
    const count = times ? times[q] : 1;
    total += count;
    for (let c = 0; c < contributors; c++) means[c] += count * values[q * contributors + c];
  }
  return means.map((sum) => sum / total);
}
