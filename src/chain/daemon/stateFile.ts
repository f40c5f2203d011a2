/**
 * What a daemon must not forget, in one DuckDB file: which account of which deployment it serves, the transactions that it
 * signed (journal.ts), and how often it tried what (attempts.ts). DuckDB locks the file, so a second daemon on the same
 * folder is refused: two processes that share an account would fight for its nonces.
 * The trap: the file of another account or deployment would have the wrong nonces, so it is refused by name.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { explainFileError, MeedError, messageOf, sha256Json } from '../../foundation/index.js';
import { type Deployment, deploymentJson } from '../deploy.js';
import { text } from '../values.js';

export interface StateOwner {
  readonly deployment: Deployment;
  /** The account that the daemon acts for, or the zero address where it only watches. */
  readonly account: string;
}

const FORMAT = '1';
const TABLES = [
  'CREATE TABLE facts (name VARCHAR PRIMARY KEY, value VARCHAR)',
  `CREATE TABLE transactions (nonce BIGINT, hash VARCHAR, what VARCHAR, raw VARCHAR, fee VARCHAR,
     PRIMARY KEY (nonce, hash))`,
  `CREATE TABLE attempts (duty VARCHAR PRIMARY KEY, failures INTEGER, not_before BIGINT, problem VARCHAR)`,
];

export class StateFile {
  readonly path: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(path: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.path = path;
    this.#instance = instance;
    this.#connection = connection;
  }

  /** @throws MeedError when another process has it, it is damaged, or it is of another account or deployment */
  static async open(path: string, owner: StateOwner): Promise<StateFile> {
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
      throw explainFileError(error, dirname(path));
    });
    const instance = await DuckDBInstance.create(path).catch((cause: unknown) => {
      const locked = messageOf(cause).includes('lock');
      throw locked
        ? new MeedError(`Another process is using ${path}`, 'Stop the daemon that runs on this folder', { cause })
        : new MeedError(`${path} cannot be opened: ${messageOf(cause)}`, 'Choose another folder with --state', {
            cause,
          });
    });
    const state = new StateFile(path, instance, await instance.connect());
    try {
      await state.#requireOwner(owner);
      return state;
    } catch (error) {
      state.close();
      throw error;
    }
  }

  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<Readonly<Record<string, unknown>>[]> {
    return (await this.#connection.runAndReadAll(sql, [...values])).getRowObjects();
  }

  /** Runs a statement that gives nothing back; it is on the disk when this returns. */
  async run(sql: string, values: readonly DuckDBValue[] = []): Promise<void> {
    await this.#connection.run(sql, [...values]);
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #requireOwner({ deployment, account }: StateOwner): Promise<void> {
    const wanted = {
      format: FORMAT,
      deployment: sha256Json(deploymentJson(deployment)),
      account: account.toLowerCase(),
    };
    const made = await this.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'facts'");
    if (made.length === 0) {
      await this.run('BEGIN');
      for (const table of TABLES) await this.run(table);
      for (const fact of Object.entries(wanted)) await this.run('INSERT INTO facts VALUES (?, ?)', fact);
      await this.run('COMMIT');
      return;
    }
    const rows = await this.rows('SELECT name, value FROM facts');
    const found = new Map(rows.map(({ name, value }) => [text(name, 'name'), text(value, 'value')]));
    const different = Object.entries(wanted).find(([name, value]) => found.get(name) !== value);
    if (different === undefined) return;
    throw new MeedError(
      `${this.path} is of another ${different[0]}: ${found.get(different[0]) ?? 'none'}`,
      'Give each account and deployment a folder of its own with --state',
    );
  }
}
