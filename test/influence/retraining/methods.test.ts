/**
 * Methods that retrain, against trainings in float64 by the interpreter for every subset that they ask for, and against
 * the definitions over all coalitions.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { cpuEngine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { type Attribution, findMethod, METHODS } from '../../../src/influence/methods/index.js';
import type { ScoringOptions } from '../../../src/influence/pathScorer.js';
import {
  allCoalitions,
  exactBanzhaf,
  exactShapley,
  exactShapleyOf,
  PENALTIES,
  retrainingGame,
  ridgeDatamodels,
  rowsOfGroups,
  type Trainings,
} from '../../../src/influence/retraining/index.js';
import {
  linear,
  lossesOf,
  marginLosses,
  mlp,
  type Recipe,
  type Samples,
  selectSamples,
} from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { float64Run } from '../magic/float64.js';

const engine = cpuEngine();
const model = mlp([3, 4, 2], { activation: 'gelu' });
const recipe: Recipe = {
  epochs: 3,
  batch: 2,
  optimiser: { name: 'sgd', momentum: 0.5, weightDecay: 0 },
  schedule: { name: 'constant', rate: 0.1 },
  dropout: 0.1,
};
const samples = cloud(4, 3, 2, 5);
const outputs = cloud(3, 3, 2, 6);
const SEED = 11;
const attribution: Attribution = {
  engine,
  model,
  samples,
  runs: [{ states: [], recipe, seed: SEED }],
  seed: 2,
};
const outputAt = (all: Samples, row: number): Samples => selectSamples(all, [row]);

async function scoresOf(
  name: string,
  settings: Record<string, number | string> = {},
  choice: {
    readonly given?: Attribution;
    readonly asked?: Samples;
    readonly of?: Samples;
    readonly options?: ScoringOptions;
  } = {},
): Promise<Float32Array> {
  const { given = attribution, asked = outputs, options } = choice;
  const of = choice.of ?? given.samples;
  const method = findMethod(name);
  const scorer = await method.open(given, { ...method.defaults, ...settings }, options);
  const { shape, data } = await scorer.score(asked, of);
  await scorer.dispose();
  expect(shape).toEqual([asked.rows, of.rows]);
  return data;
}

/** −loss of output q after training on these rows, in float64. */
function float64Value(rows: Uint32Array, q: number): number {
  const ones = new Float64Array(4).fill(1);
  return -float64Run({ model, recipe, seed: SEED, samples, rows }).loss(ones, outputAt(outputs, q));
}

/** By coalition bits, one table for each output. */
let tables: number[][];
beforeAll(() => {
  tables = [0, 1, 2].map((q) =>
    allCoalitions(4).map((coalition) => {
      if (coalition.length > 0) return float64Value(coalition, q);
      const still = { ...recipe, schedule: { name: 'constant', rate: 0 } } as const;
      const ones = new Float64Array(4).fill(1);
      return -float64Run({ model, recipe: still, seed: SEED, samples, rows: Uint32Array.of(0) }).loss(
        ones,
        outputAt(outputs, q),
      );
    }),
  );
});
const near = (given: ArrayLike<number>, expected: ArrayLike<number>, digits = 4): void => {
  expect(given.length).toBe(expected.length);
  for (let i = 0; i < given.length; i++) expect(given[i]).toBeCloseTo(expected[i], digits);
};

