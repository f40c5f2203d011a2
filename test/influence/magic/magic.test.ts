/**
 * MAGIC against finite differences of whole trainings in float64; that its replay is the training, bit for bit; and that
 * neither memory, workers nor neighbours change a bit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { differentiate, GraphBuilder, interpret, reduceSum } from '../../../src/graph/index.js';
import { type DeterministicRun, magic } from '../../../src/influence/magic/index.js';
import { findMethod } from '../../../src/influence/methods/index.js';
import type { ScoringOptions } from '../../../src/influence/pathScorer.js';
import {
  decoder,
  lenet,
  lossesOf,
  type Model,
  marginLosses,
  mlp,
  mlpRegressor,
  type Recipe,
  type Samples,
  selectSamples,
  train,
  trainMany,
  unpackParameters,
} from '../../../src/models/index.js';
import { inlinePool, localPool, type Pool } from '../../../src/work/index.js';
import { cloud } from '../../models/tiny.js';
import { float64Run } from './float64.js';

const ABOUT = { name: 'magic', scale: 'loss', additivity: 'relative' } as const;
const GELU: Recipe = {
  epochs: 4,
  batch: 4,
  optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0.01 },
  schedule: { name: 'constant', rate: 0.05 },
  dropout: 0,
};
const gelu = mlp([4, 6, 5, 3], { activation: 'gelu' });
const samples = cloud(11, 4, 3, 7);
const outputs = cloud(9, 4, 3, 8);

/** Tokens of which each is the one before plus a step. */
function texts(rows: number, context: number, vocabulary: number): Samples<Int32Array> {
  const random = new Random(4);
  const features = new Float32Array(rows * context);
  const targets = new Int32Array(rows * context);
  for (let row = 0; row < rows; row++) {
    let token = random.below(vocabulary);
    for (let t = 0; t < context; t++) {
      features[row * context + t] = token;
      token = (token + 1 + (row % 2)) % vocabulary;
      targets[row * context + t] = token;
    }
  }
  return { rows, width: context, features, targets };
}

const small = decoder({
  vocabulary: 5,
  context: 3,
  width: 4,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  hidden: 6,
  norm: 'layer',
  epsilon: 1e-5,
  positions: 'learned',
  feedForward: 'gelu',
  head: 'tied',
  biased: [],
});

async function trained(model: Model, recipe: Recipe, all: Samples, { seed = 3, rows = everyRow(all) } = {}) {
  const shared = { ...recipe, model: model.definition, features: all.features, targets: all.targets };
  const [{ states }] = await trainMany(shared, [{ rows, seed }]);
  return states[0].parameters;
}

function everyRow(all: Samples): Uint32Array {
  return Uint32Array.from({ length: all.rows }, (_, row) => row);
}

async function scoresOf(
  model: Model,
  all: Samples,
  run: DeterministicRun,
  asked: Samples,
  options: ScoringOptions = {},
): Promise<Float32Array> {
  const scorer = await magic(cpuEngine(), model, all, run, ABOUT, options);
  try {
    const { shape, data } = await scorer.score(asked, all);
    expect(shape).toEqual([asked.rows, all.rows]);
    return data;
  } finally {
    await scorer.dispose();
  }
}

function float64Gradient(model: Model, asked: Samples): (parameters: Float64Array) => Float64Array {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [asked.rows, ...model.inputShape]);
  const targets = g.input('targets', [asked.rows, ...model.targetShape]);
  const losses = model.losses(g, model.forward(g, unpackParameters(g, model, flat), x), targets);
  const graph = g.build({ gradient: differentiate(g, reduceSum(g, losses, [0]), [flat])[0] });
  return (parameters) => interpret(graph, { parameters, x: asked.features, targets: asked.targets }).gradient.data;
}

const outputAt = (all: Samples, row: number): Samples => selectSamples(all, [row]);
const relative = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const scale = Math.max(...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]))) / scale;
};

