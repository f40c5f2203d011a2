/** TRAK, its dual, and what makes them equal: another road to the same number, in float64 with everything written out. */
import { describe, expect, it } from 'vitest';
import { MeedError, Random } from '../../../src/foundation/index.js';
import { type Attribution, type Method, trak, trakDual } from '../../../src/influence/index.js';
import { randomSigns } from '../../../src/influence/kernel/randomProjection.js';
import { decoder, marginLosses, mlp, mlpRegressor, type Samples, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, attributionOf, scoresOf } from '../dense/attribution.js';
import { exactGradient, solveDense } from '../dense/dense.js';

const model = mlp([4, 5, 3]);
const samples = cloud(30, 4, 3, 1);
const outputs = cloud(7, 4, 3, 2);
const others = cloud(5, 4, 3, 3);

function weights(seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: model.parameterCount }, () => 0.6 * random.normal());
}

const two = attributionAt(model, samples, [weights(1), weights(2)]);

/** φ_q (ΦᵀΦ + λI)⁻¹ φ_i with P × P numbers, and 1 − p, of one state. */
function primal(flat: Float32Array, damping: number, against: Samples, project = (g: Float64Array) => g) {
  const phi = (rows: Samples) =>
    Array.from({ length: rows.rows }, (_, i) => exactGradient(model, flat, rows, i, marginLosses));
  const [trained, asked, given] = [phi(samples), phi(outputs), phi(against)];
  const features = trained.map(({ gradient }) => project(gradient));
  const size = features[0].length;
  const square = Array.from({ length: size }, (_, a) =>
    Float64Array.from({ length: size }, (_, b) => features.reduce((sum, row) => sum + row[a] * row[b], 0)),
  );
  const trace = square.reduce((sum, row, a) => sum + row[a], 0);
  return (relativeTo: number) => {
    const lambda = (damping * trace) / relativeTo;
    return asked.map(({ gradient }) => {
      const x = solveDense(square, lambda, project(gradient));
      return given.map((row) => ({
        kernel: project(row.gradient).reduce((sum, value, a) => sum + value * x[a], 0),
        doubt: 1 / (1 + Math.exp(-row.loss)),
      }));
    });
  };
}

/** Means over the states of kernel part and 1 − p apart, then multiplied. */
function ensemble(states: ReturnType<ReturnType<typeof primal>>[]): number[] {
  return states[0].flatMap((row, q) =>
    row.map((_, i) => {
      const mean = (of: (entry: { kernel: number; doubt: number }) => number): number =>
        states.reduce((sum, state) => sum + of(state[q][i]), 0) / states.length;
      return mean(({ kernel }) => kernel) * mean(({ doubt }) => doubt);
    }),
  );
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value) / scale).toBeLessThan(tolerance);
}

