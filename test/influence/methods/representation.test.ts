/** Methods of the last hidden layer: against explicit loops, brute force over subsets, and a stationary last layer. */
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { embeddingSimilarity, kNnShapley, representerPoints } from '../../../src/influence/index.js';
import { knnValues } from '../../../src/influence/methods/kNnShapley.js';
import { lastHidden } from '../../../src/influence/representation/lastHidden.js';
import {
  decoder,
  lenet,
  marginLosses,
  mlp,
  mlpRegressor,
  type Samples,
  selectSamples,
} from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, RECIPE, scoresOf } from '../dense/attribution.js';
import { dot, relativeError } from '../dense/dense.js';
import { optimum } from '../dense/logistic.js';
import { degenerateAnswers, expectIndependence, expectMeanOverRuns } from './properties.js';

const engine = cpuEngine();
const model = mlp([4, 6, 3]);
const samples = cloud(17, 4, 3, 2);
const outputs = cloud(5, 4, 3, 9);
const weightsOf = (seed: number): Float32Array => {
  const random = new Random(seed);
  return model.initialise(random).map((w) => w + 0.2 * random.normal());
};
const flat = weightsOf(1);
const at = attributionAt(model, samples, [flat]);

/** The hidden layer of a 4-6-3 perceptron, by loops. */
function hidden(set: Samples, row: number): number[] {
  return Array.from({ length: 6 }, (_, h) => {
    let sum = flat[24 + h];
    for (let j = 0; j < 4; j++) sum += set.features[row * 4 + j] * flat[j * 6 + h];
    return Math.max(0, sum);
  });
}

function logits(f: readonly number[]): number[] {
  return [0, 1, 2].map((c) => f.reduce((sum, x, h) => sum + x * flat[30 + h * 3 + c], flat[48 + c]));
}

describe('the last hidden layer', () => {
  it('of a perceptron is what its last weights are multiplied with, and slopes are shares less the label', async () => {
    const found = await lastHidden(engine, model, flat, samples);
    expect(found).toMatchObject({ width: 6, outputs: 3, biased: true });
    for (let i = 0; i < samples.rows; i++) {
      const exact = hidden(samples, i);
      for (const [h, value] of exact.entries()) expect(found.features[i * 6 + h]).toBeCloseTo(value, 5);
      const z = logits(exact);
      const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
      for (const [c, value] of z.entries()) {
        const slope = Math.exp(value) / total - (samples.targets[i] === c ? 1 : 0);
        expect(found.slopes[i * 3 + c]).toBeCloseTo(slope, 5);
      }
    }
  });

  it('of logistic regression is the input', async () => {
    const found = await lastHidden(engine, mlp([4, 3]), new Float32Array(15), samples);
    expect([...found.features]).toEqual([...samples.features]);
  });

  it('is there for pictures and sequences', async () => {
    const picture = lenet({ channels: 1, height: 12, width: 12, classes: 3 });
    const pictures = cloud(4, 144, 3, 3);
    const seen = await lastHidden(engine, picture, picture.initialise(new Random(1)), pictures);
    const widest = picture.parameters.filter(({ shape }) => shape.length === 2).at(-1);
    expect(widest?.shape).toContain(seen.width);
    const language = decoder({
      vocabulary: 7,
      context: 4,
      width: 4,
      layers: 1,
      heads: 2,
      keyValueHeads: 1,
      hidden: 5,
      norm: 'rms',
      epsilon: 1e-5,
      positions: 'halves',
      feedForward: 'swiglu',
      head: 'untied',
      biased: [],
    });
    const words: Samples = {
      rows: 2,
      width: 4,
      features: Float32Array.of(1, 2, 3, 4, 1, 2, 3, 5),
      targets: Int32Array.of(2, 3, 4, 5, 2, 3, 5, 6),
    };
    const read = await lastHidden(engine, language, language.initialise(new Random(1)), words);
    expect(read).toMatchObject({ width: 4, outputs: 28, biased: false });
    expect(read.features.slice(0, 4)).not.toEqual(read.features.slice(4));
  });
});

