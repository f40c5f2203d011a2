/**
 * The grid end to end on trainings of milliseconds: the same seed gives the same table, an interrupted evaluation goes on,
 * settings are chosen on held-out queries, and a method that does not fit leaves its sentence.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../../src/foundation/index.js';
import {
  chooseSettings,
  evaluateGrid,
  findMeasure,
  findMethod,
  type GridOptions,
  type GridRow,
  jointTruth,
  lds,
  MEASURES,
  type Method,
  TIMES,
  trainRuns,
  writeGrid,
  writeTruth,
} from '../../../src/influence/index.js';
import { readMatrix } from '../../../src/influence/scoreFiles/index.js';
import { tinySetting } from './tinySetting.js';

const folder = mkdtempSync(join(tmpdir(), 'meed-grid-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const setting = tinySetting();
const gradDot = findMethod('grad-dot');

function options(name: string, changes: Partial<GridOptions> = {}): GridOptions {
  return {
    cells: join(folder, name, 'cells'),
    work: { store: join(folder, name, 'retrainings') },
    bootstrap: { replicates: 30 },
    ...changes,
  };
}

function timeless(rows: readonly GridRow[]): object[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !TIMES.some((time) => time === name))),
  );
}

/** Grad-dot times a number: 1 helps, −1 is wrong about everything. */
function scaled(name: string, factors: readonly number[], tell: (factor: number) => void = () => {}): Method {
  return {
    ...gradDot,
    name,
    defaults: { factor: factors[0] },
    grid: factors.slice(1).map((factor) => ({ factor })),
    async open(attribution, { factor }, scoring) {
      if (factor === 0) throw new MeedError('A factor of 0 scores nothing', 'Give another');
      tell(Number(factor));
      const scorer = await gradDot.open(attribution, gradDot.defaults, scoring);
      return {
        ...scorer,
        async score(outputs, samples) {
          const { shape, data } = await scorer.score(outputs, samples);
          return { shape, data: data.map((value) => value * Number(factor)) };
        },
      };
    },
  };
}

