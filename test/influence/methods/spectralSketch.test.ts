/** Sketches of an ensemble's scores: what d directions keep, what a byte loses, and a row encoded alone. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { gradDotMethod, spectralSketch, trakDual } from '../../../src/influence/index.js';
import { mlp, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, scoresOf } from '../dense/attribution.js';

const model = mlp([4, 6, 3]);
const samples = cloud(40, 4, 3, 1);
const outputs = cloud(9, 4, 3, 2);
const weights = (seed: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: model.parameterCount }, () => 0.6 * random.normal());
};
const attribution = { ...attributionAt(model, samples, [weights(1), weights(2)]), calibration: cloud(60, 4, 3, 3) };

const difference = (a: Tensor, b: Tensor): number => {
  const size = Math.sqrt(b.data.reduce((sum, x) => sum + x * x, 0));
  return Math.sqrt(a.data.reduce((sum, x, i) => sum + (x - b.data[i]) ** 2, 0)) / size;
};

describe.each(['calibration', 'kernel'])('a sketch in the %s basis', (basis) => {
  it('is the whole scores with as many directions as samples, and less the fewer there are', async () => {
    const whole = await scoresOf(trakDual, attribution, outputs);
    const errors: number[] = [];
    for (const columns of [2, 8, 20, 40]) {
      const settings = { columns, basis, numbers: 'float32' };
      errors.push(difference(await scoresOf(spectralSketch, attribution, outputs, settings), whole));
    }
    expect(errors.toSorted((a, b) => b - a)).toEqual(errors);
    expect(errors[0]).toBeGreaterThan(0.05);
    expect(errors[3]).toBeLessThan(2e-3);
  });

  it('projects: scores of a sketch lie in d directions', async () => {
    const settings = { columns: 3, basis, numbers: 'float32' };
    const { data } = await scoresOf(spectralSketch, attribution, outputs, settings);
    // Gram–Schmidt over the outputs: after three there is nothing new
    const rows = Array.from({ length: outputs.rows }, (_, q) => Float64Array.from(data.subarray(q * 40, q * 40 + 40)));
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const norms = rows.map((row) => Math.sqrt(dot(row, row)));
    const directions: Float64Array[] = [];
    for (const [q, row] of rows.entries()) {
      for (const d of directions) {
        const part = dot(row, d);
        for (let i = 0; i < 40; i++) row[i] -= part * d[i];
      }
      const rest = Math.sqrt(dot(row, row));
      if (rest > 1e-3 * norms[q]) directions.push(row.map((x) => x / rest));
    }
    expect(directions).toHaveLength(3);
  });

  it('loses little in bytes', async () => {
    const of = (numbers: string) => scoresOf(spectralSketch, attribution, outputs, { columns: 12, basis, numbers });
    const error = difference(await of('int8'), await of('float32'));
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.02);
  });

  it('encodes a row alone as it does among others', async () => {
    const settings = { columns: 6, basis, numbers: 'float32' };
    const among = await scoresOf(spectralSketch, attribution, outputs, settings);
    const alone = await scoresOf(spectralSketch, attribution, outputs, settings, selectSamples(samples, [17]));
    const size = Math.max(...among.data.map(Math.abs));
    for (let q = 0; q < outputs.rows; q++) {
      expect(Math.abs(alone.data[q] - among.data[q * 40 + 17]) / size).toBeLessThan(1e-3);
    }
  });
});

it('sweeps settings as each alone, several methods among them', async () => {
  const settings = [
    { ...spectralSketch.defaults, columns: 4 },
    { ...spectralSketch.defaults, columns: 9, numbers: 'float32' },
    { ...spectralSketch.defaults, columns: 4, of: 'grad-dot' },
  ];
  const swept: Tensor[] = [];
  for await (const scores of spectralSketch.sweep!(attribution, settings, outputs)) swept.push(scores);
  for (const [s, setting] of settings.entries()) {
    expect(swept[s]).toEqual(await scoresOf(spectralSketch, attribution, outputs, setting));
  }
});

describe('sketches of other methods', () => {
  it('are those of their scores', async () => {
    const settings = { columns: 40, numbers: 'float32', of: 'grad-dot' };
    const grad = await scoresOf(gradDotMethod, attribution, outputs);
    const sketch = await scoresOf(spectralSketch, attribution, outputs, settings);
    // directions below float32 noise are left out of a sketch
    expect(difference(sketch, grad)).toBeLessThan(5e-3);
  });

  it('need calibration outputs, columns and a known method', async () => {
    const { calibration: _, ...without } = attribution;
    await expect(scoresOf(spectralSketch, without, outputs)).rejects.toThrow(/there are none.*basis = kernel/);
    await expect(scoresOf(spectralSketch, attribution, outputs, { columns: 0 })).rejects.toThrow(/columns is 0/);
    await expect(scoresOf(spectralSketch, attribution, outputs, { of: 'oracle' })).rejects.toThrow(
      /of is oracle.*trak-dual/,
    );
  });
});
