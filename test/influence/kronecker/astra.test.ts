/** ASTRA against the whole damped matrix solved in float64. */
import { describe, expect, it } from 'vitest';
import { type Attribution, astraMethod, ekfacMethod, LAST } from '../../../src/influence/index.js';
import { solverBatches } from '../../../src/influence/kronecker/batches.js';
import { selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, exactFisher, exactGradients, relativeError, solveDense } from '../dense/dense.js';
import { attributionOf, outputs, perceptron, samples, scoreOf, sequences, tinyDecoder } from './subjects.js';

const SETTINGS = { damping: 0.1, epoch: LAST, fisher: 'empirical', steps: 600, batch: 1000, rate: 1 };
/** The layers' entries in the flat vector: weight and bias are one layer. */
const LAYER_SIZES = [25, 18];

/** g_qᵀ (F + λ)⁻¹ g_i / n over all layers together, λ a share of each layer's own mean of the diagonal. */
function wholeScores(
  { runs, samples: all }: Attribution,
  fisher: readonly Float64Array[],
  share: number,
): Float64Array {
  const { parameters } = runs[0].states[0];
  let start = 0;
  const damped = fisher.map((row) => row.slice());
  for (const size of LAYER_SIZES) {
    let mean = 0;
    for (let p = start; p < start + size; p++) mean += fisher[p][p] / size;
    for (let p = start; p < start + size; p++) damped[p][p] += share * mean;
    start += size;
  }
  const own = exactGradients(perceptron, parameters, all);
  return Float64Array.from(
    exactGradients(perceptron, parameters, outputs).flatMap((g) => {
      const solved = solveDense(damped, 0, g);
      return own.map((sample) => dot(solved, sample) / all.rows);
    }),
  );
}

describe('astra', () => {
  const attribution = attributionOf(perceptron, samples, 3);

  it('with every row in a batch reaches the whole empirical matrix, across layers, to 1e-2 of the largest score', async () => {
    const { parameters } = attribution.runs[0].states[0];
    const gradients = exactGradients(perceptron, parameters, samples);
    const size = { length: perceptron.parameterCount };
    const dense = Array.from(size, (_, a) =>
      Float64Array.from(size, (_x, b) => gradients.reduce((sum, g) => sum + (g[a] * g[b]) / samples.rows, 0)),
    );
    const exact = wholeScores(attribution, dense, 0.1);
    const found = await scoreOf(astraMethod, attribution, SETTINGS, outputs);
    expect(relativeError(found.data, exact)).toBeLessThan(1e-2);
    const { damping, epoch, fisher: kind } = SETTINGS;
    const start = await scoreOf(ekfacMethod, attribution, { damping, epoch, fisher: kind }, outputs);
    expect(relativeError(start.data, exact)).toBeGreaterThan(0.05);
  });

  it('with targets drawn anew for batches comes nearer the Gauss-Newton matrix than EK-FAC is', async () => {
    const many = cloud(120, 4, 3, 5);
    const wide = attributionOf(perceptron, many, 3);
    const { parameters } = wide.runs[0].states[0];
    const exact = wholeScores(wide, exactFisher(perceptron, parameters, many), 1);
    const settings = { ...SETTINGS, damping: 1, fisher: 'sampled', steps: 400, batch: 64, rate: 0.2 };
    const found = await scoreOf(astraMethod, wide, settings, outputs);
    const start = await scoreOf(ekfacMethod, wide, { damping: 1, epoch: LAST, fisher: 'sampled' }, outputs);
    expect(relativeError(found.data, exact)).toBeLessThan(0.7 * relativeError(start.data, exact));
  });

  it('gives the same bits for a row whatever is asked with it', async () => {
    const settings = { ...SETTINGS, fisher: 'sampled', steps: 5, batch: 10 };
    const asked = cloud(70, 4, 3, 12);
    const whole = await scoreOf(astraMethod, attribution, settings, asked);
    const rows = selectSamples(samples, [20, 5, 11]);
    const part = await scoreOf(astraMethod, attribution, settings, selectSamples(asked, [66, 3]), rows);
    expect([...part.data]).toEqual([66, 3].flatMap((q) => [20, 5, 11].map((i) => whole.data[q * samples.rows + i])));
  });

  it('takes an ensemble and sequences', async () => {
    const settings = { ...SETTINGS, steps: 3, batch: 4 };
    const scores = async (...seeds: [number, ...number[]]) =>
      (await scoreOf(astraMethod, attributionOf(perceptron, samples, ...seeds), settings, outputs)).data;
    const [both, first, second] = [await scores(3, 4), await scores(3), await scores(4)];
    const mean = first.map((x, i) => (x + second[i]) / 2);
    expect(relativeError(both, mean)).toBeLessThan(1e-5);
    const model = tinyDecoder('tied');
    const sequence = attributionOf(model, sequences(9, 3), 5);
    const found = await scoreOf(astraMethod, sequence, { ...settings, fisher: 'sampled' }, sequences(2, 4));
    expect(found.data.every(Number.isFinite) && found.data.some((x) => x !== 0)).toBe(true);
  });

  it('refuses settings that mean nothing', async () => {
    const open = (settings: Partial<typeof SETTINGS>) =>
      scoreOf(astraMethod, attribution, { ...SETTINGS, ...settings }, outputs);
    await expect(open({ steps: 0 })).rejects.toThrow(/steps is 0/);
    await expect(open({ batch: 2.5 })).rejects.toThrow(/batch is 2.5/);
    await expect(open({ rate: 0 })).rejects.toThrow(/rate of 0/);
    await expect(open({ damping: 0 })).rejects.toThrow(/damping of 0/);
  });
});

describe('batches of the solver', () => {
  it('go through all rows before one returns, and hold all rows where there are fewer', () => {
    const batches = solverBatches(10, 3, 6, 1);
    for (const epoch of [batches.slice(0, 3), batches.slice(3)]) {
      expect(new Set(epoch.flatMap((rows) => [...rows])).size).toBe(9);
    }
    expect(solverBatches(4, 100, 2, 1).map((rows) => [...rows].sort())).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });
});
