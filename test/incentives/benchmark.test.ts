import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset } from '../../src/data/index.js';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import {
  flatRow,
  type IncentiveOptions,
  type IncentiveResult,
  PLANTS,
  plant,
  runIncentives,
  type ScoreMethod,
  type Subject,
  scoreMethod,
  writeIncentives,
} from '../../src/incentives/index.js';
import { openTrial } from '../../src/incentives/trial.js';
import { meanValues, measureValues } from '../../src/incentives/values.js';
import { findMethod } from '../../src/influence/index.js';
import { linear } from '../../src/models/index.js';
import { refusal } from '../data/fixture.js';

const WIDTH = 4;
const RECIPE = {
  epochs: 4,
  batch: 16,
  optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
  schedule: { name: 'constant', rate: 0.01 },
  dropout: 0,
} as const;

/** Two clouds; three honest contributors of 60, 40 and 20 rows. */
function clouds(): Dataset {
  const random = new Random(2);
  const sizes = [60, 40, 20];
  const split = (rows: number) => {
    const labels = Int32Array.from({ length: rows }, (_, i) => i % 2);
    const features = Float32Array.from(
      { length: rows * WIDTH },
      (_, i) => random.normal() + (i % WIDTH < 2 ? 2 * labels[Math.floor(i / WIDTH)] : 0),
    );
    return { features, labels, rows, width: WIDTH };
  };
  return {
    card: {
      name: 'clouds',
      title: 'Clouds',
      licence: 'CC0-1.0',
      origin: 'made by the project',
      contributorColumn: 'owner',
      classes: ['low', 'high'],
      featureShape: [WIDTH],
      files: [],
      description: 'Two clouds.',
    },
    contributors: sizes.map((_, c) => ({ name: `owner ${c}` })),
    train: { ...split(120), contributors: Int32Array.from(sizes.flatMap((n, c) => new Array<number>(n).fill(c))) },
    heldOut: split(90),
  };
}

const subject: Subject = { name: 'clouds', dataset: clouds(), model: linear(WIDTH, 2), recipe: RECIPE };

/** Scores that are known: every row helps every output by 1. */
const constant: ScoreMethod = {
  name: 'constant',
  additivity: 'relative',
  open: async () => ({
    name: 'constant',
    scale: 'ones',
    additivity: 'relative',
    score: async (outputs, samples) => ({
      shape: [outputs.rows, samples.rows],
      data: new Float32Array(outputs.rows * samples.rows).fill(1),
    }),
    dispose: async () => {},
  }),
};

