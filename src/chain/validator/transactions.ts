/** The transactions of a stage, kept with its artefact: what was done, by which transaction, for how much gas. */
import { join } from 'node:path';
import { readJson, writeJson } from '../../artefact/index.js';
import { MeedError } from '../../foundation/index.js';

export interface Transaction {
  readonly what: string;
  readonly hash: string;
  readonly gas: number;
}

const FILE = 'transactions.json';

export async function writeTransactions(folder: string, transactions: readonly Transaction[]): Promise<void> {
  await writeJson(
    join(folder, FILE),
    transactions.map(({ what, hash, gas }) => ({ what, hash, gas })),
  );
}

export async function readTransactions(folder: string): Promise<Transaction[]> {
  const list: unknown = await readJson(join(folder, FILE));
  if (Array.isArray(list) && list.every(isTransaction)) return list;
  throw new MeedError(`${folder}/${FILE} is not a list of transactions`, 'Run the stage again');
}

function isTransaction(value: unknown): value is Transaction {
  if (typeof value !== 'object' || value === null) return false;
  const { what, hash, gas } = value as Partial<Record<keyof Transaction, unknown>>;
  return typeof what === 'string' && typeof hash === 'string' && typeof gas === 'number';
}
