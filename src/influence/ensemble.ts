/**
 * The mean of a method's scores over several trained runs: the largest lever on accuracy there is, because one run's scores
 * hold as much of its own noise as of the data (Park et al. 2023, section 3). One run stays open between scorings; of
 * several each is opened in its turn, so that what one holds (factors, a decomposition) is held once.
 */
import type { Tensor } from '../engine/index.js';
import { finiteScores } from './finiteScores.js';
import type { Scorer } from './scorer.js';
import type { WorkWatch } from './watch.js';

export type OpenScorer = Pick<Scorer, 'score' | 'dispose'>;

/**
 * @param runs at least one
 * @param open what is scored with one of them; told to the watch of the whole as one of its parts
 */
export async function ensembleScorer<R>(
  about: Pick<Scorer, 'name' | 'scale' | 'additivity'>,
  runs: readonly R[],
  open: (run: R, watch: WorkWatch) => OpenScorer | Promise<OpenScorer>,
  watch: WorkWatch,
): Promise<Scorer> {
  if (runs.length === 1) {
    const one = await open(runs[0], watch);
    return {
      ...about,
      score: async (outputs, samples) => finiteScores(about.name, await one.score(outputs, samples)),
      dispose: () => one.dispose(),
    };
  }
  return {
    ...about,
    async score(outputs, samples) {
      const sum = new Float64Array(outputs.rows * samples.rows);
      for (const [r, run] of runs.entries()) {
        const part: WorkWatch = {
          throwIfCancelled: watch.throwIfCancelled,
          progress: (done, total) => watch.progress(r + done / total, runs.length, 'runs'),
        };
        part.throwIfCancelled();
        const one = await open(run, part);
        try {
          const { data } = await one.score(outputs, samples);
          for (const [i, score] of data.entries()) sum[i] += score;
        } finally {
          await one.dispose();
        }
        watch.progress(r + 1, runs.length, 'runs');
      }
      const mean: Tensor = { shape: [outputs.rows, samples.rows], data: new Float32Array(sum.length) };
      for (const [i, score] of sum.entries()) mean.data[i] = score / runs.length;
      return finiteScores(about.name, mean);
    },
    async dispose() {},
  };
}
