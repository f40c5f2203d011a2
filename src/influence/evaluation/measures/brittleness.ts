/**
 * Brittleness (Ilyas et al. 2022, section 4.1): how many of the samples with the highest scores must go before the model
 * no longer gives the output that it gave. For outputs that are right, the top k samples of each are removed, the model
 * is trained again, and the share of outputs whose class has flipped is counted; beside it, that of k random samples.
 * Samples are removed by a weight of 0 under the same seed, so that a removal of nothing flips nothing.
 */
import { MeedError, Random } from '../../../foundation/index.js';
import { type Samples, selectSamples, trainMany } from '../../../models/index.js';
import { leastLossClasses, withEveryClass } from '../retraining/classes.js';
import { sharedInput } from '../retraining/experiment.js';
import { allRows, type Experiment, type RetrainingOptions } from '../retraining/index.js';
import { crossedMean, meanOf } from '../statistics/index.js';
import { attributionOf, type Measure, refuseUnlessClasses } from './measure.js';
import { descending } from './order.js';

/** The classes of the queries under a model trained without these samples. */
export async function classesWithout(
  experiment: Experiment,
  queries: Samples,
  removals: readonly Uint32Array[],
  seed: number,
  options: RetrainingOptions = {},
): Promise<Int32Array[]> {
  const { model, samples } = experiment;
  const rows = allRows(samples);
  const members = removals.map((removed) => {
    const sampleWeights = new Float32Array(samples.rows).fill(1);
    for (const row of removed) sampleWeights[row] = 0;
    return { rows, seed, sampleWeights };
  });
  const asked = withEveryClass(queries, model);
  const trained = await trainMany({ ...sharedInput(experiment), keep: [], queries: asked }, members, options);
  return trained.map(({ queryLosses }) => leastLossClasses(queryLosses, model));
}

export const brittlenessMeasure: Measure = {
  name: 'brittleness',
  claim:
    'how often the class of an output flips when the samples with its highest scores are removed and the model is trained again',
  async prepare(setting, ground, { work, ...bootstrapping }) {
    const { model, samples, evaluation, sizes, seed } = setting;
    refuseUnlessClasses(model, 'brittleness');
    const { runs } = await ground();
    const runSeed = runs[0].seed ?? seed;
    const counts = sizes.counts.filter((count) => count < samples.rows);
    const [given] = await classesWithout(setting, evaluation, [new Uint32Array(0)], runSeed, work);
    const right = Array.from(given.keys()).filter((q) => given[q] === evaluation.targets[q]);
    if (right.length === 0 || counts.length === 0) {
      throw new MeedError(
        `Of ${evaluation.rows} outputs ${right.length} are right, and ${counts.length} of the removals leave a sample`,
        'Train longer, ask for more queries, or remove fewer samples',
      );
    }
    const queries = selectSamples(evaluation, right.slice(0, sizes.removalQueries));
    const draws = Array.from({ length: sizes.repeats }, (_, r) => {
      return Random.named(seed + r, 'evaluation/brittleness').permutation(samples.rows);
    });
    const random = await classesWithout(
      setting,
      queries,
      counts.flatMap((count) => draws.map((draw) => draw.subarray(0, count))),
      runSeed,
      work,
    );
    const flips = (classes: Int32Array, q: number): number => (classes[q] === queries.targets[q] ? 0 : 1);
    const chance = counts.map((_, c) => {
      const classes = random.slice(c * draws.length, (c + 1) * draws.length);
      return meanOf(classes.flatMap((given) => Array.from({ length: queries.rows }, (_, q) => flips(given, q))));
    });
    return {
      attribution: attributionOf(setting, runs),
      async figures(scorer, _method, options) {
        const scores = await scorer.score(queries, samples);
        const tops = Array.from({ length: queries.rows }, (_, q) => {
          return descending(scores.data.subarray(q * samples.rows, (q + 1) * samples.rows));
        });
        const removals = counts.flatMap((count) => tops.map((top) => top.subarray(0, count)));
        const classes = await classesWithout(setting, queries, removals, runSeed, options.work);
        return counts.map((count, c) => {
          const flipped = Float64Array.from(tops, (_, q) => flips(classes[c * queries.rows + q], q));
          return {
            at: `${count} removed`,
            curve: { name: 'share of outputs that flip, by samples removed', x: count },
            ...crossedMean(flipped, [queries.rows, 1], { ...bootstrapping, ...options }),
            chance: chance[c],
          };
        });
      },
    };
  },
};
