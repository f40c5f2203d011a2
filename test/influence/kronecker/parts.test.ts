/** Scores by layer and by token add up to the whole, and are what they say; K-FAC's factors over positions. */
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../../src/engine/index.js';
import {
  type Attribution,
  dataInfMethod,
  ekfacMethod,
  gradDotMethod,
  kfacMethod,
  LAST,
  layerScores,
  tokenScores,
} from '../../../src/influence/index.js';
import { openTargetSampler } from '../../../src/influence/kronecker/index.js';
import { marginLosses, type Samples, selectSamples } from '../../../src/models/index.js';
import { dot, exactGradient, relativeError, solveDense } from '../dense/dense.js';
import { bigram, WIDTH } from './bigram.js';
import {
  attributionOf,
  CONTEXT,
  outputs,
  perceptron,
  samples,
  scoreOf,
  sequences,
  tinyDecoder,
  VOCABULARY,
} from './subjects.js';

const EKFAC = { damping: 0.1, epoch: LAST, fisher: 'sampled' };
const decoder = tinyDecoder('tied', ['attention']);
const onDecoder = attributionOf(decoder, sequences(9, 3), 5);
const asked = sequences(3, 4);

const added = (parts: readonly Tensor[]): Float32Array =>
  parts.reduce((sum, { data }) => sum.map((x, i) => x + data[i]), new Float32Array(parts[0].data.length));

describe('scores by layer', () => {
  it('add up to the whole, of grad-dot, EK-FAC and DataInf, of another scalar too', async () => {
    for (const options of [{}, { target: marginLosses }]) {
      const epoch = { epoch: LAST };
      const dots = await layerScores(gradDotMethod, onDecoder, epoch, asked, onDecoder.samples, options);
      const wholeDot = await scoreOf(gradDotMethod, onDecoder, epoch, asked, onDecoder.samples, options);
      expect(relativeError(added(dots.map(({ scores }) => scores)), wholeDot.data)).toBeLessThan(1e-5);
      const parts = await layerScores(ekfacMethod, onDecoder, EKFAC, asked, onDecoder.samples, options);
      const whole = await scoreOf(ekfacMethod, onDecoder, EKFAC, asked, onDecoder.samples, options);
      expect(relativeError(added(parts.map(({ scores }) => scores)), whole.data)).toBeLessThan(1e-5);
    }
    const settings = { damping: 0.1, epoch: LAST };
    const parts = await layerScores(dataInfMethod, onDecoder, settings, asked, onDecoder.samples);
    const whole = await scoreOf(dataInfMethod, onDecoder, settings, asked);
    expect(relativeError(added(parts.map(({ scores }) => scores)), whole.data)).toBeLessThan(1e-5);
  });

  it('are the products of the layers of gradients in float64', async () => {
    const attribution = attributionOf(perceptron, samples, 3);
    const { parameters } = attribution.runs[0].states[0];
    const found = await layerScores(gradDotMethod, attribution, { epoch: LAST }, outputs, samples);
    expect(found.map((layer) => layer.parameters)).toEqual([
      ['layer0.weight', 'layer0.bias'],
      ['layer1.weight', 'layer1.bias'],
    ]);
    const sizes = [25, 18];
    const gradients = (set: Samples) =>
      Array.from({ length: set.rows }, (_, i) => exactGradient(perceptron, parameters, set, i).gradient);
    const [left, right] = [gradients(outputs), gradients(samples)];
    for (const [l, { scores }] of found.entries()) {
      const of = (g: Float64Array) => g.subarray(l * 25, l * 25 + sizes[l]);
      const exact = left.flatMap((a) => right.map((b) => dot(of(a), of(b))));
      expect(relativeError(scores.data, exact)).toBeLessThan(1e-5);
    }
  });
});

describe('scores by token', () => {
  it('add up to the whole with what has no positions', async () => {
    for (const head of ['tied', 'untied'] as const) {
      const attribution = attributionOf(tinyDecoder(head, ['feedForward']), sequences(9, 3), 5);
      const { positions, rest } = await tokenScores(ekfacMethod, attribution, EKFAC, asked, attribution.samples);
      expect(positions.shape).toEqual([3, 9, CONTEXT]);
      const whole = await scoreOf(ekfacMethod, attribution, EKFAC, asked);
      const sums = rest.data.map((x, i) =>
        positions.data.subarray(i * CONTEXT, (i + 1) * CONTEXT).reduce((sum, part) => sum + part, x),
      );
      expect(relativeError(sums, whole.data)).toBeLessThan(1e-5);
      // scales have no positions
      expect(rest.data.some((x) => x !== 0)).toBe(true);
    }
  });

  it('are the scores of samples of which only that token is asked, where positions never meet', async () => {
    const model = bigram(VOCABULARY, CONTEXT);
    const attribution = attributionOf(model, sequences(9, 3), 5);
    const all = attribution.samples;
    const tokens = await tokenScores(gradDotMethod, attribution, { epoch: LAST }, asked, all);
    const curved = await tokenScores(ekfacMethod, attribution, EKFAC, asked, all);
    const count = Array.from(
      { length: 9 },
      (_, i) => all.targets.subarray(i * CONTEXT, (i + 1) * CONTEXT).filter((t: number) => t >= 0).length,
    );
    for (let t = 0; t < CONTEXT; t++) {
      const targets = Int32Array.from(all.targets, (target, i) => (i % CONTEXT === t ? target : -1));
      const only = { ...all, targets };
      for (const [found, method, settings] of [
        [tokens, gradDotMethod, { epoch: LAST }],
        [curved, ekfacMethod, EKFAC],
      ] as const) {
        const alone = await scoreOf<Record<string, number | string>>(method, attribution, settings, asked, only);
        const expected = alone.data.map((x, i) => x / count[i % 9]);
        const at = alone.data.map((_, i) => found.positions.data[i * CONTEXT + t]);
        expect(relativeError(at, expected)).toBeLessThan(1e-4);
      }
    }
    expect(tokens.rest.data.every((x) => x === 0)).toBe(true);
  });

  it('are refused of models that read no sequences', async () => {
    const attribution = attributionOf(perceptron, samples, 3);
    await expect(tokenScores(ekfacMethod, attribution, EKFAC, outputs, samples)).rejects.toThrow(/objective class/);
  });

  it('give the same bits for a row whatever is asked with it', async () => {
    const { positions } = await tokenScores(ekfacMethod, onDecoder, EKFAC, asked, onDecoder.samples);
    const rows = selectSamples(onDecoder.samples, [7, 2]);
    const part = await tokenScores(ekfacMethod, onDecoder, EKFAC, selectSamples(asked, [2]), rows);
    const expected = [7, 2].flatMap((i) => [...positions.data.subarray((18 + i) * CONTEXT, (19 + i) * CONTEXT)]);
    expect([...part.positions.data]).toEqual(expected);
  });
});

