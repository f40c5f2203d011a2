/** SOURCE against its formula on dense matrices in float64, and against trainings without a sample. */
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../../src/engine/index.js';
import { type Attribution, sourceMethod, type TrainedRun } from '../../../src/influence/index.js';
import { openTargetSampler } from '../../../src/influence/kronecker/index.js';
import { segmentsOf } from '../../../src/influence/methods/segments.js';
import { mlpRegressor, type Recipe, type Samples, selectSamples, trainMany } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, relativeError, times } from '../dense/dense.js';
import { jacobiEigen } from '../dense/jacobi.js';
import { denseCurvature } from './denseCurvature.js';
import {
  flat,
  outputs,
  perceptron,
  perceptronLayers,
  RECIPE,
  samples,
  scoreOf,
  sequences,
  tinyDecoder,
  weightsOf,
} from './subjects.js';

const engine = cpuEngine();
const SETTINGS = { segments: 2, fisher: 'sampled' };

/** States of steps 0 to 12, which need not be of any training; at none is a sample without an active unit, so that factors show in gradients. */
const run: TrainedRun = {
  states: [0, 3, 6, 9, 12].map((step) => ({ step, parameters: weightsOf(perceptron, step + 3) })),
  recipe: RECIPE,
};
const attribution: Attribution = { engine, model: perceptron, samples, runs: [run], seed: 7 };
/** 12 steps of .05 at a terminal velocity of 10. */
const MASS = 6 * 0.05 * 10;

/** f of a symmetric matrix. */
function functionOf(matrix: readonly Float64Array[], f: (x: number) => number): Float64Array[] {
  const { values, vectors } = jacobiEigen(matrix);
  return matrix.map((_, i) =>
    Float64Array.from(matrix, (_x, j) => {
      let sum = 0;
      for (const [k, value] of values.entries()) sum += vectors[i][k] * vectors[j][k] * f(value);
      return sum;
    }),
  );
}

async function exactScores(): Promise<Float64Array> {
  const sampler = await openTargetSampler(engine, perceptron, 'sampled', 7);
  const rows = Array.from({ length: samples.rows }, (_, i) => i);
  const layersAt = (parameters: ArrayLike<number>, set: Samples) =>
    rows.slice(0, set.rows).map((row) => perceptronLayers(perceptron, parameters, set, row));
  const segments = [run.states.slice(1, 3), run.states.slice(3)];
  const last = layersAt(run.states[4].parameters, outputs);
  const scores = new Float64Array(outputs.rows * samples.rows);
  for (const l of last[0].keys()) {
    let vectors = last.map((layers) => flat(layers[l]));
    for (const states of segments.toReversed()) {
      const drawn = [];
      for (const [draw, { parameters }] of states.entries()) {
        const labelled = await sampler.sample(parameters, samples, rows, draw);
        drawn.push(...layersAt(parameters, labelled).map((layers) => layers[l]));
      }
      const curvature = denseCurvature(drawn, 'ekfac');
      const gained = functionOf(curvature, (x) => (Math.abs(x) < 1e-12 ? MASS : (1 - Math.exp(-MASS * x)) / x));
      for (const { parameters } of states) {
        for (const [i, layers] of layersAt(parameters, samples).entries()) {
          const pushed = times(gained, flat(layers[l]));
          for (const [q, v] of vectors.entries())
            scores[q * samples.rows + i] += dot(v, pushed) / (samples.rows * states.length);
        }
      }
      const kept = functionOf(curvature, (x) => Math.exp(-MASS * x));
      vectors = vectors.map((v) => times(kept, v));
    }
  }
  await sampler.dispose();
  return scores;
}

