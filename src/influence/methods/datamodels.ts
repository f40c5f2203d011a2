/**
 * Datamodels (Ilyas et al. 2022): models are trained on random subsets, and a linear function of the subset is fitted to
 * −loss of each output; a sample's weight is its score. By ridge regression (../retraining/ridgeDatamodel.ts), whose
 * penalty the last fifth of the subsets chooses.
 * The trap: the subsets are drawn under a name of their own, or they could be those that the method is judged by.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import { retrainingGame, ridgeDatamodels } from '../retraining/index.js';
import type { Method, MethodCard } from './method.js';
import { eachRow, retrainingScorer } from './retrainingMethod.js';
import { amountOf } from './settings.js';
import { countOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'datamodels',
  source: 'Ilyas et al. 2022, "Datamodels: Predicting Predictions from Training Data", with a ridge penalty',
  claim: 'how much less loss the output has on average in trainings with the sample than in those without it',
  scale: "the output's loss, shrunk towards 0 by the penalty",
  cost: 'as many trainings as subsets; they are repeated for other outputs; subsets × n numbers',
  needs: ['retraining'],
  form: 'direct',
  additivity: 'relative',
};

/** Of the subsets, to choose the penalty by. */
const HELD_OUT = 1 / 5;

export const datamodels: Method<{ readonly subsets: number; readonly fraction: number }> = {
  ...card,
  defaults: { subsets: 200, fraction: 0.5 },
  grid: [],
  async open(attribution, settings, options = {}) {
    const subsets = countOf('subsets', settings.subsets, 3);
    const fraction = amountOf('fraction', settings.fraction, 0);
    return retrainingScorer(card, attribution, 1, options, async (work) => {
      const { trainings, rows, outputs, options: given } = work;
      const drawn = subsetsOf(rows.length, subsets, fraction, attribution.seed);
      const measured = await retrainingGame(trainings, outputs, eachRow(rows), given).values(drawn);
      const values = new Float64Array(subsets * outputs.rows);
      for (const [k, value] of measured.entries()) values.set(value, k * outputs.rows);
      const heldOut = Math.max(1, Math.round(subsets * HELD_OUT));
      const shape = [subsets, outputs.rows];
      const masks = masksOf(drawn, rows.length);
      return (await ridgeDatamodels(attribution.engine, masks, { shape, data: values }, heldOut)).weights;
    });
  },
};

function subsetsOf(rows: number, count: number, fraction: number, seed: number): Uint32Array[] {
  const size = Math.floor(rows * fraction);
  if (size < 1 || size >= rows) {
    throw new MeedError(
      `Subsets of the share ${fraction} of ${rows} samples were asked for`,
      'Give a share that leaves a sample inside and one outside',
    );
  }
  const random = Random.named(seed, 'datamodels/subsets');
  return Array.from({ length: count }, () => random.permutation(rows).slice(0, size).sort());
}

/** [subsets, rows] of 0 and 1. */
function masksOf(subsets: readonly Uint32Array[], rows: number): Tensor {
  const data = new Float32Array(subsets.length * rows);
  for (const [k, subset] of subsets.entries()) for (const row of subset) data[k * rows + row] = 1;
  return { shape: [subsets.length, rows], data };
}
