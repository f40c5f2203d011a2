/**
 * Removal of a part of the data (point removal: Ghorbani and Zou 2019, figure 3; Jia et al. 2021): the samples with the
 * highest mean score over the queries go, then those with the lowest, and the model is trained on what is left. The
 * figure is the rise of the mean loss of the queries, beside that of as many random samples. A method is right when
 * removing the highest hurts more than chance and removing the lowest less.
 * Each removal is trained with several seeds, and compared with the whole data under the same seed.
 */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';
import { type Samples, trainMany } from '../../../models/index.js';
import { sharedInput } from '../retraining/experiment.js';
import { allRows, type Experiment, type RetrainingOptions, trainingSeed } from '../retraining/index.js';
import { crossedMean, meanOf } from '../statistics/index.js';
import { attributionOf, type Measure } from './measure.js';
import { descending } from './order.js';

/** Σ over queries of the scores [queries, samples] of each sample. */
export function totalScores({ shape: [queries, samples], data }: Tensor): Float64Array {
  const totals = new Float64Array(samples);
  for (let q = 0; q < queries; q++) for (let i = 0; i < samples; i++) totals[i] += data[q * samples + i];
  return totals;
}

/**
 * Losses of the queries after training without some rows.
 * @param removals row numbers; none of them all rows
 * @param seeds    of the trainings of each removal
 * @returns one matrix [queries, seeds] a removal
 */
export async function lossesWithout(
  experiment: Experiment,
  queries: Samples,
  removals: readonly (readonly Uint32Array[])[],
  seeds: readonly number[],
  options: RetrainingOptions = {},
): Promise<Float64Array[]> {
  const all = allRows(experiment.samples);
  const members = removals.flatMap((bySeed) =>
    seeds.map((seed, r) => {
      const gone = new Set(bySeed[r]);
      return { rows: all.filter((row) => !gone.has(row)), seed };
    }),
  );
  const trained = await trainMany({ ...sharedInput(experiment), keep: [], queries }, members, options);
  return removals.map((_, k) =>
    Float64Array.from({ length: queries.rows * seeds.length }, (_, i) => {
      const [q, r] = [Math.floor(i / seeds.length), i % seeds.length];
      return trained[k * seeds.length + r].queryLosses[q];
    }),
  );
}

export const removalMeasure: Measure = {
  name: 'removal',
  claim:
    'how much the mean loss of the queries rises when the samples with the highest, or lowest, mean scores are removed',
  async prepare(setting, ground, { work }) {
    const { samples, evaluation, sizes, seed } = setting;
    const { runs } = await ground();
    const seeds = Array.from({ length: sizes.repeats }, (_, r) => trainingSeed('removal', seed, r));
    const shares = sizes.shares.map((share) => ({ share, count: Math.round(share * samples.rows) }));
    for (const { share, count } of shares) {
      if (count > 0 && count < samples.rows) continue;
      throw new MeedError(
        `A share of ${share} of ${samples.rows} samples is ${count} samples`,
        'Remove a share that takes a sample and leaves one',
      );
    }
    const draws = seeds.map((_, r) => Random.named(seed + r, 'evaluation/removal').permutation(samples.rows));
    const nothing = seeds.map(() => new Uint32Array(0));
    const random = shares.map(({ count }) => draws.map((draw) => draw.subarray(0, count)));
    const [whole, ...chance] = await lossesWithout(setting, evaluation, [nothing, ...random], seeds, work);
    const rise = (losses: Float64Array): Float64Array => losses.map((loss, i) => loss - whole[i]);
    return {
      attribution: attributionOf(setting, runs),
      async figures(scorer, _method, options) {
        const order = descending(totalScores(await scorer.score(evaluation, samples)));
        const kinds = shares.flatMap(({ share, count }, s) => [
          { end: 'highest', share, removed: order.subarray(0, count), s },
          { end: 'lowest', share, removed: order.subarray(order.length - count), s },
        ]);
        const removals = kinds.map(({ removed }) => seeds.map(() => removed));
        const losses = await lossesWithout(setting, evaluation, removals, seeds, options.work);
        return kinds.map(({ end, share, s }, k) => ({
          at: `${end} ${percent(share)}`,
          curve: { name: `rise of the loss without the ${end}, by share removed`, x: share },
          ...crossedMean(rise(losses[k]), [evaluation.rows, seeds.length], options),
          chance: meanOf(rise(chance[s])),
        }));
      },
    };
  },
};

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))}%`;
}
