/**
 * Finding copies: some training samples are replaced by copies of queries, each with its query's target, and a method is
 * asked for the samples with the highest scores. The copy should come first (the sanity check "identical class" of Hanawa
 * et al. 2021, sharpened to one sample). The trap: a method that gives all samples one score would find every copy if
 * ties were broken in its favour, so a tie counts against the copy.
 */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';
import { type Samples, selectSamples } from '../../../models/index.js';
import { trainRuns } from '../retraining/index.js';
import { type BootstrapOptions, crossedMean, type Estimate } from '../statistics/index.js';
import { attributionOf, type Measure } from './measure.js';

/**
 * The place of each query's copy among the samples, from 1: those with a score at least as high come before it.
 * @param scores [queries, samples] @param copies row of each query's copy
 * @throws MeedError when a score is NaN
 */
export function copyRanks({ shape: [queries, samples], data }: Tensor, copies: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: queries }, (_, q) => {
    const row = data.subarray(q * samples, (q + 1) * samples);
    const stray = row.findIndex(Number.isNaN);
    if (stray >= 0) {
      throw new MeedError(
        `The score of query ${q} and sample ${stray} is NaN`,
        'Choose a larger damping, or another method',
      );
    }
    const own = row[copies[q]];
    return row.reduce((before, score) => before + (score >= own ? 1 : 0), 0);
  });
}

export interface DuplicateDetection {
  /** Mean of 1 ÷ rank. */
  readonly reciprocalRank: Estimate;
  /** Share of the copies among the first `first` samples. */
  readonly recall: readonly (Estimate & { readonly first: number })[];
}

const FIRST = [1, 10] as const;

/** @param ranks from 1 */
export function duplicateDetection(ranks: Uint32Array, options: BootstrapOptions = {}): DuplicateDetection {
  const mean = (value: (rank: number) => number): Estimate =>
    crossedMean(Float64Array.from(ranks, value), [ranks.length, 1], options);
  return {
    reciprocalRank: mean((rank) => 1 / rank),
    recall: FIRST.map((first) => ({ first, ...mean((rank) => (rank <= first ? 1 : 0)) })),
  };
}

/** Copies of the queries in place of random samples. */
export function plantCopies(
  samples: Samples,
  queries: Samples,
  seed: number,
): { readonly samples: Samples; readonly copies: Uint32Array } {
  if (queries.rows >= samples.rows) {
    throw new MeedError(
      `${queries.rows} copies were to be planted among ${samples.rows} samples`,
      'Plant fewer copies than there are samples',
    );
  }
  const copies = Random.named(seed, 'evaluation/copies').permutation(samples.rows).slice(0, queries.rows);
  const features = samples.features.slice();
  const targets = samples.targets.slice();
  const depth = samples.targets.length / samples.rows;
  for (const [q, row] of copies.entries()) {
    features.set(queries.features.subarray(q * samples.width, (q + 1) * samples.width), row * samples.width);
    targets.set(queries.targets.subarray(q * depth, (q + 1) * depth), row * depth);
  }
  return { samples: { ...samples, features, targets }, copies };
}

export const duplicatesMeasure: Measure = {
  name: 'duplicates',
  claim: 'how far in front the copy of a query stands among the samples with the highest scores',
  async prepare(setting, _ground, { work }) {
    const { samples, evaluation, sizes, seed } = setting;
    const order = Random.named(seed, 'evaluation/copied queries').permutation(evaluation.rows);
    const queries = selectSamples(evaluation, order.subarray(0, sizes.copies));
    const planted = plantCopies(samples, queries, seed);
    const changed = { ...setting, samples: planted.samples };
    const runs = await trainRuns(changed, setting.runs, work);
    let harmonic = 0;
    for (let rank = 1; rank <= samples.rows; rank++) harmonic += 1 / rank;
    return {
      attribution: attributionOf(changed, runs),
      async figures(scorer, _method, options) {
        const ranks = copyRanks(await scorer.score(queries, planted.samples), planted.copies);
        const { reciprocalRank, recall } = duplicateDetection(ranks, options);
        return [
          { at: 'mean reciprocal rank', ...reciprocalRank, chance: harmonic / samples.rows },
          ...recall.map(({ first, ...found }) => ({
            at: `among the first ${first}`,
            ...found,
            chance: Math.min(1, first / samples.rows),
          })),
        ];
      },
    };
  },
};