describe('the game of who is trained on', () => {
  const trainings: Trainings = { model, samples, recipe, seeds: [SEED] };
  const players = [0, 1, 2, 3].map((row) => Uint32Array.of(row));

  it('has the values of trainings in float64, that of nobody being the initial model’s', async () => {
    const values = await retrainingGame(trainings, outputs, players).values(allCoalitions(4));
    for (const [s, value] of values.entries())
      near(
        value,
        [0, 1, 2].map((q) => tables[q][s]),
        5,
      );
  });

  it('gives groups what their rows give together', async () => {
    const groups = rowsOfGroups([1, 0, 1, 0], 2);
    expect(groups).toEqual([Uint32Array.of(1, 3), Uint32Array.of(0, 2)]);
    const game = retrainingGame(trainings, outputs, groups);
    const { values } = await exactShapleyOf(game);
    for (const q of [0, 1, 2]) {
      const [none, first, second, both] = [0, 0b1010, 0b0101, 0b1111].map((bits) => tables[q][bits]);
      near(
        values.subarray(2 * q, 2 * q + 2),
        [(first - none + both - second) / 2, (second - none + both - first) / 2],
        5,
      );
    }
  });

  it('averages over seeds', async () => {
    const all = [Uint32Array.of(0, 1, 2, 3), new Uint32Array()];
    const of = (seeds: number[]) => retrainingGame({ ...trainings, seeds }, outputs, players).values(all);
    const [a, b, both] = [await of([1]), await of([2]), await of([1, 2])];
    for (const [c, value] of both.entries())
      near(
        value,
        value.map((_, q) => (a[c][q] + b[c][q]) / 2),
        9,
      );
    expect(a).not.toEqual(b);
  });

  it('refuses players who share a row, have none, or one that is not there', () => {
    const refused = (given: Uint32Array[]) => () => retrainingGame(trainings, outputs, given);
    expect(refused([Uint32Array.of(0, 1), Uint32Array.of(1)])).toThrow(/Row 1 is of the players 0 and 1/);
    expect(refused([Uint32Array.of(0), new Uint32Array()])).toThrow(/Player 1 has no row/);
    expect(refused([Uint32Array.of(4)])).toThrow(/Player 0 has row 4, there are 4/);
    expect(() => rowsOfGroups([0, 2], 2)).toThrow(/Row 1 is of group 2, there are 2/);
    expect(() => retrainingGame({ ...trainings, seeds: [] }, outputs, players)).toThrow(/without a seed/);
  });
});

describe('leave-one-out', () => {
  it('is the rise of the loss in float64 with the sample at weight 0', async () => {
    const scores = await scoresOf('leave-one-out');
    const run = float64Run({ model, recipe, seed: SEED, samples, rows: Uint32Array.of(0, 1, 2, 3) });
    const ones = new Float64Array(4).fill(1);
    for (let q = 0; q < 3; q++) {
      const loss = (weights: Float64Array) => run.loss(weights, outputAt(outputs, q));
      near(
        scores.subarray(4 * q, 4 * q + 4),
        ones.map((_, row) => loss(ones.with(row, 0)) - loss(ones)),
        5,
      );
    }
  });

  it('without the row, is the rise of the loss of a training on the others', async () => {
    const scores = await scoresOf('leave-one-out', { removal: 'rows' });
    for (let q = 0; q < 3; q++) {
      const rises = [0, 1, 2, 3].map((row) => tables[q][0b1111] - tables[q][0b1111 ^ (1 << row)]);
      near(scores.subarray(4 * q, 4 * q + 4), rises, 5);
    }
  });

  it('averages repeats, explains another scalar, and gives 0 to what the run never saw', async () => {
    const seeded = (seed: number) => ({ ...attribution, runs: [{ ...attribution.runs[0], seed }] }) as const;
    const [a, b] = [
      await scoresOf('leave-one-out', {}, { given: seeded(5) }),
      await scoresOf('leave-one-out', {}, { given: seeded(6) }),
    ];
    near(
      await scoresOf('leave-one-out', { repeats: 2 }, { given: seeded(5) }),
      a.map((x, i) => (x + b[i]) / 2),
      6,
    );
    const margins = await scoresOf('leave-one-out', {}, { options: { target: marginLosses } });
    expect(margins).not.toEqual(await scoresOf('leave-one-out'));
    // of two classes the margin is log(p/(1 − p)), which is told by the loss
    const at = model.initialise(new Random(1));
    const losses = await lossesOf(engine, model, at, outputs);
    const margin = await lossesOf(engine, model, at, outputs, marginLosses);
    const unsure = [0, 1, 2].filter((q) => losses[q] > 0.01);
    expect(unsure.length).toBeGreaterThan(0);
    for (const q of unsure) expect(margin[q]).toBeCloseTo(Math.log(Math.expm1(losses[q])), 3);
    const part = { ...attribution, runs: [{ ...attribution.runs[0], rows: Uint32Array.of(0, 2, 3) }] } as const;
    const some = await scoresOf('leave-one-out', {}, { given: part });
    expect([some[1], some[5], some[9]]).toEqual([0, 0, 0]);
    expect(some.filter((x) => x !== 0)).toHaveLength(9);
  });
});

