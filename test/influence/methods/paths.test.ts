/** Grad-cosine, TracIn and in-run against gradients in float64, and what they refuse. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Attribution, gradCosine, gradDotMethod, inRunMethod, tracIn } from '../../../src/influence/index.js';
import { marginLosses, mlp, type Recipe } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, attributionOf, RECIPE, scoresOf } from '../dense/attribution.js';
import { dot, exactGradient, exactGradients, relativeError } from '../dense/dense.js';
import { degenerateAnswers, expectIndependence, expectMeanOverRuns } from './properties.js';

const model = mlp([4, 6, 3]);
const samples = cloud(21, 4, 3, 2);
const outputs = cloud(6, 4, 3, 9);
const MOMENTUM: Recipe = {
  ...RECIPE,
  optimiser: { name: 'sgd', momentum: 0.6, weightDecay: 0.01 },
  schedule: { name: 'cosine', peak: 0.1, floor: 0.01, warmup: 2 },
};

let attribution: Attribution;
beforeAll(async () => {
  attribution = await attributionOf(model, samples, { recipe: MOMENTUM, seeds: [1, 2] });
});

/** Σ_c w_c ⟨∇_q, ∇_i⟩ at the states of the first run. */
function along(weights: readonly number[], states: readonly { readonly parameters: Float32Array }[]): number[] {
  const total = new Array<number>(outputs.rows * samples.rows).fill(0);
  for (const [c, { parameters }] of states.entries()) {
    const left = exactGradients(model, parameters, outputs);
    const right = exactGradients(model, parameters, samples);
    for (const [q, a] of left.entries())
      for (const [i, b] of right.entries()) total[q * samples.rows + i] += weights[c] * dot(a, b);
  }
  return total;
}

const first = (): Attribution => ({ ...attribution, runs: [attribution.runs[0]] });

describe('grad-cosine', () => {
  it('is the cosine of gradients in float64, for another target too', async () => {
    const { parameters } = attribution.runs[0].states[3];
    for (const target of [undefined, marginLosses]) {
      const scores = await scoresOf(gradCosine, first(), outputs, {}, samples, target && { target });
      const left = exactGradients(model, parameters, outputs, target);
      const right = exactGradients(model, parameters, samples);
      const exact = left.flatMap((a) => right.map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))));
      expect(relativeError(scores.data, exact)).toBeLessThan(1e-5);
    }
  });

  it('of a sample with itself is 1, and of a sample without a gradient 0', async () => {
    const own = await scoresOf(gradCosine, first(), samples);
    for (let i = 0; i < samples.rows; i++) expect(own.data[i * samples.rows + i]).toBeCloseTo(1, 5);
    const sure = mlp([4, 3]);
    const weights = Float32Array.from({ length: 15 }, (_, p) => (p >= 12 ? (p === 13 ? 500 : -500) : 0));
    const fitted = { ...samples, targets: samples.targets.map((_, i) => (i === 4 ? 0 : 1)) };
    const scores = await scoresOf(gradCosine, attributionAt(sure, fitted, [weights]), outputs);
    for (let q = 0; q < outputs.rows; q++) expect(scores.data[q * samples.rows]).toBe(0);
    expect(scores.data.every(Number.isFinite)).toBe(true);
  });

  it('does not depend on its neighbours, and averages over runs', async () => {
    await expectIndependence(gradCosine, first(), outputs);
    await expectMeanOverRuns(gradCosine, attribution, outputs);
    expect(await degenerateAnswers(gradCosine)).toEqual([]);
  });
});

describe('grad-dot', () => {
  it('does not depend on its neighbours, averages over runs, and is finite', async () => {
    await expectIndependence(gradDotMethod, first(), outputs);
    await expectMeanOverRuns(gradDotMethod, attribution, outputs);
    expect(await degenerateAnswers(gradDotMethod)).toEqual([]);
  });
});

