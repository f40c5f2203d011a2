/**
 * MAGIC (Ilyas and Engstrom 2025): the exact derivative of one deterministic training, see ../magic. It explains the
 * first run and no other: an average of derivatives of several runs is the derivative of none of them.
 */
import { MeedError } from '../../foundation/index.js';
import { type Magic, magic } from '../magic/index.js';
import type { ScoringOptions } from '../pathScorer.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, stateAt } from './runStates.js';

const card: MethodCard = {
  name: 'magic',
  source: 'Ilyas and Engstrom 2025, "MAGIC: Near-Optimal Data Attribution for Deep Learning", with its REPLAY',
  claim:
    'by how much, to first order, the loss of the output would rise if this very training were repeated without the sample',
  scale: "the output's loss, for the sample's weight going from 1 to 0",
  cost: 'for each output about two passes forward and back through every training step; √T to T states of P numbers for T steps',
  needs: ['replay'],
  form: 'direct',
  additivity: 'relative',
};

export const magicMethod: Method<{ readonly epoch: number | string }> & {
  open(
    attribution: Attribution,
    settings: { readonly epoch: number | string },
    options?: ScoringOptions,
  ): Promise<Magic>;
} = {
  ...card,
  defaults: { epoch: LAST },
  grid: [],
  async open({ engine, model, runs, samples }, { epoch }, options) {
    const [run] = runs;
    if (run.seed === undefined) {
      throw new MeedError(
        'The run has no seed, so it cannot be repeated step by step',
        'Explain a run whose weights, order and masks follow from a seed',
      );
    }
    const { recipe, seed, rows } = run;
    const { step, parameters } = stateAt(run, epoch, samples.rows);
    return magic(
      engine,
      model,
      samples,
      { recipe, seed, rows, steps: step, trained: parameters },
      aboutScores(card),
      options,
    );
  },
};
