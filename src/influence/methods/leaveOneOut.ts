/**
 * Leave-one-out (Cook 1977; the question that Koh and Liang 2017 approximate): the model is trained again without the
 * sample, and its loss is compared. With `removal` 'weights' the sample keeps its place in the order with weight 0, and
 * initial weights, order, masks and denominators stay as they were; with 'rows' batches are made of what is left, so that
 * everything after the first batch is another order, and what is seen of one sample is mostly that.
 */
import { MeedError } from '../../foundation/index.js';
import { trainedLosses } from '../retraining/index.js';
import type { Method, MethodCard } from './method.js';
import { retrainingScorer } from './retrainingMethod.js';
import { countOf, wordOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'leave-one-out',
  source: 'Cook 1977, "Detection of influential observation in linear regression"; Koh and Liang 2017, section 2.1',
  claim: 'by how much the loss of the output rose when the model was trained again without the sample',
  scale: "the output's loss",
  cost: 'repeats · (samples asked for + 1) trainings; they are repeated for other outputs',
  needs: ['retraining'],
  form: 'direct',
  additivity: 'relative',
};

export const leaveOneOut: Method<{ readonly removal: string; readonly repeats: number }> = {
  ...card,
  defaults: { removal: 'weights', repeats: 1 },
  grid: [],
  async open(attribution, { removal, repeats }, options = {}) {
    const how = wordOf('removal', removal, ['weights', 'rows']);
    return retrainingScorer(card, attribution, countOf('repeats', repeats, 1), options, async (work) => {
      const { trainings, rows, outputs, asked, options: given } = work;
      if (rows.length < 2) {
        throw new MeedError('The run was trained on one sample, without which there is none', 'Explain a larger run');
      }
      const without = (position: number, seed: number) =>
        how === 'rows'
          ? { rows: rows.filter((_, other) => other !== position), seed }
          : { rows, seed, sampleWeights: weightsWithout(trainings.samples.rows, rows[position]) };
      const members = trainings.seeds.flatMap((seed) => [
        { rows, seed },
        ...Array.from(asked, (position) => without(position, seed)),
      ]);
      const losses = await trainedLosses(trainings, members, outputs, given);
      const scores = new Float64Array(outputs.rows * rows.length);
      for (let repeat = 0; repeat < trainings.seeds.length; repeat++) {
        const [whole, ...left] = losses.slice(repeat * (asked.length + 1), (repeat + 1) * (asked.length + 1));
        for (const [i, position] of asked.entries()) {
          for (let q = 0; q < outputs.rows; q++) {
            scores[q * rows.length + position] += (left[i][q] - whole[q]) / trainings.seeds.length;
          }
        }
      }
      return scores;
    });
  },
};

function weightsWithout(samples: number, row: number): Float32Array {
  return new Float32Array(samples).fill(1).fill(0, row, row + 1);
}
