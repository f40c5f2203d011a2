/**
 * The events of a deployment in one DuckDB file. Everything that is learnt from a range of blocks is written in one
 * transaction together with the cursor, so a process that is killed at any instant loses nothing and doubles nothing.
 * Anchors are blocks whose hashes are remembered: the newest is the cursor, the oldest is the chain's first block, and
 * after a reorganisation the common ancestor is looked for among them and the blocks that hold events.
 * The trap: DuckDB lets one process at a time have the file, readers included; so nobody keeps it open while idle, and
 * opening waits a little for the other to be done.
 */
import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api';
import { canonicalJson, explainFileError, MeedError, messageOf } from '../../foundation/index.js';
import { type Deployment, deploymentJson, parseDeployment } from '../deploy.js';
import { count, text } from '../values.js';
import { payoutViews } from './payoutViews.js';
import { declared, type EventTable, identifier, type Schema, tableName } from './schema.js';

export interface BlockId {
  readonly number: number;
  /** Lower-case 0x hex. */
  readonly hash: string;
}

export interface EventBlock extends BlockId {
  /** Unix seconds. */
  readonly time: number;
}

/** What a range of blocks holds, checked and decoded. */
export interface Range {
  /** Columns of each table's new rows. */
  readonly rows: ReadonlyMap<EventTable, readonly (readonly DuckDBValue[])[]>;
  /** Blocks that hold events, in order. */
  readonly blocks: readonly EventBlock[];
  /** Blocks to remember, in order; the last one is the range's end. */
  readonly anchors: readonly BlockId[];
}

/** Of rows of the result of a query. */
export type Row = Readonly<Record<string, unknown>>;

/** DuckDB's own size of a chunk, the most it takes. */
const ROWS_A_CHUNK = 2048;
/** Below so many blocks under the cursor, only blocks with events are remembered. */
export const ANCHORED_BLOCKS = 256;
const LOCK_PATIENCE_MS = 5_000;
const LOCK_PAUSE_MS = 50;
const FORMAT = '1';

export class IndexStore {
  readonly path: string;
  readonly deployment: Deployment;
  /** Hash of the schema that it was made with. */
  readonly schemaHash: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(
    path: string,
    deployment: Deployment,
    schemaHash: string,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
  ) {
    this.path = path;
    this.deployment = deployment;
    this.schemaHash = schemaHash;
    this.#instance = instance;
    this.#connection = connection;
  }

  /** Opens what is there. @throws MeedError when nothing is, it is no store, or another process keeps it */
  static async open(path: string): Promise<IndexStore> {
    await access(path).catch((error: unknown) => {
      throw explainFileError(error, path);
    });
    const { instance, connection } = await openFile(path);
    try {
      const facts = await factsOf(connection, path);
      const deployment = parseDeployment(JSON.parse(facts.get('deployment') ?? 'null'));
      return new IndexStore(path, deployment, facts.get('schema') ?? '', instance, connection);
    } catch (error) {
      connection.closeSync();
      instance.closeSync();
      throw error;
    }
  }

  /**
   * Opens the store of a deployment, making it when it is not there.
   * @param below the two blocks to begin with: the chain's first, and the one before the deployment
   * @throws MeedError when what is there is of another deployment or other contracts
   */
  static async openFor(
    path: string,
    deployment: Deployment,
    schema: Schema,
    below: () => Promise<readonly BlockId[]>,
  ): Promise<IndexStore> {
    const { instance, connection } = await openFile(path);
    try {
      if (!(await isMade(connection))) await make(connection, deployment, schema, await below());
      const facts = await factsOf(connection, path);
      if (
        facts.get('deployment') !== canonicalJson(deploymentJson(deployment)) ||
        facts.get('schema') !== schema.hash
      ) {
        throw new MeedError(
          `${path} holds another deployment, or was made for other contracts`,
          'Choose another file with --store, or delete it: it is rebuilt from the chain',
        );
      }
      return new IndexStore(path, deployment, schema.hash, instance, connection);
    } catch (error) {
      connection.closeSync();
      instance.closeSync();
      throw error;
    }
  }

  /** The last block that was read. */
  async cursor(): Promise<BlockId> {
    const [row] = await this.rows('SELECT number, hash FROM indexer.anchors ORDER BY number DESC LIMIT 1');
    return blockId(row);
  }

  /** The remembered block that is nearest below or at a height; the chain's first block is always one. */
  async pointAt(height: number): Promise<BlockId> {
    const [row] = await this.rows(
      `SELECT number, hash FROM (SELECT number, hash FROM indexer.anchors UNION SELECT number, hash FROM blocks)
       WHERE number <= ? ORDER BY number DESC LIMIT 1`,
      [BigInt(height)],
    );
    return blockId(row);
  }

