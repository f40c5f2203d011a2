/** K-FAC and EK-FAC against explicit matrices in float64, and what their scores promise. */
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../../src/engine/index.js';
import { type Attribution, ekfacMethod, kfacMethod, LAST, layerScores } from '../../../src/influence/index.js';
import { openTargetSampler } from '../../../src/influence/kronecker/index.js';
import {
  lenet,
  linear,
  type Model,
  marginLosses,
  mlp,
  mlpRegressor,
  type Samples,
  selectSamples,
} from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, exactGradient, relativeError, solveDense } from '../dense/dense.js';
import { denseCurvature } from './denseCurvature.js';
import {
  attributionOf,
  flat,
  type Matrix,
  outputs,
  perceptron,
  perceptronLayers,
  samples,
  scoreOf,
  sequences,
  tinyDecoder,
  VOCABULARY,
} from './subjects.js';

const engine = cpuEngine();
const SETTINGS = { damping: 0.1, epoch: LAST, fisher: 'sampled' };

async function drawn({ model, runs, seed, samples: all }: Attribution, run = 0): Promise<Samples> {
  const sampler = await openTargetSampler(engine, model, 'sampled', seed);
  const rows = Array.from({ length: all.rows }, (_, i) => i);
  const result = await sampler.sample(runs[run].states[0].parameters, all, rows, 0);
  await sampler.dispose();
  return result;
}

/** Σ over layers of g_qᵀ (F + λ)⁻¹ g_i / n. */
async function denseScores(
  model: Model,
  attribution: Attribution,
  kind: 'kfac' | 'ekfac',
  damping: number,
  run = 0,
): Promise<Float64Array> {
  const { parameters } = attribution.runs[run].states[0];
  const labelled = await drawn(attribution, run);
  const layersOf = (set: Samples): Matrix[][] =>
    Array.from({ length: set.rows }, (_, row) => perceptronLayers(model, parameters, set, row));
  const [curved, left, right] = [layersOf(labelled), layersOf(outputs), layersOf(attribution.samples)];
  const scores = new Float64Array(outputs.rows * attribution.samples.rows);
  for (const l of curved[0].keys()) {
    const curvature = denseCurvature(
      curved.map((layers) => layers[l]),
      kind,
    );
    const mean = curvature.reduce((sum, row, i) => sum + row[i], 0) / curvature.length;
    for (const [q, output] of left.entries()) {
      const solved = solveDense(curvature, damping * mean, flat(output[l]));
      for (const [i, sample] of right.entries()) {
        scores[q * right.length + i] += dot(solved, flat(sample[l])) / attribution.samples.rows;
      }
    }
  }
  return scores;
}

