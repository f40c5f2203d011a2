/**
 * The scorers an index can be built with: every bilinear method that one training with its states suffices for. A payout
 * needs one whose scores add up to what training changed, so the in-run scorer is the default; the others are for
 * comparison. The trap: a method that takes an ensemble gets the one training here, and is worth less than in the tables.
 */
import type { Engine } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { type Attribution, METHODS, type Need, type Scorer, type ScoringOptions } from '../influence/index.js';
import type { Samples, TrainedModel } from '../models/index.js';

const MET: readonly Need[] = ['classes', 'checkpoints', 'ensemble', 'few parameters'];

const SCORERS = METHODS.filter(({ form, needs }) => form === 'bilinear' && needs.every((need) => MET.includes(need)));

export const scorerNames: readonly string[] = SCORERS.map(({ name }) => name);
export const DEFAULT_SCORER = 'in-run';

/** @param samples all training samples */
export function openScorer(
  name: string,
  engine: Engine,
  trained: Pick<TrainedModel, 'model' | 'states' | 'options'>,
  samples: Samples,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  const method = SCORERS.find((known) => known.name === name);
  if (!method) {
    throw new MeedError(`There is no scorer "${name}"`, `Choose one of ${scorerNames.join(', ')}`, { exitCode: 2 });
  }
  return method.open(attributionOf(engine, trained, samples), method.defaults, scoring);
}

/** A training of the spine as methods take it. */
export function attributionOf(
  engine: Engine,
  { model, states, options }: Pick<TrainedModel, 'model' | 'states' | 'options'>,
  samples: Samples,
): Attribution {
  const { epochs, batch, learningRate, momentum, seed } = options;
  const recipe = {
    epochs,
    batch,
    optimiser: { name: 'sgd', momentum, weightDecay: 0 },
    schedule: { name: 'constant', rate: learningRate },
    dropout: 0,
  } as const;
  return { engine, model, samples, runs: [{ states, seed, recipe }], seed };
}
