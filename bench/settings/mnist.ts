/**
 * MNIST with logistic regression and with a perceptron, as the field measures attribution on them: the first 5,000
 * training digits, half subsets, −loss of test digits, a training of its own (weights, order, masks) for every subset, and
 * two sets of them. Test digits 0–499 are the evaluated queries, 500–999 the held-out ones that settings are chosen on,
 * the other 9,000 the outputs that sketches are fitted to. Models begin as PyTorch's do.
 */
import { mnistDigits } from '../../datasets/mnist.js';
import { cpuEngine } from '../../src/engine/index.js';
import { silent } from '../../src/foundation/index.js';
import type { Setting, Sizes } from '../../src/influence/index.js';
import { linear, mlp, type Samples } from '../../src/models/index.js';

export const MNIST_SETTINGS = ['mnist-lr', 'mnist-mlp'] as const;
export type MnistSetting = (typeof MNIST_SETTINGS)[number];

const TRAINED = 5000;
const QUERIES = 500;
const CALIBRATION = 9000;
const SEED = 1;
/** Mislabels as dattri plants them; the others are small, since removals are retrained for every method. */
const SIZES: Sizes = {
  leftOut: 50,
  planted: 1000,
  flipped: 0.1,
  removalQueries: 20,
  counts: [20, 80],
  shares: [0.1, 0.3],
  repeats: 3,
  copies: 50,
};

const TRAININGS = {
  'mnist-lr': {
    model: linear(784, 10, { initialisation: 'uniform' }),
    recipe: {
      epochs: 20,
      batch: 32,
      optimiser: { name: 'sgd', momentum: 0, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.01 },
      dropout: 0,
    },
    epochs: [0, 1, 2, 3, 5, 7, 10, 15, 20],
  },
  'mnist-mlp': {
    model: mlp([784, 128, 64, 10], { initialisation: 'uniform' }),
    recipe: {
      epochs: 50,
      batch: 64,
      optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.01 },
      dropout: 0.1,
    },
    epochs: [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50],
  },
} as const;

export interface MnistSizes {
  readonly trained: number;
  readonly queries: number;
  readonly subsets: number;
  readonly epochs?: number;
}

const FULL: MnistSizes = { trained: TRAINED, queries: QUERIES, subsets: 100 };

/** @param runs models that a method is given: the first on all samples, the others on halves of them */
export async function mnistSetting(name: MnistSetting, runs: number, sizes: MnistSizes = FULL): Promise<Setting> {
  const { trained, queries, subsets } = sizes;
  const { model, recipe, epochs } = TRAININGS[name];
  const { train, test } = await mnistDigits({ train: trained, test: 2 * queries + CALIBRATION }, { progress: silent });
  const part = (start: number, rows: number): Samples => ({
    rows,
    width: test.width,
    features: test.features.subarray(start * test.width, (start + rows) * test.width),
    targets: test.labels.subarray(start, start + rows),
  });
  const last = sizes.epochs ?? recipe.epochs;
  return {
    name,
    engine: cpuEngine({ threads: 2 }),
    model,
    recipe: { ...recipe, epochs: last },
    samples: { rows: train.rows, width: train.width, features: train.features, targets: train.labels },
    evaluation: part(0, queries),
    heldOut: part(queries, queries),
    calibration: part(2 * queries, CALIBRATION),
    subsets: { count: subsets, fraction: 0.5, seed: SEED, sets: 2 },
    runs: { count: runs, fraction: 0.5, seed: SEED, epochs: epochs.filter((epoch) => epoch <= last) },
    sizes: SIZES,
    seed: SEED,
  };
}