describe.each([
  ['kfac', kfacMethod],
  ['ekfac', ekfacMethod],
] as const)('%s', (kind, method) => {
  const attribution = attributionOf(perceptron, samples, 3);

  it.each([0.1, 3])(
    'equals the dense curvature solved in float64 to 1e-3 of the largest score, damping %d',
    async (damping) => {
      const found = await scoreOf(method, attribution, { ...SETTINGS, damping }, outputs);
      expect(found.shape).toEqual([outputs.rows, samples.rows]);
      expect(relativeError(found.data, await denseScores(perceptron, attribution, kind, damping))).toBeLessThan(1e-3);
    },
  );

  it('averages over an ensemble', async () => {
    const both = attributionOf(perceptron, samples, 3, 4);
    const exact = [0, 1].map((run) => denseScores(perceptron, both, kind, 0.1, run));
    const [first, second] = await Promise.all(exact);
    const found = await scoreOf(method, both, SETTINGS, outputs);
    expect(
      relativeError(
        found.data,
        first.map((x, i) => (x + second[i]) / 2),
      ),
    ).toBeLessThan(1e-3);
  });

  it('gives the same bits for a row whatever is asked with it, and in a sweep', async () => {
    const many = cloud(300, 4, 3, 11);
    const wide = { ...attribution, samples: many };
    const asked = cloud(70, 4, 3, 12);
    const whole = await scoreOf(method, wide, SETTINGS, asked);
    const part = await scoreOf(
      method,
      wide,
      SETTINGS,
      selectSamples(asked, [66, 3]),
      selectSamples(many, [290, 5, 100]),
    );
    const at = (q: number, i: number): number => whole.data[q * 300 + i];
    expect([...part.data]).toEqual([66, 3].flatMap((q) => [290, 5, 100].map((i) => at(q, i))));
    const swept = [];
    const settings = [{ ...SETTINGS, damping: 2 }, SETTINGS];
    for await (const scores of method.sweep?.(wide, settings, asked) ?? []) swept.push(scores);
    expect(swept).toHaveLength(2);
    expect(Buffer.from(swept[1].data.buffer).equals(Buffer.from(whole.data.buffer))).toBe(true);
    expect(relativeError(swept[0].data, whole.data)).toBeGreaterThan(0.1);
  });

  it('explains another scalar of the outputs', async () => {
    const found = await scoreOf(method, attribution, SETTINGS, outputs, samples, { target: marginLosses });
    const loss = await scoreOf(method, attribution, SETTINGS, outputs);
    expect(relativeError(found.data, loss.data)).toBeGreaterThan(0.01);
    // of one output, the margin's gradient is the loss' divided by 1 − p
    for (let q = 0; q < outputs.rows; q++) {
      const { parameters } = attribution.runs[0].states[0];
      const p = Math.exp(-exactGradient(perceptron, parameters, outputs, q).loss);
      const row = (t: Tensor) => t.data.subarray(q * samples.rows, (q + 1) * samples.rows);
      const expected = row(loss).map((x) => x / (1 - p));
      expect(relativeError(row(found), expected)).toBeLessThan(1e-4);
    }
  });

  it('tends to grad-dot by layer over the mean squared gradient as the damping grows, on a decoder', async () => {
    for (const head of ['tied', 'untied'] as const) {
      const model = tinyDecoder(head, ['attention', 'feedForward']);
      const sequence = attributionOf(model, sequences(9, 3), 5);
      const asked = sequences(3, 4);
      const damping = 1e6;
      const found = await scoreOf(method, sequence, { ...SETTINGS, damping }, asked);
      const again = await scoreOf(method, sequence, { ...SETTINGS, damping: 10 * damping }, asked);
      expect(
        relativeError(
          again.data,
          found.data.map((x) => x / 10),
        ),
      ).toBeLessThan(1e-3);
      if (kind === 'ekfac') {
        const exact = await limitOnDecoder(model, sequence, asked, damping);
        expect(relativeError(found.data, exact)).toBeLessThan(1e-3);
      }
    }
  });

  it('gives finite scores for duplicates, constant features, classes of one sample and perfectly fitted samples', async () => {
    const doubled = selectSamples(samples, [0, 0, 0, 1, 1, 2]);
    const features = doubled.features.map((x, i) => (i % 4 === 3 ? 0 : x));
    const targets = Int32Array.from([0, 0, 0, 1, 1, 2]);
    const hard = attributionOf(perceptron, { ...doubled, features, targets }, 3);
    expect((await scoreOf(method, hard, SETTINGS, outputs)).data.every(Number.isFinite)).toBe(true);
    const logistic = linear(4, 3);
    // logits of hundreds: p is 1 in float32 for the class of largest weight
    const sure = attributionOf(logistic, { ...doubled, features, targets }, 3);
    const parameters = sure.runs[0].states[0].parameters.map((w) => w * 1e4);
    const certain: Attribution = { ...sure, runs: [{ ...sure.runs[0], states: [{ step: 1, parameters }] }] };
    await expect(scoreOf(method, certain, SETTINGS, outputs)).rejects.toThrow(/sure of every sample.*earlier epoch/s);
    const half = sure.runs[0].states[0].parameters.map((w) => w * 40);
    const nearly: Attribution = { ...sure, runs: [{ ...sure.runs[0], states: [{ step: 1, parameters: half }] }] };
    expect((await scoreOf(method, nearly, SETTINGS, outputs)).data.every(Number.isFinite)).toBe(true);
  });

  it('takes convolutions and regressions', async () => {
    const picture = lenet({ channels: 1, height: 12, width: 12, classes: 3 });
    const pictures = cloud(6, 144, 3, 3);
    const found = await scoreOf(method, attributionOf(picture, pictures, 2), SETTINGS, cloud(2, 144, 3, 4));
    expect(found.data.every(Number.isFinite) && found.data.some((x) => x !== 0)).toBe(true);
    const regression = mlpRegressor([4, 3, 2]);
    const numbers: Samples = { ...cloud(8, 4, 3, 3), targets: cloud(8, 2, 2, 4).features };
    const line = await scoreOf(method, attributionOf(regression, numbers, 2), SETTINGS, numbers);
    // a sample helps itself
    for (let i = 0; i < 8; i++) expect(line.data[i * 8 + i]).toBeGreaterThan(0);
  });

  it('refuses dampings and words that mean nothing', async () => {
    for (const damping of [0, -1, Number.NaN]) {
      await expect(scoreOf(method, attribution, { ...SETTINGS, damping }, outputs)).rejects.toThrow(/damping of/);
    }
    await expect(scoreOf(method, attribution, { ...SETTINGS, fisher: 'other' }, outputs)).rejects.toThrow(
      /fisher is other.*sampled, empirical/s,
    );
    await expect(scoreOf(method, attribution, { ...SETTINGS, epoch: 77 }, outputs)).rejects.toThrow(/epoch 77/);
  });

  it('scores nothing where nothing is asked', async () => {
    const none = selectSamples(outputs, []);
    expect(await scoreOf(method, attribution, SETTINGS, none)).toEqual({
      shape: [0, samples.rows],
      data: new Float32Array(),
    });
    for await (const scores of method.sweep?.(attribution, [SETTINGS], none) ?? []) expect(scores.data).toHaveLength(0);
    const layers = await layerScores(method, attribution, SETTINGS, outputs, none);
    expect(layers.map(({ scores }) => scores.shape)).toEqual([
      [outputs.rows, 0],
      [outputs.rows, 0],
    ]);
  });

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(scoreOf(method, attribution, SETTINGS, outputs, samples, { signal })).rejects.toThrow(/scoring/i);
  });
});

