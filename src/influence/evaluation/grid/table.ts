/** The grid as one Parquet file, written by DuckDB, so that any question about it is one line of SQL. */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { DOUBLE, DuckDBInstance, INTEGER, VARCHAR } from '@duckdb/node-api';
import { explainFileError, MeedError, messageOf } from '../../../foundation/index.js';
import type { GridRow } from './row.js';

const COLUMNS = {
  setting: VARCHAR,
  method: VARCHAR,
  params: VARCHAR,
  chosen: VARCHAR,
  tried: INTEGER,
  heldOutLds: DOUBLE,
  measure: VARCHAR,
  at: VARCHAR,
  curve: VARCHAR,
  x: DOUBLE,
  /** The value where the measure is lds. */
  lds: DOUBLE,
  value: DOUBLE,
  low: DOUBLE,
  high: DOUBLE,
  chance: DOUBLE,
  ceiling: DOUBLE,
  dropped: INTEGER,
  runs: INTEGER,
  samples: INTEGER,
  queries: INTEGER,
  subsets: INTEGER,
  seed: DOUBLE,
  seconds: DOUBLE,
  choosingSeconds: DOUBLE,
  bytesPerSample: DOUBLE,
  note: VARCHAR,
} as const;

/** Replaces what is at the path, whole. @throws MeedError when it cannot be written */
export async function writeGrid(path: string, rows: readonly GridRow[]): Promise<void> {
  const beside = `${path}.${randomUUID()}.partial`;
  const columns = Object.entries(COLUMNS);
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    await connection.run(`CREATE TABLE grid (${columns.map(([name, type]) => `"${name}" ${type}`).join(', ')})`);
    const appender = await connection.createAppender('grid');
    for (const row of rows) {
      const values: Readonly<Record<string, string | number | null>> = {
        ...row,
        lds: row.measure === 'lds' ? row.value : null,
      };
      for (const [name, type] of columns) {
        const value = values[name];
        if (value === null) appender.appendNull();
        else appender.appendValue(value, type);
      }
      appender.endRow();
    }
    appender.closeSync();
    await connection.run(`COPY grid TO '${beside.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`);
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    const explained = explainFileError(cause, path);
    if (explained instanceof MeedError) throw explained;
    throw new MeedError(
      `The table ${path} cannot be written: ${messageOf(cause)}`,
      'Choose another folder with --out',
      {
        cause,
      },
    );
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}