describe('the gradient through a training', () => {
  const sequences = texts(7, 3, 5);
  const adam: Recipe = {
    ...GELU,
    epochs: 3,
    optimiser: { name: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-3, weightDecay: 0.1 },
    schedule: { name: 'cosine', peak: 0.02, floor: 0.001, warmup: 2 },
    clip: 0.7,
  };
  const pictured = lenet({ channels: 1, height: 8, width: 8, classes: 3 });
  const pictures = cloud(4, 64, 3, 2);
  const numbers = { ...samples, targets: Float32Array.from({ length: 22 }, (_, i) => Math.sin(i)) };
  const cases: readonly (readonly [string, Model, Recipe, Samples, Samples])[] = [
    ['GELU, SGD with momentum and decay', gelu, GELU, samples, outputAt(outputs, 2)],
    ['the same with dropout', gelu, { ...GELU, dropout: 0.25 }, samples, outputAt(outputs, 0)],
    ['ReLU', mlp([4, 6, 5, 3]), GELU, samples, outputAt(outputs, 2)],
    ['AdamW, cosine rates, clipping', gelu, adam, samples, outputAt(outputs, 1)],
    ['a decoder', small, { ...GELU, epochs: 3 }, sequences, outputAt(texts(8, 3, 5), 7)],
    ['a decoder with AdamW and dropout', small, { ...adam, dropout: 0.1 }, sequences, outputAt(texts(8, 3, 5), 7)],
    ['a convolutional net', pictured, { ...GELU, batch: 2, epochs: 2 }, pictures, outputAt(pictures, 3)],
    [
      'a regression',
      mlpRegressor([4, 5, 2]),
      { ...GELU, schedule: { name: 'constant', rate: 0.01 } },
      numbers,
      { ...outputAt(outputs, 3), targets: Float32Array.of(0.3, -1) },
    ],
  ];

  it.each(cases)('is the finite difference of the whole training: %s', async (_, model, recipe, all, output) => {
    const seed = 3;
    // one row is left out, and the last batch is not full
    const rows = everyRow(all).slice(1);
    const exact = float64Run({ model, recipe, seed, samples: all, rows });
    const ones = new Float64Array(all.rows).fill(1);
    const differences = ones.map((_, row) => {
      const moved = (by: number): number => exact.loss(ones.with(row, 1 + by), output);
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    });
    expect(differences[0]).toBe(0);
    expect(Math.max(...differences.map(Math.abs))).toBeGreaterThan(1e-5);
    expect(relative(exact.gradient(ones, float64Gradient(model, output)), differences)).toBeLessThan(1e-5);
    const parameters = await trained(model, recipe, all, { seed, rows });
    expect(relative(parameters, exact.trained(ones))).toBeLessThan(1e-4);
    const scores = await scoresOf(model, all, { recipe, seed, rows, trained: parameters }, output);
    expect(
      relative(
        scores.map((score) => -score),
        differences,
      ),
    ).toBeLessThan(2e-3);
  });

  it('is taken at the weights of the run, which need not be 1', async () => {
    const sampleWeights = Float32Array.from({ length: 11 }, (_, row) => (row % 3) / 2);
    const exact = float64Run({ model: gelu, recipe: GELU, seed: 3, samples, rows: everyRow(samples) });
    const differences = Float64Array.from(sampleWeights, (weight, row) => {
      const moved = (by: number) =>
        exact.loss(Float64Array.from(sampleWeights).with(row, weight + by), outputAt(outputs, 2));
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    });
    const scores = await scoresOf(gelu, samples, { recipe: GELU, seed: 3, sampleWeights }, outputAt(outputs, 2));
    expect(
      relative(
        scores.map((score) => -score),
        differences,
      ),
    ).toBeLessThan(2e-3);
  });

  it('predicts, to first order, what a retraining without the sample loses: positive = it helped', async () => {
    const recipe: Recipe = {
      ...GELU,
      optimiser: { name: 'sgd', momentum: 0.5, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.003 },
    };
    const many = cloud(60, 4, 3, 9);
    const scores = await scoresOf(gelu, many, { recipe, seed: 3 }, outputs);
    const shared = {
      ...recipe,
      model: gelu.definition,
      features: many.features,
      targets: many.targets,
      queries: outputs,
    };
    const rows = everyRow(many);
    const without = (row: number) => ({
      rows,
      seed: 3,
      sampleWeights: new Float32Array(60).fill(1).fill(0, row, row + 1),
    });
    const [whole, ...left] = await trainMany(shared, [{ rows, seed: 3 }, ...Array.from(rows.subarray(0, 20), without)]);
    for (let q = 0; q < outputs.rows; q++) {
      const rise = left.map(({ queryLosses }) => queryLosses[q] - whole.queryLosses[q]);
      expect(relative(scores.subarray(q * 60, q * 60 + 20), rise)).toBeLessThan(0.1);
    }
  });

  it('explains another scalar of the output, and an earlier state of the run', async () => {
    const keep = [8];
    const shared = { ...GELU, model: gelu.definition, features: samples.features, targets: samples.targets, keep };
    const [{ states }] = await trainMany(shared, [{ rows: everyRow(samples), seed: 3 }]);
    const run = { recipe: GELU, seed: 3, steps: 8, trained: states[0].parameters };
    const scores = await scoresOf(gelu, samples, run, outputAt(outputs, 2), { target: marginLosses });
    const at = async (weights: Float32Array): Promise<number> => {
      const [given] = await trainMany(shared, [{ rows: everyRow(samples), seed: 3, sampleWeights: weights }]);
      return (await lossesOf(cpuEngine(), gelu, given.states[0].parameters, outputAt(outputs, 2), marginLosses))[0];
    };
    for (const row of [0, 4, 10]) {
      const moved = (by: number) => at(new Float32Array(11).fill(1).fill(1 + by, row, row + 1));
      const difference = ((await moved(0.03)) - (await moved(-0.03))) / 0.06;
      expect(scores[row]).toBeCloseTo(-difference, 3);
    }
  });
});