describe('source', () => {
  it('equals its formula on dense matrices in float64 to 1e-3 of the largest score', async () => {
    const found = await scoreOf(sourceMethod, attribution, SETTINGS, outputs);
    expect(relativeError(found.data, await exactScores())).toBeLessThan(1e-3);
  });

  it('predicts what training without one sample changes, sign and size, where curvature is constant', async () => {
    const model = mlpRegressor([3, 1]);
    const set = cloud(40, 3, 2, 3);
    const numbers: Samples = {
      ...set,
      targets: Float32Array.from({ length: 40 }, (_, i) => Math.sin(i) + set.features[3 * i]),
    };
    const recipe: Recipe = {
      ...RECIPE,
      epochs: 24,
      batch: 40,
      optimiser: { name: 'sgd', momentum: 0, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.03 },
    };
    const asked = selectSamples(numbers, [0, 7, 20]);
    const keep = Array.from({ length: 25 }, (_, step) => step);
    const shared = { ...recipe, model: model.definition, ...numbers, queries: asked, keep };
    const rows = Uint32Array.from({ length: 40 }, (_, i) => i);
    const without = [3, 9, 14, 21, 30, 38];
    const trained = await trainMany(shared, [
      { rows, seed: 1 },
      ...without.map((left) => ({ rows, seed: 1, sampleWeights: Float32Array.from(rows, (i) => Number(i !== left)) })),
    ]);
    const states = trained[0].states;
    const found = await scoreOf(
      sourceMethod,
      { engine, model, samples: numbers, runs: [{ states, recipe, seed: 1 }], seed: 7 },
      { segments: 6, fisher: 'sampled' },
      asked,
    );
    const pairs = without.flatMap((left, k) =>
      [0, 1, 2].map((q) => ({
        measured: trained[k + 1].queryLosses[q] - trained[0].queryLosses[q],
        predicted: found.data[q * 40 + left],
      })),
    );
    const [measured, predicted] = [pairs.map((p) => p.measured), pairs.map((p) => p.predicted)];
    const cosine = dot(measured, predicted) / Math.sqrt(dot(measured, measured) * dot(predicted, predicted));
    expect(cosine).toBeGreaterThan(0.97);
    const slope = dot(measured, predicted) / dot(predicted, predicted);
    expect(slope).toBeGreaterThan(0.8);
    expect(slope).toBeLessThan(1.25);
  });

  it('averages over an ensemble, gives the same bits for a row whatever is asked with it', async () => {
    const other: TrainedRun = {
      ...run,
      rows: Uint32Array.from({ length: 23 }, (_, i) => i),
      states: run.states.map(({ step }) => ({ step, parameters: weightsOf(perceptron, step + 30) })),
    };
    const scores = async (...runs: [TrainedRun, ...TrainedRun[]]) =>
      (await scoreOf(sourceMethod, { ...attribution, runs }, SETTINGS, outputs)).data;
    const [both, first, second] = [await scores(run, other), await scores(run), await scores(other)];
    const mean = first.map((x, i) => (x + second[i]) / 2);
    expect(relativeError(both, mean)).toBeLessThan(1e-5);
    const rows = selectSamples(samples, [20, 5]);
    const part = await scoreOf(sourceMethod, attribution, SETTINGS, selectSamples(outputs, [4, 1]), rows);
    expect([...part.data]).toEqual([4, 1].flatMap((q) => [20, 5].map((i) => first[q * samples.rows + i])));
  });

  it('takes sequences', async () => {
    const model = tinyDecoder('tied');
    const states = [0, 2, 4].map((step) => ({ step, parameters: weightsOf(model, step) }));
    const sequence: Attribution = {
      engine,
      model,
      samples: sequences(9, 3),
      runs: [{ states, recipe: RECIPE }],
      seed: 1,
    };
    const found = await scoreOf(sourceMethod, sequence, SETTINGS, sequences(2, 4));
    expect(found.data.every(Number.isFinite) && found.data.some((x) => x !== 0)).toBe(true);
  });

  it('refuses runs that it cannot unroll', async () => {
    const open = (changed: Partial<TrainedRun>, settings = SETTINGS) =>
      scoreOf(sourceMethod, { ...attribution, runs: [{ ...run, ...changed }] }, settings, outputs);
    await expect(open({}, { ...SETTINGS, segments: 5 })).rejects.toThrow(/Segment 1 of 5.*has no state/s);
    await expect(open({ states: run.states.slice(0, 1) })).rejects.toThrow(/last state is of step 0/);
    await expect(open({ recipe: { ...RECIPE, epochs: 1 } })).rejects.toThrow(/step 12, its recipe has 6 steps/);
    const adam = { name: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 } as const;
    const recipe: Recipe = { ...RECIPE, optimiser: adam };
    await expect(open({ recipe })).rejects.toThrow(/source follows SGD.*adamw/);
    await expect(open({ recipe: { ...RECIPE, clip: 1 } })).rejects.toThrow(/clipped its gradients to the norm 1/);
  });
});

describe('segments', () => {
  it('have the learning mass of their steps, which add up to the whole', () => {
    const recipe: Recipe = {
      ...RECIPE,
      schedule: { name: 'cosine', peak: 0.1, floor: 0, warmup: 2 },
      optimiser: { name: 'sgd', momentum: 0.5, weightDecay: 0.01 },
    };
    const whole = segmentsOf({ ...run, recipe }, 1, samples.rows);
    const parts = segmentsOf({ ...run, recipe }, 4, samples.rows);
    expect(parts.map(({ states }) => states.length)).toEqual([1, 1, 1, 1]);
    expect(parts.reduce((sum, { mass }) => sum + mass, 0)).toBeCloseTo(whole[0].mass, 12);
    expect(parts[3].mass).toBeLessThan(parts[1].mass);
    expect(parts[0].decay).toBe(0.01);
  });
});