describe('K-FAC over positions', () => {
  it('is the mean of inputs times the sum of output gradients, of a weight and of an embedding', async () => {
    const model = bigram(VOCABULARY, CONTEXT);
    const attribution: Attribution = attributionOf(model, sequences(9, 3), 5);
    const { parameters } = attribution.runs[0].states[0];
    const all = attribution.samples;
    const sampler = await openTargetSampler(cpuEngine(), model, 'sampled', 7);
    const drawn = await sampler.sample(
      parameters,
      all,
      Array.from({ length: 9 }, (_, i) => i),
      0,
    );
    await sampler.dispose();
    const [embeddingInput, embeddingOutput] = [zeros(VOCABULARY), zeros(WIDTH)];
    const [headInput, headOutput] = [zeros(WIDTH), zeros(VOCABULARY)];
    const headAt = VOCABULARY * WIDTH;
    for (let i = 0; i < 9; i++) {
      const targets = drawn.targets.subarray(i * CONTEXT, (i + 1) * CONTEXT);
      const count = targets.filter((t: number) => t >= 0).length;
      for (let t = 0; t < CONTEXT; t++) {
        const token = all.features[i * CONTEXT + t];
        const a = Float64Array.from(parameters.subarray(token * WIDTH, (token + 1) * WIDTH));
        const logits = Float64Array.from({ length: VOCABULARY }, (_, c) =>
          a.reduce((sum, x, k) => sum + x * parameters[headAt + k * VOCABULARY + c], 0),
        );
        const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
        // the mean over tokens, whose curvature asks for 1/√count in place of 1/count
        const scale = targets[t] < 0 ? 0 : 1 / Math.sqrt(count);
        const delta = logits.map((z, c) => scale * (Math.exp(z) / total - Number(c === targets[t])));
        const back = a.map((_, k) => delta.reduce((sum, d, c) => sum + d * parameters[headAt + k * VOCABULARY + c], 0));
        addOuter(headInput, a, 1 / (9 * CONTEXT));
        addOuter(headOutput, delta, 1 / 9);
        embeddingInput[token][token] += 1 / (9 * CONTEXT);
        addOuter(embeddingOutput, back, 1 / 9);
      }
    }
    const found = await layerScores(kfacMethod, attribution, EKFAC, asked, all);
    const curvatures = [kronecker(embeddingInput, embeddingOutput), kronecker(headInput, headOutput)];
    const gradients = (set: Samples) =>
      Array.from({ length: set.rows }, (_, i) => exactGradient(model, parameters, set, i).gradient);
    const [left, right] = [gradients(asked), gradients(all)];
    for (const [l, curvature] of curvatures.entries()) {
      const mean = curvature.reduce((sum, row, i) => sum + row[i], 0) / curvature.length;
      const of = (g: Float64Array) => g.subarray(l * headAt, (l + 1) * headAt);
      const exact = left.flatMap((a) => {
        const solved = solveDense(curvature, 0.1 * mean, of(a));
        return right.map((b) => dot(solved, of(b)) / 9);
      });
      expect(relativeError(found[l].scores.data, exact)).toBeLessThan(1e-3);
    }
  });
});

const zeros = (n: number): Float64Array[] => Array.from({ length: n }, () => new Float64Array(n));

function addOuter(into: readonly Float64Array[], x: ArrayLike<number>, weight: number): void {
  for (let i = 0; i < x.length; i++) for (let j = 0; j < x.length; j++) into[i][j] += weight * x[i] * x[j];
}

function kronecker(a: readonly Float64Array[], s: readonly Float64Array[]): Float64Array[] {
  const m = s.length;
  return Array.from({ length: a.length * m }, (_, i) =>
    Float64Array.from({ length: a.length * m }, (_x, j) => a[Math.floor(i / m)][Math.floor(j / m)] * s[i % m][j % m]),
  );
}