describe('values of coalitions', () => {
  it('truncated Monte Carlo without a tolerance is complete and near the exact Shapley value', async () => {
    const scores = await scoresOf('data-shapley-tmc', { permutations: 600, tolerance: 0 });
    for (let q = 0; q < 3; q++) {
      const own = scores.subarray(4 * q, 4 * q + 4);
      expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(tables[q][15] - tables[q][0], 5);
      const exact = exactShapley(tables[q]);
      const spread = Math.max(...exact.map((x) => Math.abs(x)));
      for (const [i, x] of exact.entries()) expect(Math.abs(own[i] - x)).toBeLessThan(0.1 * spread);
    }
  });

  it('truncated, it is off by no more than the tolerance, for an output alone as beside others', async () => {
    const settings = { permutations: 10, tolerance: 0.05 };
    const whole = await scoresOf('data-shapley-tmc', settings);
    const exact = await scoresOf('data-shapley-tmc', { ...settings, tolerance: 0 });
    expect(whole).not.toEqual(exact);
    for (let q = 0; q < 3; q++) {
      const own = whole.subarray(4 * q, 4 * q + 4);
      const gap = own.reduce((a, b) => a + b, 0) - (tables[q][15] - tables[q][0]);
      expect(Math.abs(gap)).toBeLessThanOrEqual(0.05 + 1e-5);
      expect(await scoresOf('data-shapley-tmc', settings, { asked: outputAt(outputs, q) })).toEqual(own);
    }
  });

  it('Banzhaf by many random coalitions is near the exact one', async () => {
    const scores = await scoresOf('banzhaf', { coalitions: 3000 });
    for (let q = 0; q < 3; q++) {
      const exact = exactBanzhaf(tables[q]);
      const spread = Math.max(...exact.map((x) => Math.abs(x)));
      for (const [i, x] of exact.entries()) expect(Math.abs(scores[4 * q + i] - x)).toBeLessThan(0.15 * spread);
    }
    expect(await scoresOf('banzhaf', { coalitions: 20 }, { asked: outputAt(outputs, 1) })).toEqual(
      (await scoresOf('banzhaf', { coalitions: 20 })).subarray(4, 8),
    );
  });

  it('datamodels of half subsets are those of the float64 trainings, for an output alone as beside others', async () => {
    const scores = await scoresOf('datamodels', { subsets: 20 });
    const alone = await scoresOf('datamodels', { subsets: 20 }, { asked: outputAt(outputs, 1) });
    expect(alone).toEqual(scores.subarray(4, 8));
    // every subset of two has a value; the fit of all of them, unpenalised, is the mean with less the mean without
    for (let q = 0; q < 3; q++) {
      const pairs = [3, 5, 6, 9, 10, 12];
      const effect = [0, 1, 2, 3].map((row) => {
        const mean = (has: number) => {
          const those = pairs.filter((bits) => ((bits >>> row) & 1) === has);
          return those.reduce((sum, bits) => sum + tables[q][bits], 0) / those.length;
        };
        return mean(1) - mean(0);
      });
      const dot = effect.reduce((sum, x, i) => sum + x * scores[4 * q + i], 0);
      const norm = Math.hypot(...effect) * Math.hypot(...scores.subarray(4 * q, 4 * q + 4));
      expect(dot / norm).toBeGreaterThan(0.8);
    }
  });
});