describe('the grid', () => {
  it('gives every measure a figure with an interval, the same again for the same seed', async () => {
    const first = await evaluateGrid([setting], [gradDot], MEASURES, options('first'));
    expect([...new Set(first.map(({ measure }) => measure))]).toEqual(MEASURES.map(({ name }) => name));
    for (const row of first) {
      expect(row.note, `${row.measure} ${row.note}`).toBeNull();
      expect(row.low, row.at).not.toBeNull();
      expect(row.value, row.at).toBeGreaterThanOrEqual(row.low ?? Number.NaN);
      expect(row.value, row.at).toBeLessThanOrEqual(row.high ?? Number.NaN);
    }
    const second = await evaluateGrid([setting], [gradDot], MEASURES, options('second'));
    expect(timeless(second)).toEqual(timeless(first));
    const other = await evaluateGrid([tinySetting({ seed: 6 })], [gradDot], [findMeasure('loo')], options('first'));
    expect(other[0].value).not.toBe(first.find(({ measure }) => measure === 'loo')?.value);
  });

  it('finds finished cells again, times included, and makes no training twice', async () => {
    const told: number[] = [];
    const method = scaled('scaled', [1], (factor) => told.push(factor));
    const notices: string[] = [];
    const opts = options('again', {
      work: { store: join(folder, 'again', 'retrainings'), notice: (s) => notices.push(s) },
    });
    const first = await evaluateGrid([setting], [method], [findMeasure('lds')], opts);
    expect(told.length).toBeGreaterThan(0);
    told.length = 0;
    expect(await evaluateGrid([setting], [method], [findMeasure('lds')], opts)).toEqual(first);
    expect({ told, notices }).toEqual({ told: [], notices: [] });
    // a damaged cell is made again from trainings that are still there
    const cells = join(folder, 'again', 'cells');
    for (const file of readdirSync(cells)) writeFileSync(join(cells, file), '{"figures":');
    expect(timeless(await evaluateGrid([setting], [method], [findMeasure('lds')], opts))).toEqual(timeless(first));
    expect(notices.some((sentence) => /is damaged and is computed again/.test(sentence))).toBe(true);
    expect(notices.some((sentence) => /24 of 24 jobs were found finished/.test(sentence))).toBe(true);
  });

  it('goes on after an interrupt from what was finished', async () => {
    const stop = new AbortController();
    const store = join(folder, 'interrupted', 'retrainings');
    const stopped = options('interrupted', {
      work: { store, signal: stop.signal, progress: (done) => done >= 5 && stop.abort() },
    });
    await expect(evaluateGrid([setting], [gradDot], [findMeasure('lds')], stopped)).rejects.toThrow(/was cancelled/);
    const kept = readdirSync(store).length;
    expect(kept).toBeGreaterThanOrEqual(5);
    expect(kept).toBeLessThan(24);
    const notices: string[] = [];
    const resumed = options('interrupted', { work: { store, notice: (sentence) => notices.push(sentence) } });
    const rows = await evaluateGrid([setting], [gradDot], [findMeasure('lds')], resumed);
    expect(notices[0]).toMatch(new RegExp(`^${kept} of 24 jobs were found finished`));
    expect(timeless(rows)).toEqual(
      timeless(await evaluateGrid([setting], [gradDot], [findMeasure('lds')], options('whole'))),
    );
  });

  it('leaves a sentence where a method or a measure does not fit, and goes on', async () => {
    const rows = await evaluateGrid(
      [setting],
      [scaled('none', [0]), scaled('some', [1])],
      [findMeasure('lds')],
      options('refused'),
    );
    expect(rows.map(({ method, value }) => [method, value === null])).toEqual([
      ['none', true],
      ['some', false],
    ]);
    expect(rows[0].note).toMatch(/No setting of none gave scores: A factor of 0 scores nothing/);
    const huge = tinySetting({ sizes: { ...setting.sizes, shares: [1] } });
    const [row] = await evaluateGrid([huge], [gradDot], [findMeasure('removal')], options('refused'));
    expect(row.note).toMatch(/A share of 1 of 48 samples is 48 samples/);
  });

  it('is one Parquet file, absent figures as nulls', async () => {
    const rows = await evaluateGrid([setting], [scaled('none', [0]), gradDot], [findMeasure('lds')], options('table'));
    const path = join(folder, "grid's.parquet");
    await writeGrid(path, rows);
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    const read = await connection.runAndReadAll(
      `SELECT method, lds, low, ceiling, seconds, note FROM read_parquet('${path.replace("'", "''")}')`,
    );
    const [none, some] = read.getRowObjectsJS();
    connection.closeSync();
    database.closeSync();
    expect(none).toMatchObject({ method: 'none', lds: null, low: null, note: rows[0].note });
    expect(some).toMatchObject({ method: 'grad-dot', lds: rows[1].value, ceiling: rows[1].ceiling, note: null });
    await expect(writeGrid(join(folder, 'absent', 'grid.parquet'), rows)).rejects.toThrow(MeedError);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

describe('choosing settings', () => {
  const work = { store: join(folder, 'choice') };

  async function prepared() {
    const { heldOut, evaluation, subsets, runs } = setting;
    const truth = await jointTruth(setting, { heldOut, evaluation }, subsets, work);
    const { engine, model, samples, seed } = setting;
    return { truth, attribution: { engine, model, samples, seed, runs: await trainRuns(setting, runs, work) } };
  }

  it('takes the best on held-out queries, whatever is best on the others', async () => {
    const { truth, attribution } = await prepared();
    const heldOut = { queries: setting.heldOut, truth: truth.heldOut };
    const method = scaled('scaled', [-1, 0, 1]);
    const choice = await chooseSettings(method, attribution, heldOut, setting.evaluation);
    expect(choice.settings).toEqual({ factor: 1 });
    expect(choice.tried.map(({ lds: value, refused }) => [value, refused !== undefined])).toEqual([
      [-choice.lds, false],
      [Number.NaN, true],
      [choice.lds, false],
    ]);
    const scorer = await gradDot.open(attribution, gradDot.defaults);
    const scores = await scorer.score(setting.heldOut, setting.samples);
    await scorer.dispose();
    expect(choice.lds).toBeCloseTo(lds({ scores, ...truth.heldOut }, { replicates: 1 }).value, 12);
    await expect(chooseSettings(method, attribution, heldOut, setting.heldOut)).rejects.toThrow(
      /Held-out query 0 is evaluation query 0/,
    );
  });

  it('tries the epochs that every run has', async () => {
    const { truth, attribution } = await prepared();
    const heldOut = { queries: setting.heldOut, truth: truth.heldOut };
    const {
      tried,
      settings,
      lds: best,
    } = await chooseSettings(gradDot, attribution, heldOut, setting.evaluation, { epochs: [0, 1, 6] });
    expect(tried.map((one) => one.settings)).toEqual([{ epoch: 'last' }, { epoch: 0 }, { epoch: 1 }, { epoch: 6 }]);
    // the last epoch by two names
    expect(tried[3].lds).toBe(tried[0].lds);
    expect(best).toBe(Math.max(...tried.map((one) => one.lds)));
    expect(tried.find((one) => one.lds === best)?.settings).toEqual(settings);
  });

  it('uses a sweep where there is one, and tries one by one what it refuses', async () => {
    const { truth, attribution } = await prepared();
    const heldOut = { queries: setting.heldOut, truth: truth.heldOut };
    const opened: number[] = [];
    const single = scaled('swept', [-1, 0, 1], (factor) => opened.push(factor));
    const swept: Method = {
      ...single,
      async *sweep(given, settings, outputs) {
        for (const one of settings) {
          const scorer = await single.open(given, one);
          opened.pop();
          yield await scorer.score(outputs, given.samples);
          await scorer.dispose();
        }
      },
    };
    const choice = await chooseSettings(swept, attribution, heldOut, setting.evaluation);
    expect(choice.settings).toEqual({ factor: 1 });
    expect(choice.tried).toEqual((await chooseSettings(single, attribution, heldOut, setting.evaluation)).tried);
    expect(opened[0]).toBe(1);
  });

  it('writes the truth as files that are read again', async () => {
    const { truth } = await prepared();
    const paths = await writeTruth(join(folder, 'truth'), truth.evaluation);
    expect(paths.every((path) => existsSync(path))).toBe(true);
    const [masks, measured, again] = await Promise.all(paths.map(readMatrix));
    expect([masks, measured, again]).toEqual([truth.evaluation.masks, truth.evaluation.truth, truth.evaluation.again]);
  });
});
