/**
 * Leave-one-out correlation (Koh and Liang 2017): Pearson's correlation, over samples, of the score with the change of
 * the output's loss when the sample is left out, averaged over queries.
 * The sample is left out of the run that is explained by a weight of 0, so that initialisation, order and denominators
 * stay. Drawing new batches would change an output by more than one sample does, and the figure would measure that.
 */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';
import { type Samples, selectSamples, trainMany } from '../../../models/index.js';
import { sharedInput } from '../retraining/experiment.js';
import { allRows, type Experiment, type RetrainingOptions } from '../retraining/index.js';
import { type BootstrapOptions, correlator, type MeanCorrelation, meanCorrelation } from '../statistics/index.js';
import { attributionOf, type Measure } from './measure.js';

/**
 * @param scores  [queries, left out]
 * @param effects [queries, left out]: loss without the sample less loss with it; positive = it helped
 * @throws MeedError when their shapes differ
 */
export function leaveOneOutCorrelation(
  scores: Tensor,
  effects: Tensor,
  options: BootstrapOptions = {},
): MeanCorrelation {
  const [queries, samples] = effects.shape;
  if (scores.shape[0] !== queries || scores.shape[1] !== samples) {
    throw new MeedError(
      `Scores of the shape [${scores.shape}] were compared with effects of the shape [${effects.shape}]`,
      'Give [queries, left out] of the same queries and samples',
    );
  }
  const row = ({ data }: Tensor, q: number): Float32Array => data.subarray(q * samples, (q + 1) * samples);
  const correlators = Array.from({ length: queries }, (_, q) => correlator('pearson', row(scores, q), row(effects, q)));
  return meanCorrelation(correlators, samples, options);
}

/**
 * @param rows those left out, one at a time
 * @param seed of all trainings
 * @returns [queries, rows]
 */
export async function leaveOneOutEffects(
  experiment: Experiment,
  queries: Samples,
  rows: Uint32Array,
  seed: number,
  options: RetrainingOptions = {},
): Promise<Tensor> {
  const { samples } = experiment;
  const all = allRows(samples);
  const without = Array.from(rows, (left) => new Float32Array(samples.rows).fill(1).with(left, 0));
  const members = [undefined, ...without].map((sampleWeights) => ({
    rows: all,
    seed,
    ...(sampleWeights && { sampleWeights }),
  }));
  const [whole, ...others] = await trainMany({ ...sharedInput(experiment), keep: [], queries }, members, options);
  const data = new Float32Array(queries.rows * rows.length);
  for (const [j, { queryLosses }] of others.entries()) {
    for (let q = 0; q < queries.rows; q++) data[q * rows.length + j] = queryLosses[q] - whole.queryLosses[q];
  }
  return { shape: [queries.rows, rows.length], data };
}

export const looMeasure: Measure = {
  name: 'loo',
  claim:
    'how well a score predicts the change of the loss when the sample alone is left out of the run (Pearson, mean over queries)',
  async prepare(setting, ground, { work }) {
    const { runs } = await ground();
    const { samples, evaluation, sizes, seed } = setting;
    const order = Random.named(seed, 'evaluation/left out').permutation(samples.rows);
    const rows = order.slice(0, Math.min(sizes.leftOut, samples.rows)).sort();
    const effects = await leaveOneOutEffects(setting, evaluation, rows, runs[0].seed ?? seed, work);
    return {
      attribution: attributionOf(setting, runs),
      async figures(scorer, _method, bootstrap) {
        const scores = await scorer.score(evaluation, selectSamples(samples, rows));
        const { value, low, high, dropped } = leaveOneOutCorrelation(scores, effects, bootstrap);
        return [{ at: '', value, low, high, dropped, chance: 0 }];
      },
    };
  },
};