describe('ridge datamodels', () => {
  const random = new Random(3);
  const [subsets, rows] = [12, 5];
  const masks = { shape: [subsets, rows], data: Float32Array.from({ length: subsets * rows }, () => random.below(2)) };
  const values = { shape: [subsets, 2], data: Float64Array.from({ length: subsets * 2 }, () => random.normal()) };

  /** (XᵀX + λI) w = Xᵀy of centred X and y, by elimination. */
  function normalEquations(count: number, q: number, penalty: number): number[] {
    const at = (k: number, i: number) => masks.data[k * rows + i];
    const means = Array.from({ length: rows }, (_, i) => mean(count, (k) => at(k, i)));
    const meanValue = mean(count, (k) => values.data[k * 2 + q]);
    const x = Array.from({ length: count }, (_, k) => means.map((m, i) => at(k, i) - m));
    const trace = x.flat().reduce((sum, v) => sum + v * v, 0);
    const lambda = (penalty * trace) / count;
    const system = Array.from({ length: rows }, (_, i) => [
      ...Array.from({ length: rows }, (_, j) => x.reduce((sum, row) => sum + row[i] * row[j], i === j ? lambda : 0)),
      x.reduce((sum, row, k) => sum + row[i] * (values.data[k * 2 + q] - meanValue), 0),
    ]);
    for (let p = 0; p < rows; p++) {
      for (let r = 0; r < rows; r++) {
        if (r === p) continue;
        const factor = system[r][p] / system[p][p];
        for (let c = p; c <= rows; c++) system[r][c] -= factor * system[p][c];
      }
    }
    return system.map((row, i) => row[rows] / row[i]);
  }
  const mean = (count: number, of: (k: number) => number): number =>
    Array.from({ length: count }, (_, k) => of(k)).reduce((a, b) => a + b, 0) / count;

  it('solve the normal equations, at the penalty whose error on the held-out subsets is least', async () => {
    const { weights, penalties } = await ridgeDatamodels(engine, masks, values, 4);
    for (const q of [0, 1]) {
      near(weights.subarray(q * rows, (q + 1) * rows), normalEquations(subsets, q, penalties[q]), 8);
      const errors = PENALTIES.map((penalty) => {
        const w = normalEquations(8, q, penalty);
        const predict = (k: number) =>
          w.reduce(
            (sum, wi, i) => sum + wi * (masks.data[k * rows + i] - mean(8, (j) => masks.data[j * rows + i])),
            mean(8, (j) => values.data[j * 2 + q]),
          );
        return [8, 9, 10, 11].reduce((sum, k) => sum + (predict(k) - values.data[k * 2 + q]) ** 2, 0);
      });
      expect(PENALTIES[errors.indexOf(Math.min(...errors))]).toBe(penalties[q]);
    }
  });

  it('are 0 where the masks say nothing, and refuse too few subsets', async () => {
    const same = { shape: [4, 2], data: new Float32Array(8).fill(1) };
    const four = { shape: [4, 1], data: Float64Array.of(1, 2, 3, 4) };
    expect((await ridgeDatamodels(engine, same, four, 1)).weights).toEqual(new Float64Array(2));
    await expect(ridgeDatamodels(engine, same, four, 3)).rejects.toThrow(/fitted to 1 of 4 subsets/);
    await expect(ridgeDatamodels(engine, same, values, 1)).rejects.toThrow(/with 12 measurements/);
  });
});

describe('all methods that retrain', () => {
  const few: Record<string, Record<string, number>> = {
    'leave-one-out': {},
    datamodels: { subsets: 6 },
    'data-shapley-tmc': { permutations: 2 },
    banzhaf: { coalitions: 8 },
  };

  it.each(Object.keys(few))(
    '%s: a class of one sample, duplicates and a constant feature give finite scores',
    async (name) => {
      const features = samples.features.slice();
      features.copyWithin(3, 0, 3);
      for (let row = 0; row < 4; row++) features[row * 3 + 2] = 1;
      const given = {
        ...attribution,
        model: linear(3, 2),
        samples: { ...samples, features, targets: Int32Array.of(0, 0, 1, 0) },
      };
      expect((await scoresOf(name, few[name], { given })).every(Number.isFinite)).toBe(true);
    },
  );

  it.each(Object.keys(few))(
    '%s: scores what was trained on and nothing else, and says when a training diverges',
    async (name) => {
      await expect(scoresOf(name, few[name], { of: outputs })).rejects.toThrow(/Sample 0 is none of the 4/);
      const schedule = { name: 'constant', rate: 1e30 } as const;
      const wild = { ...attribution, runs: [{ ...attribution.runs[0], recipe: { ...recipe, schedule } }] } as const;
      await expect(scoresOf(name, few[name], { given: wild })).rejects.toThrow(/training loss is/);
    },
  );

  it('refuse a run that took a sample twice', async () => {
    const twice = { ...attribution, runs: [{ ...attribution.runs[0], rows: Uint32Array.of(0, 1, 1) }] } as const;
    await expect(scoresOf('leave-one-out', {}, { given: twice })).rejects.toThrow(/2 samples in 3 rows/);
  });

  it('refuse settings that make no sense', async () => {
    await expect(scoresOf('leave-one-out', { removal: 'magic' })).rejects.toThrow(/removal is magic/);
    await expect(scoresOf('leave-one-out', { repeats: 0 })).rejects.toThrow(/repeats is 0/);
    await expect(scoresOf('datamodels', { fraction: 1 })).rejects.toThrow(/share 1 of 4 samples/);
    await expect(scoresOf('banzhaf', { coalitions: 1 })).rejects.toThrow(/coalitions is 1/);
    await expect(scoresOf('data-shapley-tmc', { tolerance: -1 })).rejects.toThrow(/tolerance is -1/);
    for (const name of Object.keys(few)) expect(METHODS.map((method) => method.name)).toContain(name);
  });
});
