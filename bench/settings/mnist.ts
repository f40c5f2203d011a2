/**
 * MNIST with logistic regression and with a perceptron, as the field measures attribution on them: the first 5,000
 * training digits, half subsets, the loss of test digits, a training of its own (weights, order, masks) for every subset.
 * The first 500 test digits are the evaluated queries; the next 500 are the held-out ones that settings are chosen on.
 */
import { mnistDigits } from '../../datasets/mnist.js';
import { silent } from '../../src/foundation/index.js';
import { linear, type Model, mlp, type Recipe, type Samples } from '../../src/models/index.js';

export interface Setting {
  readonly name: string;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly samples: Samples;
  /** Evaluated. */
  readonly queries: Samples;
  /** Chosen on. */
  readonly heldOut: Samples;
}

export const TRAINED = 5000;
export const QUERIES = 500;

const RECIPES = {
  'mnist-lr': {
    model: linear(784, 10, { initialisation: 'uniform' }),
    recipe: {
      epochs: 20,
      batch: 32,
      optimiser: { name: 'sgd', momentum: 0, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.01 },
      dropout: 0,
    },
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
  },
} as const;

export type MnistSetting = keyof typeof RECIPES;
export const MNIST_SETTINGS = Object.keys(RECIPES) as MnistSetting[];

export async function mnistSetting(name: MnistSetting): Promise<Setting> {
  const { train, test } = await mnistDigits({ train: TRAINED, test: 2 * QUERIES }, { progress: silent });
  const part = (start: number): Samples => ({
    rows: QUERIES,
    width: test.width,
    features: test.features.subarray(start * test.width, (start + QUERIES) * test.width),
    targets: test.labels.subarray(start, start + QUERIES),
  });
  const samples = { rows: train.rows, width: train.width, features: train.features, targets: train.labels };
  return { name, ...RECIPES[name], samples, queries: part(0), heldOut: part(QUERIES) };
}