describe('what changes no bit', () => {
  const recipe = { ...GELU, dropout: 0.25 };
  const run: DeterministicRun = { recipe, seed: 3 };
  const nine = scoresOf(gelu, samples, run, outputs);

  it('memory: with few states steps are computed again', async () => {
    // a state is twice the parameters in four bytes each; half of the memory holds states, twelve of which are no stored ones
    for (const stored of [4, 5, 8, 20]) {
      const where = inlinePool({ memoryBytes: 2 * (stored + 12) * 8 * gelu.parameterCount });
      expect(await scoresOf(gelu, samples, run, outputs, { where })).toEqual(await nine);
      await where.close();
    }
    const where = inlinePool({ memoryBytes: 2 * 15 * 8 * gelu.parameterCount });
    await expect(scoresOf(gelu, samples, run, outputs, { where })).rejects.toThrow(
      /12 steps on 11 rows needs 16 states/,
    );
    await where.close();
  });

  it('workers, and the outputs beside one', async () => {
    const where = localPool({ workers: 2 });
    try {
      expect(await scoresOf(gelu, samples, run, outputs, { where })).toEqual(await nine);
    } finally {
      await where.close();
    }
    const alone = await scoresOf(gelu, samples, run, outputAt(outputs, 8));
    expect(alone).toEqual((await nine).subarray(8 * 11, 9 * 11));
    const reversed = selectSamples(outputs, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect((await scoresOf(gelu, samples, run, reversed)).subarray(0, 11)).toEqual(alone);
  });

  it('an interruption: what is finished is found again', async () => {
    const store = mkdtempSync(join(tmpdir(), 'meed-magic-'));
    try {
      const stop = new AbortController();
      const progress = (done: number): void => {
        if (done >= 1) stop.abort();
      };
      const interrupted = scoresOf(gelu, samples, run, outputs, { store, progress, signal: stop.signal });
      await expect(interrupted).rejects.toThrow(/1 of 2 done\) was cancelled/);
      const notices: string[] = [];
      const notice = (sentence: string) => void notices.push(sentence);
      expect(await scoresOf(gelu, samples, run, outputs, { store, notice })).toEqual(await nine);
      expect(notices[0]).toMatch(/1 of 2 jobs were found finished/);
    } finally {
      rmSync(store, { recursive: true });
    }
  });

  it('which samples are asked for: each has its place in the training', async () => {
    const scorer = await magic(cpuEngine(), gelu, samples, run, ABOUT);
    const some = await scorer.score(outputs, selectSamples(samples, [7, 2]));
    const whole = await nine;
    for (let q = 0; q < 9; q++) {
      expect([...some.data.subarray(2 * q, 2 * q + 2)]).toEqual([whole[11 * q + 7], whole[11 * q + 2]]);
    }
    await expect(scorer.score(outputs, outputs)).rejects.toThrow(/Sample 0 is none of the 11/);
    await scorer.dispose();
  });

  it('a group of outputs is the sum of its members, at any weights', async () => {
    const scorer = await magic(cpuEngine(), gelu, samples, run, ABOUT);
    const weights = Float32Array.from(outputs.targets, (_, q) => (q - 3) / 4);
    const { shape, data } = await scorer.scoreSum(outputs, samples, weights);
    expect(shape).toEqual([1, 11]);
    const whole = await nine;
    const sum = Array.from(data, (_, i) => weights.reduce((total, w, q) => total + w * whole[11 * q + i], 0));
    expect(relative(data, sum)).toBeLessThan(1e-4);
    const plain = (await scorer.scoreSum(selectSamples(outputs, [4]), samples)).data;
    expect(plain).toEqual(whole.subarray(4 * 11, 5 * 11));
    await expect(scorer.scoreSum(outputs, samples, Float32Array.of(1))).rejects.toThrow(/1 weights were given/);
    await scorer.dispose();
  });
});