function options(overrides: Partial<IncentiveOptions> = {}): IncentiveOptions {
  return {
    engine: cpuEngine(),
    subjects: [subject],
    methods: [scoreMethod(findMethod('in-run')), constant],
    seeds: [1, 2],
    counts: { receipts: 20, earlier: 10, values: 30 },
    resamples: 20,
    mostCoalitions: 16,
    permutations: 8,
    ...overrides,
  };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'meed-incentives-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('the incentive benchmark', () => {
  let result: IncentiveResult;
  beforeAll(async () => {
    result = await runIncentives(options());
  }, 120_000);

  const rowOf = (method: string, policy: string) => {
    const found = result.rows.find((row) => row.method === method && row.policy === policy);
    if (!found) throw new Error(`no row ${method} ${policy}`);
    return found;
  };

  it('has one line for each method and policy, with figures that can be', () => {
    expect(result.rows.length).toBe(2 * result.policies.length);
    for (const row of result.rows) {
      for (const value of Object.values(flatRow(row)))
        if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite);
      for (const r of [row.pearson, row.spearman, row.pearsonPerRow])
        if (r !== undefined) expect(Math.abs(r)).toBeLessThanOrEqual(1);
      expect(row.sybilGain).toBeGreaterThanOrEqual(1);
      expect(row.unpaid).toBeLessThanOrEqual(1);
    }
  });

  it('pays by constant scores what the rows say, whatever the policy, and finds nothing to attack', () => {
    for (const { card } of [
      { card: { name: 'positive part per contributor' } },
      { card: { name: 'pooled per batch' } },
    ]) {
      const row = rowOf('constant', card.name);
      expect(row.sybilGain).toBeCloseTo(1, 9);
      expect(row.sybilInformed).toBeCloseTo(1, 9);
      expect(row.mergeGain).toBeCloseTo(1, 9);
      expect(row.unpaid).toBeCloseTo(0, 9);
      expect(row.stability).toBeCloseTo(1, 9);
      for (const kind of PLANTS) expect(row.planted[kind]).toBeCloseTo(1, 9);
      // everybody gets the part of its rows of any fee, so a fee to oneself returns that of the largest
      expect(row.selfReturn).toBeCloseTo(0.5, 9);
      expect(row.hostReturn).toBeCloseTo(0.5, 9);
      expect(row.coherence).toBeCloseTo(1, 9);
      // one a row has nothing to correlate with: a constant
      expect(row.pearsonPerRow).toBeUndefined();
    }
    const shares = result.contributors.map(({ shares: all }) =>
      all.find(({ method, policy }) => method === 'constant' && policy === 'pooled per row'),
    );
    expect(shares.map((one) => one?.share.toFixed(9))).toEqual(['0.500000000', '0.333333333', '0.166666667']);
  });

  it('finds in-run scores nearly complete, and noise and wrong labels worth less than honest rows', () => {
    const row = rowOf('in-run', 'pooled per row');
    expect(row.completeness).toBeGreaterThan(0.8);
    expect(row.completeness).toBeLessThan(1.25);
    expect(rowOf('constant', 'pooled per row').completeness).toBeUndefined();
    expect(row.planted.flipped).toBeLessThan(0.5);
    expect(row.planted.noise).toBeLessThan(1);
    expect(row.sybilGain).toBeCloseTo(1, 9);
    for (const { card } of [{ card: { name: 'positive part per contributor' } }]) {
      const paid = rowOf('in-run', card.name);
      // a receipt pays nobody more than its own fee
      expect(paid.selfReturn).toBeLessThanOrEqual(1 + 1e-9);
      expect(paid.hostReturn).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  it('gives the same table again, also from finished retrainings', async () => {
    const store = folder();
    const notices: string[] = [];
    const first = await runIncentives(options({ store }));
    const again = await runIncentives(options({ store, notice: (sentence) => notices.push(sentence) }));
    expect(first.rows).toEqual(result.rows);
    expect(again).toEqual(first);
    expect(notices.some((sentence) => sentence.includes('jobs were found finished'))).toBe(true);
  }, 120_000);

  it('writes a Parquet file that reads back as the table', async () => {
    const path = join(folder(), "an 'odd' name.parquet");
    await writeIncentives(path, result.rows);
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    const read = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path.replaceAll("'", "''")}')`);
    const rows = read.getRowObjectsJS();
    connection.closeSync();
    database.closeSync();
    expect(rows).toEqual(result.rows.map(flatRow));
    expect(readFileSync(path).length).toBeGreaterThan(1000);
    expect(await refusal(() => writeIncentives(path, []))).toContain('A table without rows');
  });

  it('refuses options that mean nothing', async () => {
    expect(await refusal(() => runIncentives(options({ seeds: [] })))).toContain('0 seeds');
    expect(await refusal(() => runIncentives(options({ mostCoalitions: 0.5 })))).toContain('mostCoalitions is 0.5');
    expect(await refusal(() => runIncentives(options({ resamples: -1 })))).toContain('-1 resamples');
  });
});