  /** Adds a range that follows the cursor, and moves the cursor to its end. */
  async append(range: Range): Promise<void> {
    await this.#transaction(async () => {
      for (const [table, columns] of range.rows) {
        const types = table.columns.map(({ type }) => type);
        await appendColumns(this.#connection, [table.contract, table.name], types, columns);
      }
      const { blocks, anchors } = range;
      const numbers = blocks.map(({ number }) => BigInt(number));
      const times = blocks.map(({ time }) => BigInt(time));
      const hashes = blocks.map(({ hash }) => hash);
      await appendColumns(this.#connection, ['main', 'blocks'], [BIGINT, VARCHAR, BIGINT], [numbers, hashes, times]);
      const anchored = [anchors.map(({ number }) => BigInt(number)), anchors.map(({ hash }) => hash)];
      await appendColumns(this.#connection, ['indexer', 'anchors'], [BIGINT, VARCHAR], anchored);
      const end = anchors[anchors.length - 1].number;
      await this.#connection.run('DELETE FROM indexer.anchors WHERE number > 0 AND number < ?', [
        BigInt(end - ANCHORED_BLOCKS),
      ]);
    });
  }

  /** Forgets everything above a remembered block, which becomes the cursor. */
  async removeAbove(point: BlockId): Promise<void> {
    const above = [BigInt(point.number)];
    await this.#transaction(async () => {
      for (const name of await this.eventTables()) {
        await this.#connection.run(`DELETE FROM ${name} WHERE block_number > ?`, above);
      }
      await this.#connection.run('DELETE FROM blocks WHERE number > ?', above);
      await this.#connection.run('DELETE FROM indexer.anchors WHERE number >= ? AND number > 0', above);
      if (point.number > 0)
        await this.#connection.run('INSERT INTO indexer.anchors VALUES (?, ?)', [...above, point.hash]);
    });
  }

  /** Quoted names of the tables of events, in order. */
  async eventTables(): Promise<string[]> {
    const found = await this.rows(
      `SELECT schema_name, table_name FROM duckdb_tables()
       WHERE schema_name NOT IN ('main', 'indexer') AND database_name = current_database() ORDER BY ALL`,
    );
    return found.map(
      (row) => `${identifier(text(row.schema_name, 'schema'))}.${identifier(text(row.table_name, 'table'))}`,
    );
  }

  /** Rows of each table of events, tables without any left out. */
  async eventCounts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const name of await this.eventTables()) {
      const [row] = await this.rows(`SELECT count(*) AS events FROM ${name}`);
      const events = count(row.events, 'events');
      if (events > 0) counts[name.replaceAll('"', '')] = events;
    }
    return counts;
  }

  /** The result of a query: whole, so ask for what fits the memory. */
  async rows(sql: string, values: DuckDBValue[] = []): Promise<Row[]> {
    return (await this.#connection.runAndReadAll(sql, values)).getRowObjects();
  }

  /** Runs a statement that gives nothing back. */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #transaction(work: () => Promise<void>): Promise<void> {
    await this.#connection.run('BEGIN');
    try {
      await work();
      await this.#connection.run('COMMIT');
    } catch (error) {
      await this.#connection.run('ROLLBACK');
      throw error;
    }
  }
}

function blockId(row: Row | undefined): BlockId {
  return { number: count(row?.number, 'number'), hash: text(row?.hash, 'hash') };
}

async function openFile(path: string): Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> {
  const begun = performance.now();
  for (;;) {
    try {
      const instance = await DuckDBInstance.create(path);
      return { instance, connection: await instance.connect() };
    } catch (cause) {
      const reason = messageOf(cause);
      if (!reason.includes('lock')) {
        throw new MeedError(
          `${path} cannot be opened as a store: ${reason}`,
          'Choose another file with --store, or delete it: it is rebuilt from the chain',
          { cause },
        );
      }
      if (performance.now() - begun > LOCK_PATIENCE_MS) {
        throw new MeedError(`Another process is using the store ${path}`, 'Try again when it is done', { cause });
      }
      await delay(LOCK_PAUSE_MS);
    }
  }
}

async function isMade(connection: DuckDBConnection): Promise<boolean> {
  const found = await connection.runAndReadAll("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'indexer'");
  return found.currentRowCount > 0;
}

async function make(
  connection: DuckDBConnection,
  deployment: Deployment,
  schema: Schema,
  below: readonly BlockId[],
): Promise<void> {
  await connection.run('BEGIN');
  await connection.run('CREATE SCHEMA indexer');
  await connection.run('CREATE TABLE indexer.facts (name VARCHAR, value VARCHAR)');
  await connection.run('CREATE TABLE indexer.anchors (number BIGINT, hash VARCHAR)');
  await connection.run('CREATE TABLE blocks (number BIGINT, hash VARCHAR, time BIGINT)');
  for (const contract of new Set(schema.tables.map((table) => table.contract))) {
    await connection.run(`CREATE SCHEMA ${identifier(contract)}`);
  }
  for (const table of schema.tables) {
    await connection.run(`CREATE TABLE ${tableName(table)} (${table.columns.map(declared).join(', ')})`);
  }
  for (const view of payoutViews(schema)) await connection.run(view);
  const facts = { format: FORMAT, deployment: canonicalJson(deploymentJson(deployment)), schema: schema.hash };
  for (const fact of Object.entries(facts)) await connection.run('INSERT INTO indexer.facts VALUES (?, ?)', fact);
  for (const { number, hash } of below) {
    await connection.run('INSERT INTO indexer.anchors VALUES (?, ?)', [BigInt(number), hash]);
  }
  await connection.run('COMMIT');
}

async function factsOf(connection: DuckDBConnection, path: string): Promise<ReadonlyMap<string, string>> {
  const found = (await isMade(connection))
    ? (await connection.runAndReadAll('SELECT name, value FROM indexer.facts')).getRowObjects()
    : [];
  const facts = new Map(found.map((row) => [text(row.name, 'name'), text(row.value, 'value')]));
  if (facts.get('format') === FORMAT) return facts;
  throw new MeedError(
    `${path} is not a store of this version`,
    'Choose another file with --store, or delete it: it is rebuilt from the chain',
  );
}

async function appendColumns(
  connection: DuckDBConnection,
  [schema, table]: readonly [string, string],
  types: readonly DuckDBType[],
  columns: readonly (readonly DuckDBValue[])[],
): Promise<void> {
  const rows = columns[0].length;
  if (rows === 0) return;
  const appender = await connection.createAppender(table, schema);
  for (let from = 0; from < rows; from += ROWS_A_CHUNK) {
    const part = columns.map((column) => column.slice(from, from + ROWS_A_CHUNK));
    const chunk = DuckDBDataChunk.create(types, part[0].length);
    chunk.setColumns(part);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}
