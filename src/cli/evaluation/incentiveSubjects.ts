/**
 * The data sets of the incentive benchmark, each with the recipe of a small model that learns it in a second, so that every
 * coalition of contributors can be trained. The trap: a recipe that overshoots makes first-order scores meaningless, so
 * rates are those of the payout profiles where there is one, and as small elsewhere.
 */
import { findDatasetSource } from '../../../datasets/index.js';
import { MeedError, type Progress } from '../../foundation/index.js';
import type { Subject } from '../../incentives/index.js';
import { linear, mlp, type Recipe } from '../../models/index.js';

interface SubjectProfile {
  /** Empty: logistic regression. */
  readonly hidden: readonly number[];
  readonly epochs: number;
  readonly batch: number;
  readonly rate: number;
}

const PROFILES: Readonly<Record<string, SubjectProfile>> = {
  heart: { hidden: [16], epochs: 20, batch: 32, rate: 0.002 },
  'spooky-authors': { hidden: [], epochs: 5, batch: 64, rate: 0.002 },
  mnist: { hidden: [], epochs: 3, batch: 64, rate: 0.001 },
  'audit-findings': { hidden: [], epochs: 10, batch: 32, rate: 0.001 },
  glyphs: { hidden: [], epochs: 5, batch: 64, rate: 0.002 },
};

export const INCENTIVE_DATASETS: readonly string[] = Object.keys(PROFILES);
/** Those that the benchmark is about; others may be named. */
export const DEFAULT_INCENTIVE_DATASETS: readonly string[] = ['heart', 'spooky-authors', 'mnist', 'audit-findings'];

/** @throws MeedError when the data set has no profile here, or its files cannot be had */
export async function incentiveSubject(name: string, seed: number, progress: Progress): Promise<Subject> {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (!profile) {
    throw new MeedError(
      `The incentive benchmark has no recipe for the data set "${name}"`,
      `Choose from ${INCENTIVE_DATASETS.join(', ')}`,
      { exitCode: 2 },
    );
  }
  const dataset = await findDatasetSource(name).load({ seed, progress });
  const [width, classes] = [dataset.train.width, dataset.card.classes.length];
  const { hidden, epochs, batch, rate } = profile;
  return {
    name,
    dataset,
    model: hidden.length === 0 ? linear(width, classes) : mlp([width, ...hidden, classes]),
    recipe: recipeOf(epochs, batch, rate),
  };
}

function recipeOf(epochs: number, batch: number, rate: number): Recipe {
  return {
    epochs,
    batch,
    optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
    schedule: { name: 'constant', rate },
    dropout: 0,
  };
}
