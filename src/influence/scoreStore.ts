/**
 * Scores on disk: one Parquet file of (receipt, row, contributor, label, score), written and queried by DuckDB, so that
 * any question about a payout is one line of SQL. The trap: paths end up inside SQL text, so they are quoted.
 */
import { DuckDBInstance, FLOAT, INTEGER, VARCHAR } from '@duckdb/node-api';
import type { Tensor } from '../engine/index.js';
import { MeedError, messageOf } from '../foundation/index.js';

export interface ScoredRows {
  /** [receipts, training rows] */
  readonly scores: Tensor;
  /** Contributor's name of each training row. */
  readonly contributors: readonly string[];
  /** Label of each training row. */
  readonly labels: Int32Array;
}

export interface RowScore {
  readonly row: number;
  readonly contributor: string;
  readonly label: number;
  /** Positive: the sample helped, it lowered the output's loss. */
  readonly score: number;
}

/** What one contributor's rows did to an output: score = helped + harmed. */
export interface ContributorScore {
  readonly contributor: string;
  readonly rows: number;
  readonly score: number;
  /** Σ of its positive scores. */
  readonly helped: number;
  /** Σ of its negative scores, at most 0. */
  readonly harmed: number;
}

export interface Explanation {
  readonly helpful: readonly RowScore[];
  readonly harmful: readonly RowScore[];
  /** Largest score first. */
  readonly contributors: readonly ContributorScore[];
}

export async function writeScores(path: string, { scores, contributors, labels }: ScoredRows): Promise<void> {
  await withDatabase(async (connection) => {
    await connection.run(
      'CREATE TABLE scores (receipt INTEGER, row INTEGER, contributor VARCHAR, label INTEGER, score FLOAT)',
    );
    const [receipts, rows] = scores.shape;
    const appender = await connection.createAppender('scores');
    for (let q = 0; q < receipts; q++) {
      for (let i = 0; i < rows; i++) {
        appender.appendValue(q, INTEGER);
        appender.appendValue(i, INTEGER);
        appender.appendValue(contributors[i], VARCHAR);
        appender.appendValue(labels[i], INTEGER);
        appender.appendValue(scores.data[q * rows + i], FLOAT);
        appender.endRow();
      }
    }
    appender.closeSync();
    await connection.run(`COPY scores TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
  });
}

/**
 * The most helpful and most harmful training rows of one receipt, and every contributor's sum.
 * @throws MeedError when the receipt is not in the file
 */
export async function explainReceipt(path: string, receipt: number, count: number): Promise<Explanation> {
  const source = `read_parquet(${literal(path)})`;
  return withDatabase(async (connection) => {
    const select = async (sql: string): Promise<Record<string, unknown>[]> =>
      (await connection.runAndReadAll(sql)).getRowObjectsJS();
    const top = async (order: 'ASC' | 'DESC'): Promise<RowScore[]> =>
      (
        await select(
          `SELECT row, contributor, label, score FROM ${source} WHERE receipt = ${Math.trunc(receipt)} ORDER BY score ${order}, row LIMIT ${Math.trunc(count)}`,
        )
      ).map((row) => ({
        row: Number(row.row),
        contributor: String(row.contributor),
        label: Number(row.label),
        score: Number(row.score),
      }));
    const helpful = await top('DESC');
    if (helpful.length === 0) {
      const [{ last }] = await select(`SELECT max(receipt) AS last FROM ${source}`);
      throw new MeedError(`There is no receipt ${receipt} in ${path}`, `Name one from 0 to ${Number(last)}`, {
        exitCode: 2,
      });
    }
    const sums = await select(
      `SELECT contributor, count(*) AS rows, sum(score::DOUBLE) AS score,
         coalesce(sum(score::DOUBLE) FILTER (score > 0), 0) AS helped,
         coalesce(sum(score::DOUBLE) FILTER (score < 0), 0) AS harmed FROM ${source} WHERE receipt = ${Math.trunc(receipt)} GROUP BY contributor ORDER BY score DESC, contributor`,
    );
    return {
      helpful: helpful.filter((row) => row.score > 0),
      harmful: (await top('ASC')).filter((row) => row.score < 0),
      contributors: sums.map((row) => ({
        contributor: String(row.contributor),
        rows: Number(row.rows),
        score: Number(row.score),
        helped: Number(row.helped),
        harmed: Number(row.harmed),
      })),
    };
  });
}

type Connection = Awaited<ReturnType<DuckDBInstance['connect']>>;

async function withDatabase<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    return await work(connection);
  } catch (cause) {
    if (cause instanceof MeedError) throw cause;
    throw new MeedError(`DuckDB refused the scores: ${messageOf(cause)}`, 'Make the receipts again', { cause });
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