describe('embedding similarity', () => {
  it('is the cosine of hidden layers by loops', async () => {
    const scores = await scoresOf(embeddingSimilarity, at, outputs);
    const exact: number[] = [];
    for (let q = 0; q < outputs.rows; q++) {
      for (let i = 0; i < samples.rows; i++) {
        const [a, b] = [hidden(outputs, q), hidden(samples, i)];
        exact.push(dot(a, b) === 0 ? 0 : dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
      }
    }
    expect(relativeError(scores.data, exact)).toBeLessThan(1e-5);
  });

  it('of a layer in which nothing fires is 0, and it has no other target', async () => {
    const silent = flat.map((w, p) => (p >= 24 && p < 30 ? -1000 : w));
    const scores = await scoresOf(embeddingSimilarity, attributionAt(model, samples, [silent]), outputs);
    expect(scores.data.every((score) => score === 0)).toBe(true);
    const options = { target: marginLosses };
    await expect(scoresOf(embeddingSimilarity, at, outputs, {}, samples, options)).rejects.toThrow(/no other target/);
  });
});

describe('representer points', () => {
  it('add up to the logit of the explained class where the last layer is stationary', async () => {
    const ridge = 0.05;
    const best = Float32Array.from(optimum({ samples, classes: 3, ridge }, () => 1));
    const convex = attributionAt(mlp([4, 3]), samples, [best], RECIPE);
    const scores = await scoresOf(representerPoints, convex, outputs, { ridge: ridge / 2 });
    for (let q = 0; q < outputs.rows; q++) {
      const label = outputs.targets[q];
      let logit = best[12 + label];
      for (let j = 0; j < 4; j++) logit += outputs.features[q * 4 + j] * best[j * 3 + label];
      const sum = scores.data.subarray(q * samples.rows, (q + 1) * samples.rows).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(logit, 4);
    }
  });

  it('are −∂loss/∂logit · f·f ÷ 2λn by loops, and a sample of the class speaks for it', async () => {
    const scores = await scoresOf(representerPoints, at, outputs, { ridge: 0.1 });
    const exact: number[] = [];
    for (let q = 0; q < outputs.rows; q++) {
      for (let i = 0; i < samples.rows; i++) {
        const f = hidden(samples, i);
        const z = logits(f);
        const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
        const label = outputs.targets[q];
        const slope = Math.exp(z[label]) / total - (samples.targets[i] === label ? 1 : 0);
        exact.push((-slope * (dot(f, hidden(outputs, q)) + 1)) / (2 * 0.1 * samples.rows));
      }
    }
    expect(relativeError(scores.data, exact)).toBeLessThan(1e-5);
    for (const [e, score] of scores.data.entries()) {
      const same = samples.targets[e % samples.rows] === outputs.targets[Math.floor(e / samples.rows)];
      expect(score > 0).toBe(same);
    }
  });

  it('are refused without classes, without a ridge and for an output without a class', async () => {
    const numbers = { ...samples, targets: new Float32Array(17) };
    const regressor = attributionAt(mlpRegressor([4, 1]), numbers, [new Float32Array(5)]);
    await expect(scoresOf(representerPoints, regressor, numbers)).rejects.toThrow(/objective is regression/);
    await expect(scoresOf(representerPoints, at, outputs, { ridge: 0 })).rejects.toThrow(/ridge is 0/);
    const none = { ...outputs, targets: outputs.targets.map(() => -1) };
    await expect(scoresOf(representerPoints, at, none)).rejects.toThrow(/Output 0 has the class -1/);
  });
});

describe('k-NN Shapley', () => {
  /** Mean marginal contribution over all orders, by all subsets. */
  function bruteForce(far: readonly number[], labels: readonly number[], label: number, k: number): number[] {
    const n = far.length;
    const ranked = far.map((_, i) => i).sort((a, b) => far[a] - far[b]);
    const worth = (members: number): number =>
      ranked
        .filter((i) => (members >> i) & 1)
        .slice(0, k)
        .filter((i) => labels[i] === label).length / k;
    const factorial = (m: number): number => (m < 2 ? 1 : m * factorial(m - 1));
    return far.map((_, i) => {
      let value = 0;
      for (let members = 0; members < 2 ** n; members++) {
        if ((members >> i) & 1) continue;
        const size = members.toString(2).replaceAll('0', '').length;
        const weight = (factorial(size) * factorial(n - size - 1)) / factorial(n);
        value += weight * (worth(members | (1 << i)) - worth(members));
      }
      return value;
    });
  }

  it.each([1, 2, 3, 7, 9])('with %d neighbours is the Shapley value by all subsets', (k) => {
    const random = new Random(k);
    const far = Array.from({ length: 7 }, () => random.uniform());
    const labels = far.map(() => random.below(2));
    const values = knnValues(far, labels, 1, k);
    const exact = bruteForce(far, labels, 1, k);
    for (const [i, value] of exact.entries()) expect(values[i]).toBeCloseTo(value, 12);
  });

  it('adds up to the share of the nearest that have the class, found by loops', async () => {
    const scores = await scoresOf(kNnShapley, at, outputs, { neighbours: 4 });
    for (let q = 0; q < outputs.rows; q++) {
      const from = hidden(outputs, q);
      const far = Array.from({ length: samples.rows }, (_, i) =>
        hidden(samples, i).reduce((sum, x, h) => sum + (x - from[h]) ** 2, 0),
      );
      const nearest = far
        .map((_, i) => i)
        .sort((a, b) => far[a] - far[b])
        .slice(0, 4);
      const share = nearest.filter((i) => samples.targets[i] === outputs.targets[q]).length / 4;
      const sum = scores.data.subarray(q * samples.rows, (q + 1) * samples.rows).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(share, 6);
    }
  });

  it('values copies alike, wherever they stand, and rows of the training set only', async () => {
    const twice = selectSamples(samples, [0, 1, 2, 3, 4, 5, 0, 3, 0]);
    const scores = await scoresOf(kNnShapley, attributionAt(model, twice, [flat]), outputs);
    for (let q = 0; q < outputs.rows; q++) {
      expect(scores.data[q * 9 + 6]).toBe(scores.data[q * 9]);
      expect(scores.data[q * 9 + 8]).toBe(scores.data[q * 9]);
      expect(scores.data[q * 9 + 7]).toBe(scores.data[q * 9 + 3]);
    }
    await expect(scoresOf(kNnShapley, at, outputs, {}, outputs)).rejects.toThrow(
      /Row 0 of the samples to score is not/,
    );
    await expect(scoresOf(kNnShapley, at, outputs, { neighbours: 0 })).rejects.toThrow(/neighbours is 0/);
  });
});

describe('methods of the last hidden layer', () => {
  it('do not depend on their neighbours, average over runs, and stay finite', async () => {
    const both = attributionAt(model, samples, [flat, weightsOf(2)]);
    const check = async (method: typeof embeddingSimilarity): Promise<void> => {
      await expectIndependence(method, at, outputs);
      await expectMeanOverRuns(method, both, outputs);
      expect(await degenerateAnswers(method)).toEqual([]);
    };
    await check(embeddingSimilarity);
    await expectIndependence(representerPoints, at, outputs);
    await expectMeanOverRuns(representerPoints, both, outputs);
    expect(await degenerateAnswers(representerPoints)).toEqual([]);
    await expectIndependence(kNnShapley, at, outputs);
    await expectMeanOverRuns(kNnShapley, both, outputs);
    expect(await degenerateAnswers(kNnShapley)).toEqual([]);
  });
});
