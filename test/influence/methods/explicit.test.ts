/** Influence functions against dense matrices in float64, and against what leaving samples out really changes. */
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { denseCurvature } from '../../../src/influence/curvature/denseCurvature.js';
import { linearDesign } from '../../../src/influence/curvature/linearDesign.js';
import { explicitInfluence } from '../../../src/influence/index.js';
import { unwatched } from '../../../src/influence/watch.js';
import { marginLosses, mlp, type Samples, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, RECIPE, scoresOf } from '../dense/attribution.js';
import { dot, exactFisher, exactGradients, exactHessian, relativeError, solveDense } from '../dense/dense.js';
import { lossAt, optimum } from '../dense/logistic.js';
import { degenerateAnswers, expectIndependence, expectMeanOverRuns } from './properties.js';

const engine = cpuEngine();
const linear = mlp([4, 3]);
const net = mlp([4, 5, 3], { activation: 'gelu' });
const samples = cloud(24, 4, 3, 2);
const outputs = cloud(5, 4, 3, 9);
const weightsOf = (model: typeof net, seed: number): Float32Array => {
  const random = new Random(seed);
  return model.initialise(random).map((w) => w + 0.2 * random.normal());
};

function exactScores(
  model: typeof net,
  flat: Float32Array,
  matrix: readonly Float64Array[],
  damping: number,
  target?: typeof marginLosses,
): number[] {
  const right = exactGradients(model, flat, samples);
  return exactGradients(model, flat, outputs, target).flatMap((g) => {
    const solved = solveDense(matrix, damping, g);
    return right.map((b) => dot(solved, b) / samples.rows);
  });
}

describe('the dense curvature', () => {
  it('of a linear classifier is the Hessian by finite differences, and the design is told from its gradients', async () => {
    const flat = weightsOf(linear, 1);
    expect(await linearDesign(engine, linear, flat, samples)).toMatchObject({ columns: 5 });
    const found = await denseCurvature(engine, linear, flat, samples, 'hessian', unwatched);
    const exact = exactHessian(linear, flat, samples).flatMap((row) => [...row]);
    expect(relativeError(found.data, exact)).toBeLessThan(1e-6);
  });

  it('of other nets is made of products: the Hessian, or Gauss–Newton', async () => {
    const flat = weightsOf(net, 1);
    expect(await linearDesign(engine, net, flat, samples)).toBeUndefined();
    const hessian = await denseCurvature(engine, net, flat, samples, 'hessian', unwatched);
    const gaussNewton = await denseCurvature(engine, net, flat, samples, 'gauss-newton', unwatched);
    const flatten = (rows: Float64Array[]): number[] => rows.flatMap((row) => [...row]);
    expect(relativeError(hessian.data, flatten(exactHessian(net, flat, samples)))).toBeLessThan(1e-5);
    expect(relativeError(gaussNewton.data, flatten(exactFisher(net, flat, samples)))).toBeLessThan(1e-5);
  });

  it('is not taken for linear where a hidden layer stands before an identity', async () => {
    // no activation can be left out of an MLP, but rectified inputs above 0 pass unchanged
    const deep = mlp([4, 3, 3]);
    const identity = Float32Array.from({ length: 27 }, (_, p) => (p >= 15 && (p - 15) % 4 === 0 && p < 24 ? 1 : 0));
    for (let p = 0; p < 15; p++) identity[p] = p < 12 ? 0.1 * Math.sin(p) : 50;
    expect(await linearDesign(engine, deep, identity, samples)).toBeUndefined();
  });

  it('leaves samples without a target out, as their loss is', async () => {
    const flat = weightsOf(linear, 1);
    const some = { ...samples, targets: samples.targets.map((c, i) => (i % 3 === 0 ? -1 : c)) };
    const found = await denseCurvature(engine, linear, flat, some, 'hessian', unwatched);
    const exact = exactHessian(linear, flat, some).flatMap((row) => [...row]);
    expect(relativeError(found.data, exact)).toBeLessThan(1e-6);
  });
});