describe('the dual of TRAK', () => {
  it.each([0.1, 1, 10])(
    'is the primal with every gradient written out, averaged over two states (damping %s)',
    async (damping) => {
      const states = [weights(1), weights(2)].map((flat) => primal(flat, damping, samples)(samples.rows));
      expectClose((await scoresOf(trakDual, two, outputs, { damping })).data, ensemble(states), 2e-4);
    },
  );

  it('scores rows that were not trained on by the same formula', async () => {
    const states = [weights(1), weights(2)].map((flat) => primal(flat, 1, others)(samples.rows));
    expectClose((await scoresOf(trakDual, two, outputs, {}, others)).data, ensemble(states), 2e-4);
    const copies = selectSamples(samples, [3, 4, 5, 6]);
    const own = (await scoresOf(trakDual, two, outputs)).data;
    const again = (await scoresOf(trakDual, two, outputs, {}, copies)).data;
    const cut = Array.from({ length: outputs.rows * 4 }, (_, k) => own[Math.floor(k / 4) * samples.rows + 3 + (k % 4)]);
    expectClose(again, cut, 2e-4);
  });

  it('gives a path of dampings as each of them alone, by factors and by eigenvectors', async () => {
    const path = Array.from({ length: 70 }, (_, k) => ({ ...trakDual.defaults, damping: 0.05 * 1.1 ** k }));
    const swept: Float32Array[] = [];
    for await (const { data } of trakDual.sweep!(two, path, outputs)) swept.push(data);
    for (const k of [0, 30, 69]) {
      const alone = (await scoresOf(trakDual, two, outputs, path[k])).data;
      expectClose(swept[k], [...alone], 2e-4);
    }
  });

  it('tends to all eigen-directions, and with few of them is a projection of them', async () => {
    const all = (await scoresOf(trakDual, two, outputs)).data;
    expectClose((await scoresOf(trakDual, two, outputs, { rank: samples.rows })).data, [...all], 2e-4);
    const few = (await scoresOf(trakDual, two, outputs, { rank: 2 })).data;
    expect(Math.max(...few.map((x, k) => Math.abs(x - all[k])))).toBeGreaterThan(1e-4);
    await expect(scoresOf(trakDual, two, outputs, { rank: 31 })).rejects.toThrow(/rank is 31, the kernel has 30/);
    await expect(scoresOf(trakDual, two, outputs, { rank: 2 }, others)).rejects.toThrow(/Use rank 0/);
  });

  it('takes the gradient of the loss as it is where there is no margin', async () => {
    const regressor = mlpRegressor([4, 3, 1]);
    const rows = { ...samples, targets: Float32Array.from(samples.targets) };
    const attribution = await attributionOf(regressor, rows);
    await expect(scoresOf(trakDual, attribution, rows)).rejects.toThrow(/has no margin/);
    const { data } = await scoresOf(trakDual, attribution, rows, { features: 'loss', epochs: '1,3' });
    expect(data.every(Number.isFinite)).toBe(true);
    for (let i = 0; i < rows.rows; i++) expect(data[i * rows.rows + i]).toBeGreaterThanOrEqual(0);
  });

  it('works on sequences', async () => {
    const language = decoder({
      vocabulary: 7,
      context: 4,
      width: 8,
      layers: 1,
      heads: 2,
      keyValueHeads: 2,
      hidden: 8,
      norm: 'rms',
      epsilon: 1e-5,
      positions: 'learned',
      feedForward: 'gelu',
      head: 'tied',
      biased: [],
    });
    const random = new Random(4);
    const tokens = (): number[] => Array.from({ length: 12 * 4 }, () => random.below(7));
    const text: Samples = {
      rows: 12,
      width: 4,
      features: Float32Array.from(tokens()),
      targets: Int32Array.from(tokens()),
    };
    const attribution = attributionAt(language, text, [language.initialise(new Random(5))]);
    const { data } = await scoresOf(trakDual, attribution, text, { features: 'loss' });
    expect(data.every(Number.isFinite)).toBe(true);
    const diagonal = Array.from({ length: 12 }, (_, i) => data[i * 12 + i]);
    const mean = data.reduce((sum, x) => sum + Math.abs(x), 0) / data.length;
    expect(Math.min(...diagonal)).toBeGreaterThan(mean);
  });

  it.each([['0'], ['-1'], ['Infinity']])('refuses a damping of %s', async (damping) => {
    await expect(scoresOf(trakDual, two, outputs, { damping: Number(damping) })).rejects.toThrow(MeedError);
  });

  it('names the epochs that there are', async () => {
    const attribution = await attributionOf(model, samples);
    await expect(scoresOf(trakDual, attribution, outputs, { epochs: '1,9' })).rejects.toThrow(
      /no state of epoch 9.*0, 1, 2, 3/,
    );
    // an empty word is no epoch, though it is the number 0
    await expect(scoresOf(trakDual, attribution, outputs, { epochs: '1,' })).rejects.toThrow(/no state of epoch/);
    await expect(scoresOf(trakDual, attribution, outputs, { rank: 1.5 })).rejects.toThrow(/rank is 1.5/);
  });
});