describe('what is refused, and what is not', () => {
  it('a run that is not the one that was trained', async () => {
    const parameters = await trained(gelu, GELU, samples);
    const other = scoresOf(gelu, samples, { recipe: GELU, seed: 4, trained: parameters }, outputs);
    await expect(other).rejects.toThrow(/seed 4 ends after 12 steps with the weight/);
    const rows = Uint32Array.of(0, 99);
    await expect(scoresOf(gelu, samples, { recipe: GELU, seed: 3, rows }, outputs)).rejects.toThrow(
      /row 99, there are 11/,
    );
    await expect(scoresOf(gelu, samples, { recipe: GELU, seed: 3, steps: 13 }, outputs)).rejects.toThrow(
      /step 13 of a run of 12/,
    );
    const sampleWeights = new Float32Array(11).fill(Number.NaN);
    await expect(scoresOf(gelu, samples, { recipe: GELU, seed: 3, sampleWeights }, outputs)).rejects.toThrow(
      /11 sample weights/,
    );
  });

  it('what a worker gives that is no block of gradients', async () => {
    for (const [given, got] of [
      [{ gradients: new Float32Array(7) }, '7 gradients'],
      [{ gradients: 'many' }, 'no gradients'],
      [null, 'no gradients'],
    ] as const) {
      const where: Pool = { name: 'a liar', slots: 1, run: async () => given, close: async () => {} };
      const lied = scoresOf(gelu, samples, { recipe: GELU, seed: 3 }, outputAt(outputs, 0), { where });
      await expect(lied).rejects.toThrow(`A block of 11 gradients was asked for, a worker gave ${got}`);
    }
  });

  it('a target that the model does not know', async () => {
    const stray = { ...outputs, targets: outputs.targets.with(3, 3) };
    await expect(scoresOf(gelu, samples, { recipe: GELU, seed: 3 }, stray)).rejects.toThrow(
      /Sample 3 has the target 3/,
    );
  });

  it('a training that diverges has no gradient, and says so', async () => {
    const wild: Recipe = { ...GELU, epochs: 30, schedule: { name: 'constant', rate: 40 } };
    await expect(scoresOf(gelu, samples, { recipe: wild, seed: 3 }, outputs)).rejects.toThrow(
      /not finite|training loss is/,
    );
  });

  it('duplicated rows have a score for each place, a constant feature and a class of one sample are no trouble', async () => {
    const features = samples.features.slice();
    features.copyWithin(4, 0, 4);
    for (let row = 0; row < 11; row++) features[row * 4 + 3] = 1;
    const targets = Int32Array.from({ length: 11 }, (_, row) => (row === 5 ? 2 : row === 0 ? 1 : (row - 1) % 2));
    const twice = { rows: 11, width: 4, features, targets: targets.with(1, targets[0]) };
    const scores = await scoresOf(gelu, twice, { recipe: GELU, seed: 3 }, outputs);
    expect(scores.every(Number.isFinite)).toBe(true);
    const scorer = await magic(cpuEngine(), gelu, twice, { recipe: GELU, seed: 3 }, ABOUT);
    await expect(scorer.score(outputs, outputAt(twice, 1))).rejects.toThrow(/Sample 0 stands several times/);
    await scorer.dispose();
  });

  it('samples that are fitted perfectly have finite scores, and a sample of which nothing depends has 0', async () => {
    const easy = { ...samples, features: samples.features.map((x) => 1e3 * x) };
    const recipe: Recipe = {
      ...GELU,
      epochs: 2,
      optimiser: { name: 'sgd', momentum: 0, weightDecay: 0 },
      schedule: { name: 'constant', rate: 1e-7 },
    };
    const lost = await lossesOf(cpuEngine(), gelu, await trained(gelu, recipe, easy), easy);
    const fitted = lost.indexOf(0);
    expect(fitted).toBeGreaterThanOrEqual(0);
    const scores = await scoresOf(gelu, easy, { recipe, seed: 3 }, easy);
    expect(scores.every(Number.isFinite)).toBe(true);
    expect([...scores.subarray(fitted * 11, (fitted + 1) * 11)]).toEqual(new Array(11).fill(0));
  });
});

