/** LoGra and FactGraSS against the same projections of gradients written out in float64, and what projections promise. */
import { describe, expect, it } from 'vitest';
import { type Attribution, factGrassMethod, LAST, loGraMethod, type Method } from '../../../src/influence/index.js';
import { describeLayers } from '../../../src/influence/layers/index.js';
import { randomBasis } from '../../../src/influence/methods/loGra.js';
import { drawSketch } from '../../../src/influence/projected/index.js';
import { linear, marginLosses, mlp, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, exactGradient, relativeError, solveDense } from '../dense/dense.js';
import {
  attributionOf,
  type Matrix,
  outputs,
  perceptron,
  perceptronLayers,
  samples,
  scoreOf,
  sequences,
  tinyDecoder,
} from '../kronecker/subjects.js';

const LOGRA = { rank: 2, projection: 'random', damping: 0.1, epoch: LAST };
const GRASS = { mask: 3, width: 4, damping: 0.1, epoch: LAST };
const layers = describeLayers(perceptron);

type Encode = (layer: number, gradient: Matrix) => Float64Array;

/** g̃_qᵀ (G̃ᵀG̃/n + λ)⁻¹ g̃_i / n over the layers. */
function exactScores({ runs, samples: all }: Attribution, encode: Encode, damping: number, run = 0): Float64Array {
  const { parameters } = runs[run].states[0];
  const encoded = (set: typeof samples) =>
    Array.from({ length: set.rows }, (_, row) =>
      perceptronLayers(perceptron, parameters, set, row).map((gradient, l) => encode(l, gradient)),
    );
  const [own, asked] = [encoded(all as typeof samples), encoded(outputs)];
  const scores = new Float64Array(outputs.rows * all.rows);
  for (const l of own[0].keys()) {
    const k = own[0][l].length;
    const moments = Array.from({ length: k }, (_, a) =>
      Float64Array.from({ length: k }, (_x, b) => own.reduce((sum, g) => sum + (g[l][a] * g[l][b]) / all.rows, 0)),
    );
    const mean = moments.reduce((sum, row, a) => sum + row[a], 0) / k;
    for (const [q, output] of asked.entries()) {
      const solved = solveDense(moments, damping * mean, output[l]);
      for (const [i, sample] of own.entries()) scores[q * all.rows + i] += dot(solved, sample[l]) / all.rows;
    }
  }
  return scores;
}

const projected: Encode = (l, gradient) => {
  const { left, right } = randomBasis(layers[l], LOGRA.rank, 7);
  const { rows, columns } = layers[l];
  const [kl, kr] = [left?.shape[2] ?? rows, right?.shape[2] ?? columns];
  const entry = (basis: typeof left, i: number, k: number, j: number) =>
    basis ? basis.data[i * k + j] : Number(i === j);
  return Float64Array.from({ length: kl * kr }, (_, at) => {
    const [a, b] = [Math.floor(at / kr), at % kr];
    let sum = 0;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) sum += entry(left, r, kl, a) * gradient[r][c] * entry(right, c, kr, b);
    return sum;
  });
};

const sketched: Encode = (l, gradient) => {
  const { left, right, buckets } = drawSketch(layers[l], GRASS.mask, GRASS.width, 7);
  const outer = [...left].flatMap((r) => [...right].map((c) => gradient[r][c]));
  if (!buckets) return Float64Array.from(outer);
  const sums = new Float64Array(buckets.count);
  for (const [at, place] of buckets.places.entries()) {
    if (place < outer.length) sums[at % buckets.count] += buckets.signs[at] * outer[place];
  }
  return sums;
};

