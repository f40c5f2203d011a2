/** What the tables of methods share: where work is done and kept, a row of the JSON file, a line of the printed table. */
import { join } from 'node:path';
import { cacheFolder } from '../../src/foundation/index.js';
import type { GridRow, RetrainingOptions } from '../../src/influence/index.js';
import { localPool, type Pool } from '../../src/work/index.js';

export interface Row {
  readonly setting: string;
  readonly method: string;
  readonly params: string;
  readonly models: number;
  readonly lds: number | null;
  readonly interval: readonly [number, number] | null;
  readonly ceiling: number | null;
  readonly heldOutLds: number | null;
  readonly seconds: number | null;
  readonly bytesPerSample: number | null;
  readonly note: string | null;
}

export interface Bench {
  readonly pool: Pool;
  /** Where finished cells of a grid are kept. */
  readonly cells: string;
  readonly work: RetrainingOptions;
}

/** Trainings and cells in the cache folder; progress on standard error, at most one line of a kind in five seconds. */
export function openBench(workers: number): Bench {
  const pool = localPool({ workers });
  const told = new Map<string, number>();
  return {
    pool,
    cells: join(cacheFolder(), 'cells'),
    work: {
      where: pool,
      store: join(cacheFolder(), 'retrainings'),
      progress(done: number, total: number, unit: string) {
        const now = Date.now();
        if (now - (told.get(unit) ?? 0) < 5000) return;
        told.set(unit, now);
        process.stderr.write(`${done.toFixed(0)}/${total} ${unit}\n`);
      },
      notice: (sentence: string) => process.stderr.write(`${sentence}\n`),
    },
  };
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export const digits = (x: number | null, places = 3): string => (x === null ? '–' : x.toFixed(places));

export function rowOf(row: GridRow): Row {
  const { setting, method, params, runs, value, low, high, ceiling, heldOutLds, seconds, bytesPerSample, note } = row;
  const interval = low === null || high === null ? null : ([low, high] as const);
  return {
    setting,
    method,
    params,
    models: runs,
    lds: value,
    interval,
    ceiling,
    heldOutLds,
    seconds,
    bytesPerSample,
    note,
  };
}

export const TABLE_HEAD =
  '| method | models | LDS | 95% interval | held-out | seconds | bytes | chosen |\n|---|---|---|---|---|---|---|---|';

export function lineOf({
  method,
  models,
  lds,
  interval,
  seconds,
  bytesPerSample,
  heldOutLds,
  params,
  note,
}: Row): string {
  const range = interval ? `${digits(interval[0])} to ${digits(interval[1])}` : '–';
  const kept = bytesPerSample === null ? '–' : bytesPerSample.toLocaleString('en');
  return `| ${method} | ${models} | ${digits(lds)} | ${range} | ${digits(heldOutLds)} | ${digits(seconds, 1)} | ${kept} | ${note ?? params} |`;
}
