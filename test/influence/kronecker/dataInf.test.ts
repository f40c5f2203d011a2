/** DataInf against its closed form on gradients written out in float64, and against what it approximates. */
import { describe, expect, it } from 'vitest';
import { type Attribution, dataInfMethod, LAST } from '../../../src/influence/index.js';
import { linear, marginLosses, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, exactGradient, relativeError, solveDense } from '../dense/dense.js';
import {
  attributionOf,
  flat,
  outputs,
  perceptron,
  perceptronLayers,
  samples,
  scoreOf,
  sequences,
  tinyDecoder,
} from './subjects.js';

const SETTINGS = { damping: 0.1, epoch: LAST };

/** (1/n²λ) Σ_i [v·g_k − (g_i·v)(g_i·g_k)/(λ + ‖g_i‖²)] over a layer's vectors. */
function closedForm(own: readonly Float64Array[], asked: readonly Float64Array[], damping: number): Float64Array[] {
  const n = own.length;
  const lambda = (damping * own.reduce((sum, g) => sum + dot(g, g), 0)) / (n * own[0].length);
  return asked.map((v) =>
    Float64Array.from(own, (target) => {
      let sum = 0;
      for (const g of own) sum += dot(v, target) - (dot(g, v) * dot(g, target)) / (lambda + dot(g, g));
      return sum / (n * n * lambda);
    }),
  );
}

function exactScores({ runs, samples: all }: Attribution, damping: number, run = 0): Float64Array {
  const { parameters } = runs[run].states[0];
  const layersOf = (set: typeof samples) =>
    Array.from({ length: set.rows }, (_, row) => perceptronLayers(perceptron, parameters, set, row).map(flat));
  const [own, asked] = [layersOf(all as typeof samples), layersOf(outputs)];
  const scores = new Float64Array(outputs.rows * all.rows);
  for (const l of own[0].keys()) {
    const parts = closedForm(
      own.map((layers) => layers[l]),
      asked.map((layers) => layers[l]),
      damping,
    );
    for (const [q, row] of parts.entries()) for (const [i, x] of row.entries()) scores[q * all.rows + i] += x;
  }
  return scores;
}