describe('layers of a perceptron', () => {
  it('are its weights with their biases as the last row', () => {
    expect(layers.map(({ parameters, rows, columns }) => ({ parameters, rows, columns }))).toEqual([
      { parameters: ['layer0.weight', 'layer0.bias'], rows: 5, columns: 5 },
      { parameters: ['layer1.weight', 'layer1.bias'], rows: 6, columns: 3 },
    ]);
  });

  it('of a decoder are all its parameters, once', () => {
    for (const head of ['tied', 'untied'] as const) {
      const model = tinyDecoder(head, ['attention', 'feedForward']);
      const found = describeLayers(model);
      expect(found.flatMap(({ parameters }) => parameters).toSorted()).toEqual(
        model.parameters.map(({ name }) => name).toSorted(),
      );
      const query = found.find(({ parameters: [name] }) => name.includes('query'));
      expect(query).toMatchObject({ parameters: ['layer0.query.weight', 'layer0.query.bias'], positions: 6, rows: 7 });
    }
  });
});

const attribution = attributionOf(perceptron, samples, 3);

function common<S extends Record<string, number | string>>(method: Method<S>, settings: S, encode: Encode): void {
  it('equals the projections in float64 to 1e-3 of the largest score', async () => {
    for (const damping of [0.01, 0.1, 10]) {
      const found = await scoreOf(method, attribution, { ...settings, damping }, outputs);
      expect(relativeError(found.data, exactScores(attribution, encode, damping))).toBeLessThan(1e-3);
    }
  });

  it('averages over an ensemble', async () => {
    const both = attributionOf(perceptron, samples, 3, 4);
    const [first, second] = [0, 1].map((run) => exactScores(both, encode, 0.1, run));
    const mean = first.map((x, i) => (x + second[i]) / 2);
    expect(relativeError((await scoreOf(method, both, settings, outputs)).data, mean)).toBeLessThan(1e-3);
  });

  it('gives the same bits for a row whatever is asked with it, and in a sweep', async () => {
    const wide = attributionOf(perceptron, cloud(300, 4, 3, 11), 3);
    const asked = cloud(70, 4, 3, 12);
    const whole = await scoreOf(method, wide, settings, asked);
    const rows = selectSamples(wide.samples, [290, 5, 100]);
    const part = await scoreOf(method, wide, settings, selectSamples(asked, [66, 3]), rows);
    expect([...part.data]).toEqual([66, 3].flatMap((q) => [290, 5, 100].map((i) => whole.data[q * 300 + i])));
    const swept = [];
    for await (const scores of method.sweep?.(wide, [{ ...settings, damping: 2 }, settings], asked) ?? [])
      swept.push(scores);
    expect([...swept[1].data]).toEqual([...whole.data]);
    expect(relativeError(swept[0].data, whole.data)).toBeGreaterThan(0.1);
  });

  it('explains another scalar of the outputs, of sequences too', async () => {
    const model = tinyDecoder('tied');
    const sequence = attributionOf(model, sequences(9, 3), 5);
    const found = await scoreOf(method, sequence, settings, sequences(3, 4), sequence.samples, {
      target: marginLosses,
    });
    expect(found.data.every(Number.isFinite) && found.data.some((x) => x !== 0)).toBe(true);
    const { parameters } = attribution.runs[0].states[0];
    const loss = await scoreOf(method, attribution, settings, outputs);
    const margin = await scoreOf(method, attribution, settings, outputs, samples, { target: marginLosses });
    const row = (data: Float32Array, q: number) => data.subarray(q * samples.rows, (q + 1) * samples.rows);
    for (let q = 0; q < outputs.rows; q++) {
      const p = Math.exp(-exactGradient(perceptron, parameters, outputs, q).loss);
      const expected = row(loss.data, q).map((x) => x / (1 - p));
      expect(relativeError(row(margin.data, q), expected)).toBeLessThan(1e-3);
    }
  });

  it('gives finite scores for duplicates, constant features and fitted samples, or a sentence', async () => {
    const few = selectSamples(samples, [0, 0, 0, 1, 2]);
    const features = few.features.map((x, i) => (i % 4 === 3 ? 0 : x));
    const hard = attributionOf(linear(4, 3), { ...few, features }, 3);
    const scaled = (by: number): Attribution => {
      const parameters = hard.runs[0].states[0].parameters.map((w) => w * by);
      return { ...hard, runs: [{ ...hard.runs[0], states: [{ step: 1, parameters }] }] };
    };
    for (const by of [1, 40, 1e4]) {
      const found = await scoreOf(method, scaled(by), { ...settings, damping: 1e-3 }, outputs);
      expect(found.data.every(Number.isFinite)).toBe(true);
    }
    const none: Attribution = { ...hard, samples: { ...hard.samples, targets: new Int32Array(5).fill(-1) } };
    await expect(scoreOf(method, none, settings, outputs)).rejects.toThrow(/sure of every sample/);
    await expect(scoreOf(method, attribution, { ...settings, damping: 0 }, outputs)).rejects.toThrow(/damping of 0/);
  });
}

