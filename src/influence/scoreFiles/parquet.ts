/**
 * Matrices in Parquet, by DuckDB: written wide (one column `scores` of FLOAT[], zstd), read wide or long. Reading
 * streams; DuckDB sorts a long table itself and moves to disk what its memory does not hold. Writing gathers the matrix
 * in DuckDB first. The traps: paths end up inside SQL text, so they are quoted, and so are names of columns; and DuckDB
 * reads a path as a pattern, by which `a[1].parquet` is another file, and takes columns from folders named like `row=3`.
 */
import { access } from 'node:fs/promises';
import { DuckDBDataChunk, DuckDBInstance, FLOAT, LIST, listValue } from '@duckdb/node-api';
import { explainFileError, MeedError, messageOf } from '../../foundation/index.js';
import { layoutOfTable, type TableLayout, WIDE_COLUMN } from './columns.js';
import { type MatrixFormat, type MatrixStream, requireShape } from './matrix.js';

/** Rows of a DuckDB chunk at most. */
const MOST_CHUNK_ROWS = 2048;
/** Entries of a chunk of lists, about. */
const CHUNK_ENTRIES = 2 ** 16;

type Connection = Awaited<ReturnType<DuckDBInstance['connect']>>;

export const parquet: MatrixFormat = {
  async open(path) {
    try {
      await access(path);
    } catch (error) {
      throw explainFileError(error, path);
    }
    const source = `read_parquet(${literal(exactly(path))}, hive_partitioning = false)`;
    return withDatabase(path, async (connection): Promise<MatrixStream> => {
      const described = await rowsOf(connection, `DESCRIBE SELECT * FROM ${source}`);
      const names = described.map((column) => String(column.column_name));
      const lists = described.filter((column) => /\[\d*\]$/.test(String(column.column_type)));
      const layout = layoutOfTable(
        path,
        names,
        lists.map((column) => String(column.column_name)),
      );
      return layout.kind === 'wide'
        ? openWide(path, source, layout.column, connection)
        : openLong(path, source, layout, connection);
    });
  },

  async write(path, { blocks, shape }) {
    await withDatabase(path, async (connection) => {
      await connection.run(`CREATE TABLE matrix (${WIDE_COLUMN} FLOAT[])`);
      const appender = await connection.createAppender('matrix');
      const [, columns] = shape;
      const step = columns * Math.min(MOST_CHUNK_ROWS, Math.ceil(CHUNK_ENTRIES / columns));
      for await (const block of blocks) {
        for (let at = 0; at < block.length; at += step) {
          const part = block.subarray(at, at + step);
          const lists = Array.from({ length: part.length / columns }, (_, r) =>
            listValue(Array.from(part.subarray(r * columns, (r + 1) * columns))),
          );
          const chunk = DuckDBDataChunk.create([LIST(FLOAT)], lists.length);
          chunk.setColumnValues(0, lists);
          appender.appendDataChunk(chunk);
        }
      }
      appender.closeSync();
      await connection.run(`COPY matrix TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
    });
  },
};

async function openWide(path: string, source: string, column: string, connection: Connection): Promise<MatrixStream> {
  const list = identifier(column);
  const [{ rows, shortest, longest, missing }] = await rowsOf(
    connection,
    `SELECT count(*) AS rows, min(len(${list})) AS shortest, max(len(${list})) AS longest,
      count(*) FILTER (${list} IS NULL) AS missing FROM ${source}`,
  );
  if (Number(missing) > 0 || shortest !== longest) {
    throw new MeedError(
      `The lists of ${path} have from ${Number(missing) > 0 ? 0 : Number(shortest)} to ${Number(longest)} entries`,
      'Give every row the same number',
    );
  }
  const shape = requireShape(path, Number(rows), Number(longest));
  return { shape, blocks: entries(path, `SELECT unnest(${list})::FLOAT AS score FROM ${source}`, shape[1]) };
}

async function openLong(
  path: string,
  source: string,
  names: TableLayout & { kind: 'long' },
  connection: Connection,
): Promise<MatrixStream> {
  const [query, row, score] = [names.query, names.row, names.score].map(identifier);
  const [found] = await rowsOf(
    connection,
    `SELECT count(*) AS entries, count(DISTINCT (${query}, ${row})) AS places, min(${query}) AS firstQuery,
      max(${query}) AS lastQuery, min(${row}) AS firstRow, max(${row}) AS lastRow,
      bool_and(${query} = ${query}::BIGINT AND ${row} = ${row}::BIGINT) AS whole FROM ${source}`,
  );
  const [entriesFound, places, firstQuery, lastQuery, firstRow, lastRow] = [
    found.entries,
    found.places,
    found.firstQuery,
    found.lastQuery,
    found.firstRow,
    found.lastRow,
  ].map(Number);
  const shape = requireShape(path, lastQuery + 1, lastRow + 1);
  if (
    firstQuery !== 0 ||
    firstRow !== 0 ||
    found.whole !== true ||
    entriesFound !== shape[0] * shape[1] ||
    places !== entriesFound
  ) {
    throw new MeedError(
      `${path} has ${entriesFound} entries at ${places} places for ${shape[0]} queries × ${shape[1]} rows`,
      'Give each pair of query and row, counted from 0, exactly once',
    );
  }
  const sql = `SELECT ${score}::FLOAT AS score FROM ${source} ORDER BY ${query}, ${row}`;
  return { shape, blocks: entries(path, sql, shape[1]) };
}

/** The values of one column, in blocks of whole rows of the matrix. */
async function* entries(path: string, sql: string, columns: number): AsyncGenerator<Float32Array> {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    let held: Float32Array[] = [];
    let count = 0;
    const result = await connection.stream(sql);
    for await (const chunk of result) {
      const values = Float32Array.from(chunk.getColumnValues(0), (value) => {
        if (typeof value === 'number') return value;
        throw new MeedError(`${path} has an entry that is ${String(value)}`, 'Give every entry a number');
      });
      held.push(values);
      count += values.length;
      const whole = count - (count % columns);
      if (whole === 0) continue;
      const all = Float32Array.from(held.length === 1 ? held[0] : joined(held, count));
      yield all.subarray(0, whole);
      held = whole === count ? [] : [all.slice(whole)];
      count -= whole;
    }
    if (count > 0) throw new MeedError(`${path} ends inside a row of the matrix`, 'Fetch an intact copy');
  } catch (error) {
    throw explained(path, error);
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function rowsOf(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

async function withDatabase<T>(path: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    return await work(connection);
  } catch (error) {
    throw explained(path, error);
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

function explained(path: string, cause: unknown): MeedError {
  if (cause instanceof MeedError) return cause;
  return new MeedError(`DuckDB refused ${path}: ${messageOf(cause)}`, 'Check that it is a whole Parquet file', {
    cause,
  });
}

/** The pattern that only this path fits. */
function exactly(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