describe('tracin', () => {
  it('weighs each checkpoint by the step size that led to it', async () => {
    const { states } = attribution.runs[0];
    // 21 rows in batches of 8: 3 steps an epoch, 9 in all, of which 2 warm up
    const rate = (step: number): number =>
      step < 2 ? (0.1 * (step + 1)) / 2 : 0.01 + (0.09 * (1 + Math.cos((Math.PI * (step - 2)) / 6))) / 2;
    const all = await scoresOf(tracIn, first(), outputs);
    const ends = states.filter(({ step }) => step > 0);
    expect(ends.map(({ step }) => step)).toEqual([3, 6, 9]);
    expect(relativeError(all.data, along([rate(2), rate(5), rate(8)], ends))).toBeLessThan(1e-5);
    const chosen = await scoresOf(tracIn, first(), outputs, { epochs: '0, 2' });
    expect(relativeError(chosen.data, along([rate(0), rate(5)], [states[0], states[2]]))).toBeLessThan(1e-5);
    const one = await scoresOf(tracIn, first(), outputs, { epochs: 2 });
    expect(relativeError(one.data, along([rate(5)], [states[2]]))).toBeLessThan(1e-5);
  });

  it('refuses what is no epoch, or has no state', async () => {
    await expect(scoresOf(tracIn, first(), outputs, { epochs: '1,x' })).rejects.toThrow(/"x" is no epoch/);
    await expect(scoresOf(tracIn, first(), outputs, { epochs: '1,' })).rejects.toThrow(/"" is no epoch/);
    await expect(scoresOf(tracIn, first(), outputs, { epochs: '9' })).rejects.toThrow(/no state of epoch 9/);
    const lone = { ...attribution.runs[0], states: attribution.runs[0].states.slice(0, 1) };
    await expect(scoresOf(tracIn, { ...attribution, runs: [lone] }, outputs)).rejects.toThrow(/no state at the end/);
  });

  it('does not depend on its neighbours, and averages over runs', async () => {
    await expectIndependence(tracIn, first(), outputs);
    await expectMeanOverRuns(tracIn, attribution, outputs);
    expect(await degenerateAnswers(tracIn, { epochs: '0' })).toEqual([]);
  });
});

describe('in-run', () => {
  it('weighs states by what a constant gradient would have moved, momentum and schedule included', async () => {
    const { states } = attribution.runs[0];
    const travelled = [0];
    let [velocity, position] = [0, 0];
    for (let step = 0; step < 9; step++) {
      const rate = step < 2 ? (0.1 * (step + 1)) / 2 : 0.01 + (0.09 * (1 + Math.cos((Math.PI * (step - 2)) / 6))) / 2;
      velocity = 0.6 * velocity + 1;
      position += rate * velocity;
      travelled.push(position);
    }
    const weights = states.map(({ step }) => {
      const [before, after] = [Math.max(0, step - 3), Math.min(9, step + 3)];
      return (travelled[after] - travelled[before]) / 2 / samples.rows;
    });
    const scores = await scoresOf(inRunMethod, first(), outputs);
    expect(relativeError(scores.data, along(weights, states))).toBeLessThan(1e-5);
  });

  it('adds up to what training changed: SGD with momentum and a schedule, dense states, small steps', async () => {
    const convex = mlp([4, 3]);
    const recipe: Recipe = {
      ...RECIPE,
      epochs: 120,
      batch: 21,
      optimiser: { name: 'sgd', momentum: 0.5, weightDecay: 0 },
      schedule: { name: 'cosine', peak: 0.01, floor: 0, warmup: 5 },
    };
    const epochs = Array.from({ length: 121 }, (_, epoch) => epoch);
    const trained = await attributionOf(convex, samples, { recipe, epochs });
    const scores = await scoresOf(inRunMethod, trained, outputs);
    const { states } = trained.runs[0];
    for (let q = 0; q < outputs.rows; q++) {
      const loss = (at: number): number => exactGradient(convex, states[at].parameters, outputs, q).loss;
      const fall = loss(0) - loss(120);
      const owed = scores.data.subarray(q * samples.rows, (q + 1) * samples.rows).reduce((a, b) => a + b, 0);
      expect(Math.abs(fall)).toBeGreaterThan(0.01);
      expect(Math.abs(owed / fall - 1)).toBeLessThan(0.04);
    }
  });

  it('refuses AdamW, clipping and runs without their beginning', async () => {
    const [run] = attribution.runs;
    const withRecipe = (recipe: Recipe): Attribution => ({ ...attribution, runs: [{ ...run, recipe }] });
    const adamw = { name: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 } as const;
    await expect(scoresOf(inRunMethod, withRecipe({ ...MOMENTUM, optimiser: adamw }), outputs)).rejects.toThrow(
      /trained with adamw/,
    );
    await expect(scoresOf(inRunMethod, withRecipe({ ...MOMENTUM, clip: 1 }), outputs)).rejects.toThrow(/norm 1/);
    const late = { ...run, states: run.states.slice(1) };
    await expect(scoresOf(inRunMethod, { ...attribution, runs: [late] }, outputs)).rejects.toThrow(/those of 3, 6, 9/);
  });

  it('does not depend on its neighbours, and averages over runs', async () => {
    await expectIndependence(inRunMethod, first(), outputs);
    await expectMeanOverRuns(inRunMethod, attribution, outputs);
  });
});