describe('measured values', () => {
  it('add up to what all rows are worth, output by output, and leave-one-out is the last joiner of each', async () => {
    const counts = { receipts: 8, earlier: 4, values: 12 };
    const trial = await openTrial(cpuEngine(), subject, { seed: 3, dataSeed: 1, counts }, {});
    const exact = await measureValues(subject, trial, { mostCoalitions: 8, permutations: 8 }, {});
    expect([exact.how, exact.coalitions, exact.samplingError]).toEqual(['exact', 8, 0]);
    const worth = meanValues(exact.shapley).reduce((sum, value) => sum + value, 0);
    // what training all rows did to the value outputs, by the run that is paid for
    const { lossesOf } = await import('../../src/models/index.js');
    const { model, runs } = trial.attribution;
    const { states } = runs[0];
    const mean = async (parameters: Float32Array) =>
      (await lossesOf(cpuEngine(), model, parameters, trial.valueOutputs)).reduce((sum, loss) => sum + loss, 0) / 12;
    const fall = (await mean(states[0].parameters)) - (await mean(states[states.length - 1].parameters));
    expect(worth).toBeCloseTo(fall, 5);
    const answers = meanValues(exact.answers).reduce((sum, value) => sum + value, 0);
    expect(answers).toBeCloseTo(trial.fall / trial.receipts, 5);
    // orders of three players are few: many sampled ones come near the exact values
    const sampled = await measureValues(subject, trial, { mostCoalitions: 4, permutations: 60 }, {});
    expect(sampled.how).toBe('sampled');
    const [a, b] = [meanValues(exact.shapley), meanValues(sampled.shapley)];
    for (const c of a.keys()) expect(Math.abs(a[c] - b[c])).toBeLessThanOrEqual(4 * sampled.samplingError + 1e-9);
    expect(sampled.samplingError).toBeGreaterThan(0);
  }, 60_000);

  it('shares no row between receipts, the earlier batch and value outputs', async () => {
    const counts = { receipts: 500, earlier: 500, values: 500 };
    const trial = await openTrial(cpuEngine(), subject, { seed: 1, dataSeed: 1, counts }, {});
    const rowText = (features: Float32Array, row: number) => features.subarray(row * WIDTH, (row + 1) * WIDTH).join();
    const held = trial.receipts + trial.earlier;
    const used = Array.from({ length: held }, (_, q) => rowText(trial.outputs.features, q));
    const value = Array.from({ length: trial.valueOutputs.rows }, (_, q) => rowText(trial.valueOutputs.features, q));
    expect(new Set([...used, ...value]).size).toBe(90);
    expect(used.length + value.length).toBe(90);
    const few = { ...subject, dataset: { ...subject.dataset, heldOut: { ...subject.dataset.heldOut, rows: 2 } } };
    few.dataset.heldOut = {
      ...few.dataset.heldOut,
      features: few.dataset.heldOut.features.slice(0, 2 * WIDTH),
      labels: few.dataset.heldOut.labels.slice(0, 2),
    };
    expect(await refusal(() => openTrial(cpuEngine(), few, { seed: 1, dataSeed: 1, counts }, {}))).toContain(
      '2 held-out rows, too few',
    );
  });
});

describe('planted contributors', () => {
  const dataset = clouds();
  const planted = plant(dataset, 7);
  const { train } = planted.dataset;
  const rowsOf = (c: number) => Array.from(train.contributors.keys()).filter((row) => train.contributors[row] === c);
  const text = (data: { features: Float32Array }, row: number) =>
    data.features.subarray(row * WIDTH, (row + 1) * WIDTH).join();

  it('have as many rows each, after all others, and take only what they say', () => {
    for (const kind of PLANTS) expect(rowsOf(planted.plants[kind]).length).toBe(6);
    expect(Array.from(train.contributors)).toEqual(Array.from(train.contributors).sort((a, b) => a - b));
    // 12 rows moved, 18 new ones
    expect(train.rows).toBe(120 + 18);
    const before = new Map(Array.from({ length: 120 }, (_, row) => [text(dataset.train, row), row]));
    for (const row of rowsOf(planted.plants.control)) {
      const from = before.get(text(train, row));
      expect(from).toBeDefined();
      expect(train.labels[row]).toBe(dataset.train.labels[from ?? 0]);
    }
    for (const row of rowsOf(planted.plants.flipped)) {
      const from = before.get(text(train, row));
      expect(from).toBeDefined();
      expect(train.labels[row]).not.toBe(dataset.train.labels[from ?? 0]);
    }
    const victims = new Set(rowsOf(planted.victim).map((row) => `${text(train, row)} ${train.labels[row]}`));
    expect(planted.victim).toBe(0);
    for (const row of rowsOf(planted.plants.copied))
      expect(victims.has(`${text(train, row)} ${train.labels[row]}`)).toBe(true);
    for (const row of rowsOf(planted.plants['near-copied'])) expect(before.has(text(train, row))).toBe(false);
    expect(planted.honest).toEqual([true, true, true, true, false, false, false, false]);
  });

  it('are decided by the seed, and need rows', async () => {
    expect(plant(dataset, 7)).toEqual(planted);
    expect(plant(dataset, 8).dataset.train.features).not.toEqual(train.features);
    const tiny = {
      ...dataset,
      train: {
        features: dataset.train.features.slice(0, 4 * WIDTH),
        labels: dataset.train.labels.slice(0, 4),
        contributors: Int32Array.of(0, 0, 1, 2),
        rows: 4,
        width: WIDTH,
      },
    };
    expect(await refusal(() => plant(tiny, 1))).toContain('too few honest rows');
  });
});
