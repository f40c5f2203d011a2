/** Small models with weights, samples and outputs, and their layers' gradients as matrices in float64. */
import { cpuEngine, type Tensor } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import type { Attribution, Method, ScoringOptions } from '../../../src/influence/index.js';
import { decoder, type Losses, type Model, mlp, type Recipe, type Samples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { exactGradient } from '../dense/dense.js';

export const RECIPE: Recipe = {
  epochs: 2,
  batch: 4,
  optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
  schedule: { name: 'constant', rate: 0.05 },
  dropout: 0,
};

export const WIDTHS = [4, 5, 3];
export const perceptron = mlp(WIDTHS);

/** Biases that are not zero, so that one left out of a product shows. */
export function weightsOf(model: Model, seed: number): Float32Array {
  const random = new Random(seed);
  return model.initialise(random).map((w) => w + 0.1 * random.normal());
}

export function attributionOf(model: Model, samples: Samples, ...seeds: [number, ...number[]]): Attribution {
  const run = (seed: number) => ({ states: [{ step: 10, parameters: weightsOf(model, seed) }], recipe: RECIPE });
  const [first, ...others] = seeds;
  return { engine: cpuEngine(), model, samples, runs: [run(first), ...others.map(run)], seed: 7 };
}

export const samples = cloud(23, 4, 3, 2);
export const outputs = cloud(5, 4, 3, 9);

export const CONTEXT = 6;
export const VOCABULARY = 8;

export function tinyDecoder(head: 'tied' | 'untied', biased: readonly ('attention' | 'feedForward')[] = []): Model {
  return decoder({
    vocabulary: VOCABULARY,
    context: CONTEXT,
    width: 6,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    headWidth: 4,
    hidden: 5,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'halves',
    feedForward: 'swiglu',
    head,
    biased,
  });
}

/** Sequences of tokens that are all different; the last target of every second one is not asked for. */
export function sequences(rows: number, seed: number): Samples<Int32Array> {
  const random = new Random(seed);
  const features = new Float32Array(rows * CONTEXT);
  const targets = new Int32Array(rows * CONTEXT);
  for (let i = 0; i < rows; i++) {
    const order = random.permutation(VOCABULARY);
    for (let t = 0; t < CONTEXT; t++) {
      features[i * CONTEXT + t] = order[t];
      targets[i * CONTEXT + t] = t === CONTEXT - 1 && i % 2 === 1 ? -1 : random.below(VOCABULARY);
    }
  }
  return { rows, width: CONTEXT, features, targets };
}

/** One layer's gradient of one sample, [rows][columns]. */
export type Matrix = readonly Float64Array[];

/** The weight [in, out] with its bias as the last row, of each layer of a perceptron. */
export function perceptronLayers(
  model: Model,
  flat: ArrayLike<number>,
  set: Samples,
  row: number,
  target?: Losses,
): Matrix[] {
  const { gradient } = exactGradient(model, flat, set, row, target);
  const layers: Matrix[] = [];
  for (let p = 0; p < model.parameters.length; p += 2) {
    const { offset, shape } = model.parameters[p];
    const [fanIn, fanOut] = shape;
    const line = (i: number): Float64Array => gradient.slice(offset + i * fanOut, offset + (i + 1) * fanOut);
    layers.push(Array.from({ length: fanIn + 1 }, (_, i) => line(i)));
  }
  return layers;
}

/** Scores of one method that is opened and closed again. */
export async function scoreOf<S extends Record<string, number | string>>(
  method: Method<S>,
  attribution: Attribution,
  settings: S,
  asked: Samples,
  against: Samples = attribution.samples,
  options: ScoringOptions = {},
): Promise<Tensor> {
  const scorer = await method.open(attribution, settings, options);
  try {
    return await scorer.score(asked, against);
  } finally {
    await scorer.dispose();
  }
}

export const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.flatMap((row) => [...row]));
