/**
 * How each data set is retrained when methods are evaluated, and how much of it is done. MNIST as in the field's tables
 * (the protocol of dattri, Deng et al. 2024: logistic regression without momentum, the perceptron with dropout); the others by
 * trainings short enough that a hundred of them take a minute.
 */

import type { Sizes } from '../../influence/index.js';
import type { Recipe } from '../../models/index.js';

const SGD = { name: 'sgd', momentum: 0.9, weightDecay: 0 } as const;

const SMALL: Recipe = {
  epochs: 20,
  batch: 32,
  optimiser: SGD,
  schedule: { name: 'constant', rate: 0.01 },
  dropout: 0,
};

const RECIPES: Readonly<Record<string, Recipe>> = {
  'mnist/linear': { ...SMALL, optimiser: { ...SGD, momentum: 0 } },
  'mnist/mlp': { ...SMALL, epochs: 50, batch: 64, dropout: 0.1 },
};

/** @param model as on the command line */
export function evaluationRecipe(dataset: string, model: string): Recipe {
  return RECIPES[`${dataset}/${model}`] ?? SMALL;
}

export interface Extent {
  readonly subsets: number;
  /** Evaluated; half as many again are held out to choose settings on, where there are so many. */
  readonly queries: number;
  /** Runs that methods are given, one setting of the table each. */
  readonly runs: readonly number[];
  readonly sizes: Sizes;
}

export const WHOLE: Extent = {
  subsets: 50,
  queries: 100,
  runs: [1, 5],
  sizes: {
    leftOut: 50,
    planted: 1000,
    flipped: 0.1,
    removalQueries: 16,
    counts: [10, 40, 160],
    shares: [0.05, 0.1, 0.2],
    repeats: 3,
    copies: 20,
  },
};

/** Enough to see that everything works, too little to tell methods apart. */
export const QUICK: Extent = {
  subsets: 10,
  queries: 24,
  runs: [1],
  sizes: {
    leftOut: 8,
    planted: 300,
    flipped: 0.1,
    removalQueries: 4,
    counts: [10, 40],
    shares: [0.1],
    repeats: 2,
    copies: 8,
  },
};

export const QUICK_EPOCHS = 5;