describe('explicit influence', () => {
  it.each([0.5, 0.01])('with damping %d is that of dense matrices in float64', async (damping) => {
    const flat = weightsOf(linear, 1);
    const decayed = { ...RECIPE, optimiser: { name: 'sgd', momentum: 0, weightDecay: 0.05 } } as const;
    const matrix = exactHessian(linear, flat, samples);
    for (const [recipe, ridge] of [
      [RECIPE, 0],
      [decayed, 0.05],
    ] as const) {
      const scores = await scoresOf(explicitInfluence, attributionAt(linear, samples, [flat], recipe), outputs, {
        damping,
      });
      expect(relativeError(scores.data, exactScores(linear, flat, matrix, damping + ridge))).toBeLessThan(1e-4);
    }
    const at = attributionAt(linear, samples, [flat]);
    const margin = await scoresOf(explicitInfluence, at, outputs, { damping }, samples, { target: marginLosses });
    expect(relativeError(margin.data, exactScores(linear, flat, matrix, damping, marginLosses))).toBeLessThan(1e-4);
  });

  it('of a net takes Gauss–Newton, or the Hessian, which it refuses where it is indefinite', async () => {
    const flat = weightsOf(net, 1);
    const at = attributionAt(net, samples, [flat]);
    const scores = await scoresOf(explicitInfluence, at, outputs, { damping: 0.05 });
    expect(relativeError(scores.data, exactScores(net, flat, exactFisher(net, flat, samples), 0.05))).toBeLessThan(
      1e-4,
    );
    const hessian = await scoresOf(explicitInfluence, at, outputs, { damping: 5, curvature: 'hessian' });
    expect(relativeError(hessian.data, exactScores(net, flat, exactHessian(net, flat, samples), 5))).toBeLessThan(1e-4);
    await expect(scoresOf(explicitInfluence, at, outputs, { damping: 1e-9, curvature: 'hessian' })).rejects.toThrow(
      /not positive definite/,
    );
  });

  it('gives the same over a whole grid at once', async () => {
    const at = attributionAt(linear, samples, [weightsOf(linear, 1), weightsOf(linear, 2)]);
    const settings = [0.5, 0.01, 0.1].map((damping) => ({ ...explicitInfluence.defaults, damping }));
    const swept: Float32Array[] = [];
    for await (const { data } of explicitInfluence.sweep?.(at, settings, outputs) ?? []) swept.push(data);
    expect(swept.length).toBe(3);
    for (const [s, setting] of settings.entries()) {
      const alone = await scoresOf(explicitInfluence, at, outputs, setting);
      expect(relativeError(swept[s], alone.data)).toBeLessThan(1e-6);
    }
  });

  it('does not depend on its neighbours, and averages over runs', async () => {
    const at = attributionAt(linear, samples, [weightsOf(linear, 1), weightsOf(linear, 2)]);
    await expectMeanOverRuns(explicitInfluence, at, outputs);
    await expectIndependence(explicitInfluence, at, outputs);
  });

  it('gives finite scores for degenerate data, and says what a singular matrix needs', async () => {
    expect(await degenerateAnswers(explicitInfluence)).toEqual([]);
    const said = await degenerateAnswers(explicitInfluence, { damping: 0 });
    expect(said.length).toBeGreaterThan(0);
    for (const sentence of said) expect(sentence).toMatch(/not positive definite/);
    const at = attributionAt(linear, samples, [weightsOf(linear, 1)]);
    await expect(scoresOf(explicitInfluence, at, outputs, { damping: -1 })).rejects.toThrow(/damping is -1/);
    await expect(scoresOf(explicitInfluence, at, outputs, { curvature: 'both' })).rejects.toThrow(/curvature is both/);
  });
});

describe('influence of a convex model at its optimum', () => {
  it('predicts what leaving each sample out changes, sign included', async () => {
    const ridge = 0.05;
    const many: Samples = cloud(200, 3, 3, 11);
    const asked = selectSamples(cloud(40, 3, 3, 12), [0, 7, 13, 22]);
    const problem = { samples: many, classes: 3, ridge };
    const best = optimum(problem, () => 1);
    const recipe = { ...RECIPE, optimiser: { name: 'sgd', momentum: 0, weightDecay: ridge } } as const;
    const at = attributionAt(mlp([3, 3]), many, [Float32Array.from(best)], recipe);
    const { data } = await scoresOf(explicitInfluence, at, asked, { damping: 0 });
    const predicted: number[] = [];
    const measured: number[] = [];
    for (let i = 0; i < many.rows; i += 10) {
      const without = optimum(problem, (row) => (row === i ? 0 : 1));
      for (let q = 0; q < asked.rows; q++) {
        predicted.push(data[q * many.rows + i]);
        measured.push(lossAt(without, asked, q, 3) - lossAt(best, asked, q, 3));
      }
    }
    const largest = Math.max(...measured.map(Math.abs));
    const large = measured.flatMap((change, i) => (Math.abs(change) > largest / 10 ? [i] : []));
    expect(large.some((i) => measured[i] > 0) && large.some((i) => measured[i] < 0)).toBe(true);
    for (const i of large) expect(Math.sign(predicted[i])).toBe(Math.sign(measured[i]));
    const correlation = dot(predicted, measured) / Math.sqrt(dot(predicted, predicted) * dot(measured, measured));
    expect(correlation).toBeGreaterThan(0.99);
    expect(relativeError(predicted, measured)).toBeLessThan(0.15);
  });
});