/** Σ over layers of ⟨g_q, g_i⟩ ÷ (n · damping · E‖G‖² / width), from gradients in float64. */
async function limitOnDecoder(
  model: Model,
  attribution: Attribution,
  asked: Samples,
  damping: number,
): Promise<Float64Array> {
  const { samples: all } = attribution;
  const { parameters } = attribution.runs[0].states[0];
  const labelled = await drawn(attribution);
  // a bias is in its weight's layer
  const names = [...new Set(model.parameters.map(({ name }) => name.replace(/(weight|bias)$/, '')))];
  const scores = new Float64Array(asked.rows * all.rows);
  const gradients = (set: Samples) =>
    Array.from({ length: set.rows }, (_, i) => exactGradient(model, parameters, set, i).gradient);
  const [curved, left, right] = [gradients(labelled), gradients(asked), gradients(all)];
  const depth = all.targets.length / all.rows;
  for (const name of names) {
    const parts = model.parameters.filter((p) => p.name.replace(/(weight|bias)$/, '') === name);
    const of = (gradient: Float64Array): Float64Array =>
      Float64Array.from(
        parts.flatMap(({ offset, shape }) => [...gradient.subarray(offset, offset + shape.reduce((a, b) => a * b, 1))]),
      );
    let mean = 0;
    for (const [i, gradient] of curved.entries()) {
      const tokens = labelled.targets.subarray(i * depth, (i + 1) * depth).filter((t: number) => t >= 0).length;
      const part = of(gradient);
      mean += (tokens * dot(part, part)) / (part.length * curved.length);
    }
    for (const [q, a] of left.entries()) {
      for (const [i, b] of right.entries()) scores[q * all.rows + i] += dot(of(a), of(b)) / (all.rows * damping * mean);
    }
  }
  return scores;
}

describe('targets drawn from a model', () => {
  it('are as often each class as the model says, and depend on the row alone', async () => {
    const model = mlp([2, 3]);
    const one = cloud(1, 2, 3, 4);
    const parameters = Float32Array.from({ length: model.parameterCount }, (_, i) => Math.sin(i));
    const sampler = await openTargetSampler(engine, model, 'sampled', 1);
    const rows = new Array<number>(6000).fill(0);
    const copies = selectSamples(one, rows);
    const places = Array.from(rows.keys());
    const { targets } = await sampler.sample(parameters, copies, places, 0);
    for (let c = 0; c < 3; c++) {
      const labelled = { ...one, targets: Int32Array.of(c) };
      const p = Math.exp(-exactGradient(model, parameters, labelled, 0).loss);
      const share = targets.filter((t: number) => t === c).length / 6000;
      expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 6000));
    }
    const few = await sampler.sample(parameters, copies, [5999, 17, 300], 0);
    expect([...few.targets]).toEqual([targets[5999], targets[17], targets[300]]);
    const others = await sampler.sample(parameters, copies, places, 1);
    expect([...others.targets]).not.toEqual([...targets]);
    await sampler.dispose();
  });

  it('are drawn where targets are asked for, and never otherwise', async () => {
    const attribution = attributionOf(tinyDecoder('tied'), sequences(9, 3), 5);
    const { targets } = await drawn(attribution);
    for (const [t, given] of attribution.samples.targets.entries()) {
      if (given === -1) expect(targets[t]).toBe(-1);
      else expect(targets[t] >= 0 && targets[t] < VOCABULARY).toBe(true);
    }
    expect([...targets]).not.toEqual([...attribution.samples.targets]);
  });

  it('are refused of weights that diverged', async () => {
    const attribution = attributionOf(perceptron, samples, 3);
    const parameters = new Float32Array(perceptron.parameterCount).fill(Number.NaN);
    const broken: Attribution = {
      ...attribution,
      runs: [{ ...attribution.runs[0], states: [{ step: 1, parameters }] }],
    };
    await expect(scoreOf(ekfacMethod, broken, SETTINGS, outputs)).rejects.toThrow(/gives NaN/);
  });
});
