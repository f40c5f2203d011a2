/**
 * Rows of named values as one Parquet file, written by DuckDB beside the target and renamed, so that none is ever half there.
 * The trap: paths and column names end up inside SQL text, so quotes in them are doubled.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { DOUBLE, DuckDBInstance, INTEGER, VARCHAR } from '@duckdb/node-api';
import { explainFileError, MeedError, messageOf } from '../foundation/index.js';

const TYPES = { text: VARCHAR, whole: INTEGER, number: DOUBLE } as const;

/** Columns in their order; every one may hold null. */
export type ParquetColumns = Readonly<Record<string, keyof typeof TYPES>>;

export type ParquetRow = Readonly<Record<string, string | number | null>>;

/** Replaces what is at the path, whole. @throws MeedError when it cannot be written */
export async function writeParquetTable(
  path: string,
  columns: ParquetColumns,
  rows: readonly ParquetRow[],
): Promise<void> {
  const beside = `${path}.${randomUUID()}.partial`;
  const named = Object.entries(columns).map(([name, kind]) => ({ name, type: TYPES[kind] }));
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    const declared = named.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${type}`).join(', ');
    await connection.run(`CREATE TABLE rows_written (${declared})`);
    const appender = await connection.createAppender('rows_written');
    for (const row of rows) {
      for (const { name, type } of named) {
        const value = row[name];
        if (value === null) appender.appendNull();
        else appender.appendValue(value, type);
      }
      appender.endRow();
    }
    appender.closeSync();
    await connection.run(`COPY rows_written TO '${beside.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`);
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    const explained = explainFileError(cause, path);
    if (explained instanceof MeedError) throw explained;
    throw new MeedError(
      `The table ${path} cannot be written: ${messageOf(cause)}`,
      'Choose another folder with --out',
      { cause },
    );
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}
