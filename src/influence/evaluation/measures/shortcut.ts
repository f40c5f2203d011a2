/**
 * Finding a shortcut (Yang et al. 2019; the measure of Koh et al. 2022 and quanda): a mark is put on some training samples
 * of one class, the model learns that the mark means the class, and queries of other classes that carry the mark are
 * explained as that class. The samples with the mark should have the highest scores.
 * The figure is the area under the ROC curve of marked against other samples of a query, averaged over the queries that
 * the shortcut works on: where the model does not use the mark there is nothing to find.
 */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';
import { lossesOf, type Samples, selectSamples } from '../../../models/index.js';
import { leastLossClasses, withEveryClass } from '../retraining/classes.js';
import { trainRuns } from '../retraining/index.js';
import {
  type BootstrapOptions,
  bootstrap,
  type Estimate,
  fillRanks,
  meanOf,
  ones,
  percentileInterval,
  rankGroups,
} from '../statistics/index.js';
import { attributionOf, type Measure, refuseUnlessClasses } from './measure.js';

/** Features that carry the mark: a share of them, at least one. */
const MARKED_FEATURES = 0.05;
/** How far beyond the largest value of the samples, in deviations of all features. */
const MARK_DEVIATIONS = 3;
/** Share of the class's samples that are marked. */
const MARKED_SAMPLES = 0.5;

export interface Mark {
  readonly columns: Uint32Array;
  readonly value: number;
}

/** Columns next to each other, so that of a picture they are part of a line, and a value that no sample has. */
export function chooseMark({ features, width }: Samples, seed: number): Mark {
  const count = Math.max(1, Math.round(MARKED_FEATURES * width));
  const first = Random.named(seed, 'evaluation/mark').below(width - count + 1);
  let [largest, sum, squares] = [Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of features) {
    largest = Math.max(largest, value);
    sum += value;
    squares += value * value;
  }
  const mean = sum / features.length;
  const deviation = Math.sqrt(Math.max(0, squares / features.length - mean * mean));
  const columns = Uint32Array.from({ length: count }, (_, i) => first + i);
  return { columns, value: largest + MARK_DEVIATIONS * (deviation > 0 ? deviation : 1) };
}

/** The samples with the mark on these rows. */
export function stamp(samples: Samples, rows: Iterable<number>, { columns, value }: Mark): Samples {
  const features = samples.features.slice();
  for (const row of rows) for (const column of columns) features[row * samples.width + column] = value;
  return { ...samples, features };
}

/**
 * Area under the ROC curve of marked against other samples, mean over the queries. Queries and samples are drawn anew for the interval.
 * @param scores [queries, samples] @param marked 1 where a sample carries the mark
 * @throws MeedError when a score is NaN, or no or every sample is marked
 */
export function shortcutDetection(
  { shape: [queries, samples], data }: Tensor,
  marked: ArrayLike<number>,
  options: BootstrapOptions = {},
): Estimate {
  const total = Array.from(marked).filter((one) => one === 1).length;
  if (total === 0 || total === samples) {
    throw new MeedError(
      `${total} of ${samples} samples carry the mark`,
      'Mark some samples and leave others as they are',
    );
  }
  const rows = Array.from({ length: queries }, (_, q) => data.subarray(q * samples, (q + 1) * samples));
  const stray = data.findIndex(Number.isNaN);
  if (stray >= 0) {
    throw new MeedError(
      `The score of query ${Math.floor(stray / samples)} and sample ${stray % samples} is NaN`,
      'Choose a larger damping, or another method',
    );
  }
  const groups = rows.map((row) => rankGroups(row));
  const ranks = new Float64Array(samples);
  const area = (q: number, weights: ArrayLike<number>): number => {
    fillRanks(groups[q], weights, ranks);
    let [own, all, rankSum] = [0, 0, 0];
    for (let i = 0; i < samples; i++) {
      all += weights[i];
      if (marked[i] !== 1) continue;
      own += weights[i];
      rankSum += weights[i] * ranks[i];
    }
    return own === 0 || own === all ? Number.NaN : (rankSum - (own * (own + 1)) / 2) / (own * (all - own));
  };
  const mean = (weights: ArrayLike<number>, counts?: ArrayLike<number>): number => {
    const areas = rows.map((_, q) => (counts?.[q] === 0 ? Number.NaN : area(q, weights)));
    return meanOf(areas, counts);
  };
  const replicates = bootstrap([queries, samples], (counts, weights) => mean(weights, counts), options);
  return { value: mean(ones(samples)), ...percentileInterval(replicates, options) };
}

export const shortcutMeasure: Measure = {
  name: 'shortcut',
  claim:
    'how often a sample with the planted mark has a higher score than one without, for outputs that the mark decides (area under the ROC curve)',
  async prepare(setting, _ground, { work }) {
    const { engine, model, samples, evaluation, sizes, seed } = setting;
    refuseUnlessClasses(model, 'shortcut');
    const order = Random.named(seed, 'evaluation/shortcut').permutation(samples.rows).slice(0, sizes.planted).sort();
    const chosen = selectSamples(samples, order);
    const counts = new Uint32Array(model.classes);
    for (const label of chosen.targets) counts[label]++;
    // the commonest class, so that there is something to mark
    const target = counts.indexOf(Math.max(...counts));
    const ofClass = Array.from(chosen.targets.keys()).filter((row) => chosen.targets[row] === target);
    const marked = ofClass.slice(0, Math.max(1, Math.round(MARKED_SAMPLES * ofClass.length)));
    const mark = chooseMark(chosen, seed);
    const changed = { ...setting, samples: stamp(chosen, marked, mark) };
    const runs = await trainRuns(changed, setting.runs, work);
    const others = Array.from(evaluation.targets.keys()).filter((q) => evaluation.targets[q] !== target);
    const carriers = stamp(selectSamples(evaluation, others), others.keys(), mark);
    const last = runs[0].states.at(-1);
    const losses = last && (await lossesOf(engine, model, last.parameters, withEveryClass(carriers, model)));
    const fooled = losses ? [...leastLossClasses(losses, model)].flatMap((c, q) => (c === target ? [q] : [])) : [];
    if (fooled.length === 0) {
      throw new MeedError(
        `The mark makes none of ${carriers.rows} queries the class ${target}: the model has not learned the shortcut`,
        'Train longer, or leave the measure shortcut out',
      );
    }
    const asked = selectSamples(carriers, fooled);
    const queries: Samples = { ...asked, targets: new Int32Array(asked.rows).fill(target) };
    const isMarked = new Uint8Array(chosen.rows);
    for (const row of marked) isMarked[row] = 1;
    return {
      attribution: attributionOf(changed, runs),
      async figures(scorer, _method, options) {
        const scores = await scorer.score(queries, changed.samples);
        return [
          {
            at: '',
            ...shortcutDetection(scores, isMarked, options),
            chance: 0.5,
            dropped: others.length - fooled.length,
          },
        ];
      },
    };
  },
};