describe('logra', () => {
  common(loGraMethod, LOGRA, projected);

  it('with a rank above every side is the damped inverse of the whole layer', async () => {
    const found = await scoreOf(loGraMethod, attribution, { ...LOGRA, rank: 100 }, outputs);
    const whole: Encode = (_, gradient) => Float64Array.from(gradient.flatMap((row) => [...row]));
    expect(relativeError(found.data, exactScores(attribution, whole, 0.1))).toBeLessThan(1e-3);
  });

  it('with principal components keeps what a random projection of the same rank loses', async () => {
    // gradients that lie in few directions: features of rank one, so a side has one that matters beside the bias
    const line = cloud(30, 6, 3, 5);
    const features = line.features.map((_, i) => line.features[Math.floor(i / 6) * 6] * ((i % 6) + 1));
    const thin = attributionOf(mlp([6, 3]), { ...line, features }, 2);
    const asked = selectSamples(thin.samples, [1, 2, 3]);
    // the damping is small, since it is a share of a mean over as many numbers as the rank leaves
    const scores = async (rank: number, projection: string) =>
      (await scoreOf(loGraMethod, thin, { ...LOGRA, rank, projection, damping: 1e-4 }, asked)).data;
    const whole = await scores(100, 'random');
    const [principal, random] = [await scores(2, 'pca'), await scores(2, 'random')];
    expect(relativeError(principal, whole)).toBeLessThan(0.05);
    expect(relativeError(random, whole)).toBeGreaterThan(relativeError(principal, whole));
  });

  it('refuses ranks and projections that mean nothing', async () => {
    await expect(scoreOf(loGraMethod, attribution, { ...LOGRA, rank: 0 }, outputs)).rejects.toThrow(/rank is 0/);
    await expect(scoreOf(loGraMethod, attribution, { ...LOGRA, projection: 'x' }, outputs)).rejects.toThrow(
      /random, pca/,
    );
  });
});

describe('factgrass', () => {
  common(factGrassMethod, GRASS, sketched);

  it('refuses a mask of nothing', async () => {
    await expect(scoreOf(factGrassMethod, attribution, { ...GRASS, mask: 0 }, outputs)).rejects.toThrow(/mask is 0/);
    await expect(scoreOf(factGrassMethod, attribution, { ...GRASS, width: 0.5 }, outputs)).rejects.toThrow(
      /width is 0.5/,
    );
  });

  it('keeps inner products in the mean over seeds', () => {
    const layer = { parameters: ['w'], groups: 1, positions: 1, rows: 6, columns: 5, oneHot: 'none' } as const;
    const [x, y] = [cloud(1, 30, 2, 1).features, cloud(1, 30, 2, 2).features];
    const draws = 4000;
    let [sum, squares] = [0, 0];
    for (let seed = 0; seed < draws; seed++) {
      const { buckets } = drawSketch(layer, 10, 7, seed);
      const sums = [new Float64Array(7), new Float64Array(7)];
      for (const [at, place] of buckets?.places.entries() ?? []) {
        for (const [v, of] of [x, y].entries())
          if (place < 30) sums[v][at % 7] += (buckets?.signs[at] ?? 0) * of[place];
      }
      const product = dot(sums[0], sums[1]);
      sum += product;
      squares += product * product;
    }
    const error = Math.sqrt(squares / draws - (sum / draws) ** 2) / Math.sqrt(draws);
    expect(Math.abs(sum / draws - dot(x, y))).toBeLessThan(4 * error);
    expect(error).toBeGreaterThan(0);
  });
});
