/**
 * The scorers an index can be built with, by name. A payout needs one whose scores add up to what training changed, so
 * the in-run scorer is the default; the others are for comparison.
 */
import type { Engine } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { gradDot, inRun, type Scorer, type ScoringOptions } from '../influence/index.js';
import type { TrainedModel } from '../models/index.js';

type OpenScorer = (engine: Engine, trained: TrainedModel, rows: number, scoring?: ScoringOptions) => Promise<Scorer>;

const SCORERS: Readonly<Record<string, OpenScorer>> = {
  'in-run': (engine, { model, states, options }, rows, scoring) => inRun(engine, model, states, rows, options, scoring),
  'grad-dot': (engine, { model, parameters }, _rows, scoring) => gradDot(engine, model, parameters, scoring),
};

export const scorerNames: readonly string[] = Object.keys(SCORERS);
export const DEFAULT_SCORER = 'in-run';

/** @param rows number of training samples */
export function openScorer(
  name: string,
  engine: Engine,
  trained: TrainedModel,
  rows: number,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  const open = SCORERS[name];
  if (!open) {
    throw new MeedError(`There is no scorer "${name}"`, `Choose one of ${scorerNames.join(', ')}`, { exitCode: 2 });
  }
  return open(engine, trained, rows, scoring);
}