describe('the method', () => {
  const method = findMethod('magic');

  it('explains the last state of the first run, or that of an epoch', async () => {
    const shared = { ...GELU, model: gelu.definition, features: samples.features, targets: samples.targets };
    const [{ states }] = await trainMany({ ...shared, keep: [6, 12] }, [{ rows: everyRow(samples), seed: 3 }]);
    const engine = cpuEngine();
    const attribution = { engine, model: gelu, samples, runs: [{ states, recipe: GELU, seed: 3 }], seed: 0 } as const;
    for (const [epoch, steps] of [
      ['last', 12],
      [2, 6],
    ] as const) {
      const scorer = await method.open(attribution, { epoch });
      expect((await scorer.score(outputs, samples)).data).toEqual(
        await scoresOf(gelu, samples, { recipe: GELU, seed: 3, steps }, outputs),
      );
      await scorer.dispose();
    }
    // the other way to train takes the same steps
    const options = { epochs: 4, batch: 4, learningRate: 0.05, momentum: 0.9, seed: 3 };
    const run = await train(engine, gelu, samples, options);
    const plain: Recipe = { ...GELU, optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 } };
    const other = { ...attribution, runs: [{ states: run.states, recipe: plain, seed: 3 }] } as const;
    const scorer = await method.open(other, method.defaults);
    expect((await scorer.score(outputs, samples)).data).toEqual(
      await scoresOf(gelu, samples, { recipe: plain, seed: 3 }, outputs),
    );
    await scorer.dispose();
    const unseeded = { ...attribution, runs: [{ states, recipe: GELU }] } as const;
    await expect(method.open(unseeded, method.defaults)).rejects.toThrow(/no seed/);
  });
});
