/**
 * Finding wrong labels (Koh and Liang 2017, section 5.4): some labels are flipped, a model is trained on all, and samples
 * are inspected in the order of suspicion. Two suspicions: self-influence, how much a sample explains its own loss
 * (Pruthi et al. 2020, section 4.1: a wrong label is learned from itself alone), and harm, the negative mean score on
 * queries whose labels are right.
 * A method that trains for each output has no self-influence here, which would be a training for each sample.
 * The figure is the area under the ROC curve: how often a flipped sample is more suspicious than another, ties half.
 */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';
import { type Samples, selectSamples } from '../../../models/index.js';
import type { Scorer } from '../../scorer.js';
import { trainRuns } from '../retraining/index.js';
import {
  type BootstrapOptions,
  bootstrapDraws,
  type Estimate,
  fillRanks,
  ones,
  percentileInterval,
  type RankGroups,
  rankGroups,
} from '../statistics/index.js';
import { attributionOf, type Figure, type Measure, refuseUnlessClasses } from './measure.js';

/** `value` is the area under the ROC curve. */
export interface MislabelDetection extends Estimate {
  readonly curve: readonly InspectionPoint[];
}

/** `value` is the share of the flipped samples that are found. */
export interface InspectionPoint extends Estimate {
  /** Share of all samples, most suspicious first. */
  readonly inspected: number;
}

const INSPECTED = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5] as const;

/**
 * Flipped and other samples are drawn anew for the interval.
 * @param suspicion of each sample, larger = inspected sooner
 * @param flipped   1 where the label is wrong
 * @throws MeedError when a suspicion is NaN, or no or every sample is flipped
 */
export function mislabelDetection(
  suspicion: ArrayLike<number>,
  flipped: ArrayLike<number>,
  options: BootstrapOptions = {},
): MislabelDetection {
  const [bad, good] = [1, 0].map((kind) => rowsOf(flipped, kind));
  const groups = inspectionOrder(suspicion);
  refuseUnlessBoth(bad, flipped.length);
  const weights = new Uint32Array(flipped.length).fill(1);
  const value = inspect(groups, weights, flipped);
  const draws = bootstrapDraws(
    [bad.length, good.length],
    (badCounts, goodCounts) => {
      for (const [j, row] of bad.entries()) weights[row] = badCounts[j];
      for (const [j, row] of good.entries()) weights[row] = goodCounts[j];
      return inspect(groups, weights, flipped);
    },
    options,
  );
  return detection(value, draws, options);
}

/**
 * By harm: −mean over queries. Queries and samples are drawn anew for the interval.
 * @param scores [queries, samples]
 * @throws MeedError as `mislabelDetection`
 */
export function harmDetection(
  { shape: [queries, samples], data }: Tensor,
  flipped: ArrayLike<number>,
  options: BootstrapOptions = {},
): MislabelDetection {
  refuseUnlessBoth(rowsOf(flipped, 1), samples);
  const harm = new Float64Array(samples);
  const orderBy = (counts: ArrayLike<number>): RankGroups => {
    harm.fill(0);
    for (let q = 0; q < queries; q++) {
      if (counts[q] === 0) continue;
      for (let i = 0; i < samples; i++) harm[i] -= (counts[q] * data[q * samples + i]) / queries;
    }
    return inspectionOrder(harm);
  };
  const value = inspect(orderBy(ones(queries)), ones(samples), flipped);
  const draws = bootstrapDraws(
    [queries, samples],
    (queryCounts, sampleCounts) => inspect(orderBy(queryCounts), sampleCounts, flipped),
    options,
  );
  return detection(value, draws, options);
}

function detection(value: Float64Array, draws: readonly Float64Array[], options: BootstrapOptions): MislabelDetection {
  const [auc, ...found] = Array.from(value, (figure, at) => ({
    value: figure,
    ...percentileInterval(
      Float64Array.from(draws, (draw) => draw[at]),
      options,
    ),
  }));
  return { ...auc, curve: INSPECTED.map((inspected, p) => ({ inspected, ...found[p] })) };
}

/** From the most suspicious on. */
function inspectionOrder(suspicion: ArrayLike<number>): RankGroups {
  const stray = Array.from(suspicion).findIndex(Number.isNaN);
  if (stray < 0) return rankGroups(Float64Array.from(suspicion, (value) => -value));
  throw new MeedError(`The suspicion of sample ${stray} is NaN`, 'Choose a larger damping, or another method');
}

function rowsOf(flipped: ArrayLike<number>, kind: number): Uint32Array {
  return Uint32Array.from(flipped, (_, i) => i).filter((i) => (flipped[i] === 1 ? 1 : 0) === kind);
}

function refuseUnlessBoth({ length }: Uint32Array, samples: number): void {
  if (length > 0 && length < samples) return;
  throw new MeedError(`${length} of ${samples} samples are flipped`, 'Flip some samples and leave others as they are');
}