describe('TRAK', () => {
  it('is the primal on projected gradients', async () => {
    const columns = 6;
    const signs = randomSigns(columns, two.seed, 0);
    const project = (seed: number) => (gradient: Float64Array) => {
      const random = randomSigns(columns, seed, 0);
      return Float64Array.from({ length: columns }, (_, k) =>
        gradient.reduce((sum, value, p) => sum + (value * random[p * columns + k]) / Math.sqrt(columns), 0),
      );
    };
    expect(new Set(signs)).toEqual(new Set([1, -1]));
    const states = [weights(1), weights(2)].map((flat, s) =>
      primal(flat, 0.1, samples, project(two.seed + s))(columns),
    );
    const scores = await scoresOf(trak, two, outputs, { columns, damping: 0.1 });
    expectClose(scores.data, ensemble(states), 2e-4);
  });

  it('tends to its dual as the directions become many', async () => {
    const dual = (await scoresOf(trakDual, two, outputs, { damping: 1 })).data;
    const errors: number[] = [];
    for (const columns of [16, 1024]) {
      // λ is relative to the mean over k directions here, over n samples there
      const damping = columns / samples.rows;
      const { data } = await scoresOf(trak, two, outputs, { columns, damping });
      errors.push(Math.sqrt(data.reduce((sum, x, k) => sum + (x - dual[k]) ** 2, 0)));
    }
    const size = Math.sqrt(dual.reduce((sum, x) => sum + x * x, 0));
    expect(errors[1]).toBeLessThan(0.35 * errors[0]);
    expect(errors[1] / size).toBeLessThan(0.2);
  });

  it('sweeps dampings as each alone', async () => {
    const path = [0.01, 1].map((damping) => ({ columns: 16, damping, epochs: 'last' }));
    let k = 0;
    for await (const { data } of trak.sweep!(two, path, outputs)) {
      expect(data).toEqual((await scoresOf(trak, two, outputs, path[k++])).data);
    }
  });
});

describe.each<[string, Method, Record<string, number | string>]>([
  ['trak-dual', trakDual, {}],
  ['trak', trak, { columns: 8, damping: 0.1 }],
])('%s', (_, method, settings) => {
  it('gives an output the same bits whatever is asked with it', async () => {
    const whole = (await scoresOf(method, two, outputs, settings)).data;
    const part = (await scoresOf(method, two, selectSamples(outputs, [5, 1]), settings)).data;
    expect([...part]).toEqual([5, 1].flatMap((q) => [...whole.subarray(q * samples.rows, (q + 1) * samples.rows)]));
  });

  it('gives a row that was not trained on the same bits whatever is asked with it', async () => {
    const whole = (await scoresOf(method, two, outputs, settings, others)).data;
    const part = (await scoresOf(method, two, outputs, settings, selectSamples(others, [4, 2]))).data;
    const cut = Array.from({ length: outputs.rows }, (_q, q) => [4, 2].map((i) => whole[q * others.rows + i])).flat();
    expect([...part]).toEqual(cut);
  });
});

describe.each([
  ['trak-dual', trakDual, {}],
  ['trak', trak, { columns: 8, damping: 0.1 }],
] as const)('degenerate data under %s', (_, method, settings) => {
  const score = (attribution: Attribution, rows: Samples) =>
    method === trak ? scoresOf(trak, attribution, rows, settings) : scoresOf(trakDual, attribution, rows);

  it('gives finite scores for copies, a constant feature, a class of one and a row that is fitted perfectly', async () => {
    const features = samples.features.slice();
    for (let i = 0; i < samples.rows; i++) features[i * 4] = 1;
    features.copyWithin(4, 0, 4);
    const targets = samples.targets.map((_, i) => (i === 9 ? 2 : i % 2));
    const rows = { ...samples, features, targets };
    const sure = weights(1).map((w) => 200 * w);
    for (const flat of [weights(1), sure]) {
      const { data } = await score(attributionAt(model, rows, [flat]), rows);
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });

  it('scores nothing where no gradient is', async () => {
    const flat = new Float32Array(model.parameterCount);
    const none = { ...samples, targets: new Int32Array(samples.rows).fill(-1) };
    const { data } = await score(attributionAt(model, none, [flat]), outputs);
    expect(data.every((x) => x === 0)).toBe(true);
  });
});