describe('datainf', () => {
  const attribution = attributionOf(perceptron, samples, 3);

  it.each([0.01, 0.1, 10])(
    'equals the closed form in float64 to 1e-4 of the largest score, damping %d',
    async (damping) => {
      const found = await scoreOf(dataInfMethod, attribution, { ...SETTINGS, damping }, outputs);
      expect(relativeError(found.data, exactScores(attribution, damping))).toBeLessThan(1e-4);
    },
  );

  it('is the exact damped inverse where the damping is far above all gradients', async () => {
    const damping = 1e4;
    const { parameters } = attribution.runs[0].states[0];
    const found = await scoreOf(dataInfMethod, attribution, { ...SETTINGS, damping }, outputs);
    const layersOf = (set: typeof samples, row: number) => perceptronLayers(perceptron, parameters, set, row).map(flat);
    const own = Array.from({ length: samples.rows }, (_, i) => layersOf(samples, i));
    const exact = new Float64Array(found.data.length);
    for (const l of own[0].keys()) {
      const size = own[0][l].length;
      const fisher = Array.from({ length: size }, (_, a) =>
        Float64Array.from({ length: size }, (_x, b) =>
          own.reduce((sum, layers) => sum + (layers[l][a] * layers[l][b]) / samples.rows, 0),
        ),
      );
      const mean = fisher.reduce((sum, row, a) => sum + row[a], 0) / size;
      for (let q = 0; q < outputs.rows; q++) {
        const solved = solveDense(fisher, damping * mean, layersOf(outputs, q)[l]);
        for (const [i, layers] of own.entries()) exact[q * samples.rows + i] += dot(solved, layers[l]) / samples.rows;
      }
    }
    expect(relativeError(found.data, exact)).toBeLessThan(1e-4);
  });

  it('averages over an ensemble', async () => {
    const both = attributionOf(perceptron, samples, 3, 4);
    const [first, second] = [0, 1].map((run) => exactScores(both, 0.1, run));
    const mean = first.map((x, i) => (x + second[i]) / 2);
    expect(relativeError((await scoreOf(dataInfMethod, both, SETTINGS, outputs)).data, mean)).toBeLessThan(1e-4);
  });

  it('gives the same bits for a row whatever is asked with it', async () => {
    const wide = attributionOf(perceptron, cloud(300, 4, 3, 11), 3);
    const asked = cloud(70, 4, 3, 12);
    const whole = await scoreOf(dataInfMethod, wide, SETTINGS, asked);
    const rows = selectSamples(wide.samples, [290, 5, 100]);
    const part = await scoreOf(dataInfMethod, wide, SETTINGS, selectSamples(asked, [66, 3]), rows);
    expect([...part.data]).toEqual([66, 3].flatMap((q) => [290, 5, 100].map((i) => whole.data[q * 300 + i])));
  });

  it('takes sequences: as the damping grows, grad-dot by layer over the mean squared entry', async () => {
    const model = tinyDecoder('tied', ['attention']);
    const sequence = attributionOf(model, sequences(9, 3), 5);
    const asked = sequences(3, 4);
    const found = await scoreOf(dataInfMethod, sequence, { ...SETTINGS, damping: 1e6 }, asked);
    const { parameters } = sequence.runs[0].states[0];
    const gradients = (set: typeof asked) =>
      Array.from({ length: set.rows }, (_, i) => exactGradient(model, parameters, set, i).gradient);
    const [left, right] = [gradients(asked), gradients(sequence.samples as typeof asked)];
    const exact = new Float64Array(found.data.length);
    for (const name of new Set(model.parameters.map((p) => p.name.replace(/(weight|bias)$/, '')))) {
      const parts = model.parameters.filter((p) => p.name.replace(/(weight|bias)$/, '') === name);
      const of = (gradient: Float64Array) =>
        parts.flatMap(({ offset, shape }) => [...gradient.subarray(offset, offset + shape.reduce((a, b) => a * b, 1))]);
      const mean = right.reduce((sum, g) => sum + dot(of(g), of(g)), 0) / (right.length * of(right[0]).length);
      for (const [q, a] of left.entries()) {
        for (const [i, b] of right.entries()) exact[q * 9 + i] += dot(of(a), of(b)) / (9 * 1e6 * mean);
      }
    }
    expect(relativeError(found.data, exact)).toBeLessThan(1e-3);
  });

  it('gives finite scores for duplicates, constant features and perfectly fitted samples, or a sentence', async () => {
    const few = selectSamples(samples, [0, 0, 0, 1, 2]);
    const features = few.features.map((x, i) => (i % 4 === 3 ? 0 : x));
    const hard = attributionOf(linear(4, 3), { ...few, features }, 3);
    const scaled = (by: number): Attribution => {
      const parameters = hard.runs[0].states[0].parameters.map((w) => w * by);
      return { ...hard, runs: [{ ...hard.runs[0], states: [{ step: 1, parameters }] }] };
    };
    for (const by of [1, 40, 1e4]) {
      const found = await scoreOf(dataInfMethod, scaled(by), SETTINGS, outputs);
      expect(found.data.every(Number.isFinite)).toBe(true);
    }
    const fitted = scaled(1e4);
    const { parameters } = fitted.runs[0].states[0];
    const likely = Int32Array.from({ length: 5 }, (_, i) => {
      const losses = [0, 1, 2].map(
        (c) =>
          exactGradient(fitted.model, parameters, { ...fitted.samples, targets: new Int32Array(5).fill(c) }, i).loss,
      );
      return losses.indexOf(Math.min(...losses));
    });
    const perfect: Attribution = { ...fitted, samples: { ...fitted.samples, targets: likely } };
    await expect(scoreOf(dataInfMethod, perfect, SETTINGS, outputs)).rejects.toThrow(/sure of every sample/);
  });

  it('explains another scalar of the outputs, refuses a damping of nothing', async () => {
    const { parameters } = attribution.runs[0].states[0];
    const loss = await scoreOf(dataInfMethod, attribution, SETTINGS, outputs);
    const margin = await scoreOf(dataInfMethod, attribution, SETTINGS, outputs, samples, { target: marginLosses });
    const row = (data: Float32Array, q: number) => data.subarray(q * samples.rows, (q + 1) * samples.rows);
    for (let q = 0; q < outputs.rows; q++) {
      const p = Math.exp(-exactGradient(perceptron, parameters, outputs, q).loss);
      const expected = row(loss.data, q).map((x) => x / (1 - p));
      expect(relativeError(row(margin.data, q), expected)).toBeLessThan(1e-4);
    }
    await expect(scoreOf(dataInfMethod, attribution, { ...SETTINGS, damping: 0 }, outputs)).rejects.toThrow(
      /damping of 0/,
    );
  });
});