/** Area under the curve and the shares found, where each sample counts as often as it was drawn; NaN of one kind alone. */
function inspect(groups: RankGroups, weights: ArrayLike<number>, flipped: ArrayLike<number>): Float64Array {
  const ranks = new Float64Array(flipped.length);
  fillRanks(groups, weights, ranks);
  let [bad, all, rankSum] = [0, 0, 0];
  for (let i = 0; i < flipped.length; i++) {
    all += weights[i];
    if (flipped[i] !== 1) continue;
    bad += weights[i];
    rankSum += weights[i] * ranks[i];
  }
  const good = all - bad;
  if (bad === 0 || good === 0) return new Float64Array(1 + INSPECTED.length).fill(Number.NaN);
  // Mann and Whitney: good samples that are inspected before a flipped one
  const before = rankSum - (bad * (bad + 1)) / 2;
  const found = INSPECTED.map((share) => foundIn(share * all, groups, weights, flipped) / bad);
  return Float64Array.of(1 - before / (bad * good), ...found);
}

/** Flipped samples among the first `count`; of a group of ties, the part to be expected. */
function foundIn(
  count: number,
  { order, starts }: RankGroups,
  weights: ArrayLike<number>,
  flipped: ArrayLike<number>,
): number {
  let [left, found] = [count, 0];
  for (let group = 0; group + 1 < starts.length && left > 0; group++) {
    let [size, bad] = [0, 0];
    for (let k = starts[group]; k < starts[group + 1]; k++) {
      size += weights[order[k]];
      if (flipped[order[k]] === 1) bad += weights[order[k]];
    }
    if (size === 0) continue;
    const taken = Math.min(left, size);
    found += (bad * taken) / size;
    left -= taken;
  }
  return found;
}

/** Some labels replaced by another, each other class as likely. */
export function plantFlips(
  samples: Samples,
  classes: number,
  share: number,
  seed: number,
): { readonly samples: Samples; readonly flipped: Uint8Array } {
  const random = Random.named(seed, 'evaluation/flips');
  const count = Math.round(share * samples.rows);
  const flipped = new Uint8Array(samples.rows);
  const targets = samples.targets.slice();
  for (const row of random.permutation(samples.rows).subarray(0, count)) {
    flipped[row] = 1;
    targets[row] = (targets[row] + 1 + random.below(classes - 1)) % classes;
  }
  return { samples: { ...samples, targets }, flipped };
}

/** Rows of one call of a bilinear scorer; only the diagonal of each block is used. */
const SELF_BLOCK = 256;

/**
 * The score of each sample on itself. A bilinear scorer is asked block by block; of another the whole matrix is asked,
 * since its score of a row may depend on which rows there are.
 */
export async function selfInfluence(
  scorer: Scorer,
  samples: Samples,
  form: 'bilinear' | 'direct',
): Promise<Float32Array> {
  const own = new Float32Array(samples.rows);
  for (let start = 0; start < samples.rows; start += SELF_BLOCK) {
    const rows = Math.min(SELF_BLOCK, samples.rows - start);
    const block = selectSamples(
      samples,
      Array.from({ length: rows }, (_, i) => start + i),
    );
    const against = form === 'bilinear' ? block : samples;
    const { data } = await scorer.score(block, against);
    const first = form === 'bilinear' ? 0 : start;
    for (let i = 0; i < rows; i++) own[start + i] = data[i * against.rows + first + i];
  }
  return own;
}

export const mislabelMeasure: Measure = {
  name: 'mislabel',
  claim: 'how often a sample with a flipped label is more suspicious than one without (area under the ROC curve)',
  async prepare(setting, _ground, { work }) {
    const { model, samples, evaluation, sizes, seed } = setting;
    refuseUnlessClasses(model, 'mislabel');
    const rows = Random.named(seed, 'evaluation/mislabel').permutation(samples.rows).slice(0, sizes.planted).sort();
    const planted = plantFlips(selectSamples(samples, rows), model.classes, sizes.flipped, seed);
    const changed = { ...setting, samples: planted.samples };
    const runs = await trainRuns(changed, setting.runs, work);
    return {
      attribution: attributionOf(changed, runs),
      async figures(scorer, { form, needs }, options) {
        const trains = needs.includes('replay') || needs.includes('retraining');
        const own = trains ? undefined : await selfInfluence(scorer, planted.samples, form);
        const scores = await scorer.score(evaluation, planted.samples);
        const detections = {
          ...(own && { 'self-influence': mislabelDetection(own, planted.flipped, options) }),
          harm: harmDetection(scores, planted.flipped, options),
        };
        return Object.entries(detections).flatMap(([name, { curve, value, low, high }]): Figure[] => [
          { at: name, value, low, high, chance: 0.5 },
          ...curve.map(({ inspected, ...found }) => ({
            at: `${name}, found in ${Math.round(100 * inspected)}%`,
            curve: { name: `share found by ${name}, by share inspected`, x: inspected },
            ...found,
            chance: inspected,
          })),
        ]);
      },
    };
  },
};
