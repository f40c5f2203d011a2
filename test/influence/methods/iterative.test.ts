/** CG, LiSSA and Arnoldi against dense float64 matrices, their refusals, and leaving out really measured. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { arnoldi, cgInfluence, lissa, type Method } from '../../../src/influence/index.js';
import { type Model, marginLosses, mlp, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, RECIPE, scoresOf } from '../dense/attribution.js';
import { dot, exactFisher, exactGradients, exactHessian, relativeError, solveDense } from '../dense/dense.js';
import { jacobiEigen } from '../dense/jacobi.js';
import { lossAt, optimum } from '../dense/logistic.js';
import { degenerateAnswers, expectIndependence, expectMeanOverRuns } from './properties.js';

const net = mlp([4, 5, 3], { activation: 'gelu' });
const samples = cloud(24, 4, 3, 2);
const outputs = cloud(10, 4, 3, 9);
const weightsOf = (model: Model, seed: number): Float32Array => {
  const random = new Random(seed);
  return model.initialise(random).map((w) => w + 0.2 * random.normal());
};
const flat = weightsOf(net, 1);
const at = attributionAt(net, samples, [flat]);
const fisher = exactFisher(net, flat, samples);
const hessian = exactHessian(net, flat, samples);

function exactScores(matrix: readonly Float64Array[], damping: number, target?: typeof marginLosses): number[] {
  const right = exactGradients(net, flat, samples);
  return exactGradients(net, flat, outputs, target).flatMap((g) => {
    const solved = solveDense(matrix, damping, g);
    return right.map((b) => dot(solved, b) / samples.rows);
  });
}

const FULL = { iterations: 200, tolerance: 1e-7 };

describe('cg', () => {
  it('is the dense inverse: Gauss–Newton, the Hessian where damping makes it definite, another target', async () => {
    const scores = await scoresOf(cgInfluence, at, outputs, { ...FULL, damping: 0.1 });
    expect(relativeError(scores.data, exactScores(fisher, 0.1))).toBeLessThan(1e-4);
    const second = await scoresOf(cgInfluence, at, outputs, { ...FULL, damping: 3, curvature: 'hessian' });
    expect(relativeError(second.data, exactScores(hessian, 3))).toBeLessThan(1e-4);
    const options = { target: marginLosses };
    const margin = await scoresOf(cgInfluence, at, outputs, { ...FULL, damping: 0.1 }, samples, options);
    expect(relativeError(margin.data, exactScores(fisher, 0.1, marginLosses))).toBeLessThan(1e-4);
  });

  it('refuses a direction of negative curvature, and settings out of range', async () => {
    const settings = { ...FULL, damping: 1e-6, curvature: 'hessian' };
    await expect(scoresOf(cgInfluence, at, outputs, settings)).rejects.toThrow(/not positive definite/);
    await expect(scoresOf(cgInfluence, at, outputs, { rows: 25 })).rejects.toThrow(/rows is 25, there are 24/);
    await expect(scoresOf(cgInfluence, at, outputs, { iterations: 0 })).rejects.toThrow(/iterations is 0/);
  });

  it('may take the curvature of some samples', async () => {
    const some = await scoresOf(cgInfluence, at, outputs, { ...FULL, rows: 12 });
    const all = await scoresOf(cgInfluence, at, outputs, { ...FULL, rows: 24 });
    expect(relativeError(all.data, exactScores(fisher, 0.01))).toBeLessThan(1e-3);
    expect(relativeError(some.data, all.data)).toBeGreaterThan(0.01);
  });

  it('predicts what leaving each sample out of a convex model changes, sign included', async () => {
    const ridge = 0.05;
    const many = cloud(200, 3, 3, 11);
    const asked = selectSamples(cloud(40, 3, 3, 12), [0, 7, 13]);
    const problem = { samples: many, classes: 3, ridge };
    const best = optimum(problem, () => 1);
    const recipe = { ...RECIPE, optimiser: { name: 'sgd', momentum: 0, weightDecay: ridge } } as const;
    const trained = attributionAt(mlp([3, 3]), many, [Float32Array.from(best)], recipe);
    const settings = { ...FULL, damping: 0, curvature: 'hessian' };
    const { data } = await scoresOf(cgInfluence, trained, asked, settings);
    const pairs: { predicted: number; measured: number }[] = [];
    for (let i = 0; i < many.rows; i += 20) {
      const without = optimum(problem, (row) => (row === i ? 0 : 1));
      for (let q = 0; q < asked.rows; q++) {
        const measured = lossAt(without, asked, q, 3) - lossAt(best, asked, q, 3);
        pairs.push({ predicted: data[q * many.rows + i], measured });
      }
    }
    const largest = Math.max(...pairs.map(({ measured }) => Math.abs(measured)));
    const large = pairs.filter(({ measured }) => Math.abs(measured) > largest / 10);
    expect(new Set(large.map(({ measured }) => Math.sign(measured))).size).toBe(2);
    for (const { predicted, measured } of large) expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.2);
  });
});

describe('lissa', () => {
  it('sums to the dense inverse when its batches are all samples', async () => {
    const settings = { damping: 0.3, depth: 150, batch: 24 };
    const scores = await scoresOf(lissa, at, outputs, settings);
    expect(relativeError(scores.data, exactScores(fisher, 0.3))).toBeLessThan(1e-3);
  });

  it('comes near it with random batches, nearer with more repeats', async () => {
    const exact = exactScores(fisher, 0.3);
    const error = async (repeats: number): Promise<number> =>
      relativeError((await scoresOf(lissa, at, outputs, { damping: 0.3, depth: 60, batch: 8, repeats })).data, exact);
    const [one, many] = [await error(1), await error(8)];
    expect(many).toBeLessThan(one);
    expect(many).toBeLessThan(0.15);
  });

  it('says that it diverges instead of giving what it diverged to', async () => {
    const settings = { scale: 0.02, damping: 0.1, batch: 24 };
    await expect(scoresOf(lissa, at, outputs, settings)).rejects.toThrow(/LiSSA diverges: after \d+ term/);
    const saddle = { curvature: 'hessian', scale: 0.5, damping: 1e-6, batch: 24, depth: 400 };
    await expect(scoresOf(lissa, at, outputs, saddle)).rejects.toThrow(/LiSSA diverges/);
    await expect(scoresOf(lissa, at, outputs, { scale: 0 })).rejects.toThrow(/scale is 0/);
  });
});

describe('arnoldi', () => {
  it('with the whole space is the dense inverse', async () => {
    const settings = { damping: 0.1, curvature: 'gauss-newton', iterations: 100, rank: 100 };
    const scores = await scoresOf(arnoldi, at, outputs, settings);
    expect(relativeError(scores.data, exactScores(fisher, 0.1))).toBeLessThan(1e-3);
  });

  it('with few pairs is the inverse within the largest, found by deflation in float64', async () => {
    const settings = { damping: 0.1, curvature: 'gauss-newton', iterations: 30, rank: 2 };
    const scores = await scoresOf(arnoldi, at, outputs, settings);
    const pairs = deflated(fisher, 2);
    const right = exactGradients(net, flat, samples);
    const exact = exactGradients(net, flat, outputs).flatMap((a) =>
      right.map((b) =>
        pairs.reduce((sum, { u, value }) => sum + (dot(u, a) * dot(u, b)) / (value + 0.1) / samples.rows, 0),
      ),
    );
    expect(relativeError(scores.data, exact)).toBeLessThan(1e-3);
  });

  it('leaves negative directions out', async () => {
    const settings = { damping: 0.1, iterations: 100, rank: 100 };
    const scores = await scoresOf(arnoldi, at, outputs, settings);
    // Σ over positive pairs = the inverse of the matrix moved by its negative part: (H₊ + λ)⁻¹ within the range of H₊
    const { values, vectors } = jacobiEigen(hessian);
    const pairs = Array.from(values, (value, k) => ({ value, u: vectors.map((row) => row[k]) })).filter(
      ({ value }) => value > 1e-6,
    );
    expect(pairs.length).toBeLessThan(hessian.length);
    const right = exactGradients(net, flat, samples);
    const exact = exactGradients(net, flat, outputs).flatMap((a) =>
      right.map((b) =>
        pairs.reduce((sum, { u, value }) => sum + (dot(u, a) * dot(u, b)) / (value + 0.1) / samples.rows, 0),
      ),
    );
    expect(relativeError(scores.data, exact)).toBeLessThan(1e-2);
  });
});

describe.each<[string, Method, Record<string, number | string>]>([
  ['cg', cgInfluence, {}],
  ['lissa', lissa, { depth: 5, batch: 6 }],
  ['arnoldi', arnoldi, { iterations: 6, rank: 4 }],
])('%s', (_, method, settings) => {
  it('does not depend on its neighbours, and averages over runs', async () => {
    await expectIndependence(method, at, outputs, settings);
    const both = attributionAt(net, samples, [flat, weightsOf(net, 2)]);
    await expectMeanOverRuns(method, both, selectSamples(outputs, [0, 1]), settings);
  });

  it('gives finite scores or a sentence for degenerate data', async () => {
    for (const sentence of await degenerateAnswers(method, settings)) expect(sentence).toMatch(/curvature/);
  });
});

/** The largest pairs of a positive semi-definite matrix, by power iteration and deflation. */
function deflated(matrix: readonly Float64Array[], count: number): { u: Float64Array; value: number }[] {
  const rest = matrix.map((row) => row.slice());
  return Array.from({ length: count }, () => {
    let u = Float64Array.from(rest, (_, i) => Math.sin(i + 1));
    let value = 0;
    for (let step = 0; step < 3000; step++) {
      const image = Float64Array.from(rest, (row) => dot(row, u));
      value = Math.sqrt(dot(image, image));
      u = image.map((x) => x / value);
    }
    for (const [i, row] of rest.entries()) for (let j = 0; j < row.length; j++) row[j] -= value * u[i] * u[j];
    return { u, value };
  });
}
