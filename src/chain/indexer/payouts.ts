/**
 * "Which inferences paid this contributor, for which rows, in which transaction", and the reverse. The contract credits a
 * contributor once a batch; what each receipt of it paid is derived from the proven sums exactly as the contract does
 * (prover/reference/settlement.ts), and must add up to what was credited and leave the dust that was announced, to the
 * unit. A batch of many contributors is paid by several transactions: a payout's is the one that credited it. Where it does not, the node's events contradict each other and no answer is given.
 * The trap: shares round down within a receipt, so they can be derived only with the sums of all contributors.
 */
import { DuckDBListValue, type DuckDBValue } from '@duckdb/node-api';
import { MeedError } from '../../foundation/index.js';
import { splitPool } from '../../prover/reference/index.js';
import { ROLES } from '../events.js';
import { address, bytes32, count, integer, listOf, text } from '../values.js';
import type { IndexStore, Row } from './store.js';

/** Rows [first, end) of the data set, counted from 0. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** Where one receipt stands. */
export interface ReceiptPlace {
  readonly epoch: bigint;
  readonly batch: bigint;
  /** Position in its batch. */
  readonly receipt: number;
}

/** What one receipt paid to one contributor. Token units. */
export interface Payout extends ReceiptPlace {
  /** 0x hex, lower case, like every hash and address here. */
  readonly outputHash: string;
  readonly contributor: string;
  readonly amount: bigint;
  /** The contributor's score and the sum of all positive ones: amount = ⌊pool · score / totalScore⌋. */
  readonly score: bigint;
  readonly totalScore: bigint;
  /** The receipt's whole fee, and the contributors' part of it. */
  readonly fee: bigint;
  readonly pool: bigint;
  /** The contributor's rows in the index that the epoch pays for. */
  readonly rows: readonly RowRange[];
  readonly index: string;
  readonly transactionHash: string;
  readonly blockNumber: number;
  /** Of the block, Unix seconds. */
  readonly time: number;
}

/** One posted receipt and what became of its fee. Token units. */
export interface Inference extends ReceiptPlace {
  readonly outputHash: string;
  readonly index: string;
  readonly payer: string;
  readonly fee: bigint;
  readonly postedIn: string;
  readonly state: 'posted' | 'paid' | 'refunded';
  /** The transaction that paid or refunded. */
  readonly paidIn?: string;
  /** Of the fee: the contributors' part, and what rounding left of it to the treasury. */
  readonly pool?: bigint;
  readonly dust?: bigint;
  /** Largest first; none unless paid. */
  readonly contributors: readonly Payout[];
}

/** What an account was credited in all, and took out. Token units. */
export interface Balance {
  readonly credited: bigint;
  readonly withdrawn: bigint;
}

/** Batches whose sums are held at once. */
const BATCHES_AT_ONCE = 64;

/** Every receipt that paid the contributor, in the order of the chain. @throws MeedError when events contradict */
export async function* payoutsTo(store: IndexStore, contributor: string): AsyncGenerator<Payout> {
  const account = address(contributor, 'contributor').toLowerCase();
  let after: DuckDBValue[] = [-1n, -1];
  for (;;) {
    const credits = await store.rows(
      `SELECT epoch, batch, block_number, log_index
       FROM credits
       WHERE account = ? AND role = ? AND (block_number, log_index) > (?, ?)
       ORDER BY block_number, log_index LIMIT ${BATCHES_AT_ONCE}`,
      [account, ROLES.indexOf('contributor'), ...after],
    );
    if (credits.length === 0) return;
    for (const batch of await readBatches(store, credits.map(batchKey))) {
      yield* batch.filter((payout) => payout.contributor === account && payout.amount > 0n);
    }
    const last = credits[credits.length - 1];
    after = [integer(last.block_number, 'block_number'), count(last.log_index, 'log_index')];
  }
}

/** Every receipt of an output, with what it paid to whom. @throws MeedError when events contradict */
export async function inferencesOf(store: IndexStore, outputHash: string): Promise<Inference[]> {
  const found = await store.rows(
    `SELECT r.*, p.pool::HUGEINT AS pool FROM receipts r
     LEFT JOIN "EpochSettlement"."ReceiptPaid" p
       ON p.epoch::HUGEINT = r.epoch AND p.batch::HUGEINT = r.batch AND p.receipt::HUGEINT = r.receipt
     WHERE r.output_hash = ? ORDER BY r.epoch, r.batch, r.receipt`,
    [bytes32(outputHash, 'output hash')],
  );
  const inferences: Inference[] = [];
  for (const row of found) {
    const place = { ...batchKey(row), receipt: count(row.receipt, 'receipt') };
    const state = stateOf(row.state);
    const batch = state === 'paid' ? (await readBatches(store, [place])).flat() : [];
    const paid = batch.filter(({ receipt, amount }) => receipt === place.receipt && amount > 0n);
    inferences.push({
      ...place,
      outputHash: text(row.output_hash, 'output_hash'),
      index: text(row.index, 'index'),
      payer: text(row.payer, 'payer'),
      fee: integer(row.fee, 'fee'),
      postedIn: text(row.posted_in, 'posted_in'),
      state,
      ...(state !== 'posted' && { paidIn: text(row.paid_in, 'paid_in') }),
      ...(state === 'paid' && poolOf(row, paid)),
      contributors: paid.sort((a, b) => (a.amount === b.amount ? 0 : a.amount > b.amount ? -1 : 1)),
    });
  }
  return inferences;
}

/** A receipt's pool, and what rounding left of it. */
function poolOf(row: Row, paid: readonly Payout[]): { readonly pool: bigint; readonly dust: bigint } {
  const pool = integer(row.pool, 'pool');
  return { pool, dust: paid.reduce((left, { amount }) => left - amount, pool) };
}

/** Derives every paid batch and holds it against its credits. @returns how many. @throws MeedError at the first that differs */
export async function checkBatches(store: IndexStore): Promise<number> {
  let checked = 0;
  for (let after = [-1n, -1n]; ; ) {
    const found = await store.rows(
      `SELECT DISTINCT epoch::HUGEINT AS epoch, batch::HUGEINT AS batch FROM "EpochSettlement"."ReceiptPaid"
       WHERE (epoch::HUGEINT, batch::HUGEINT) > (?, ?) ORDER BY ALL LIMIT ${BATCHES_AT_ONCE}`,
      after,
    );
    if (found.length === 0) return checked;
    const keys = found.map(batchKey);
    await readBatches(store, keys);
    checked += keys.length;
    const { epoch, batch } = keys[keys.length - 1];
    after = [epoch, batch];
  }
}

export async function balanceOfAccount(store: IndexStore, account: string): Promise<Balance> {
  const [row] = await store.rows(
    `SELECT (SELECT coalesce(sum(amount), 0)::HUGEINT FROM credits WHERE account = $1) AS credited,
            (SELECT coalesce(sum(amount::HUGEINT), 0)::HUGEINT FROM "EpochSettlement"."Withdrawn" WHERE account = $1) AS withdrawn`,
    [address(account, 'account').toLowerCase()],
  );
  return { credited: integer(row.credited, 'credited'), withdrawn: integer(row.withdrawn, 'withdrawn') };
}

interface BatchKey {
  readonly epoch: bigint;
  readonly batch: bigint;
}

/** Every contributor's share of every receipt of distributed batches, one list a batch, zeros too. */
async function readBatches(store: IndexStore, keys: readonly BatchKey[]): Promise<Payout[][]> {
  const wanted = `(VALUES ${keys.map(({ epoch, batch }) => `(${epoch}::HUGEINT, ${batch}::HUGEINT)`).join(', ')})`;
  const where = `(epoch::HUGEINT, batch::HUGEINT) IN ${wanted}`;
  const settled = await store.rows(
    `SELECT epoch, batch, contributors, sums FROM settled_sums WHERE ${where} ORDER BY shard`,
  );
  const paid = await store.rows(
    `SELECT p.* REPLACE (epoch::HUGEINT AS epoch, batch::HUGEINT AS batch, receipt::HUGEINT AS receipt,
                         fee::HUGEINT AS fee, pool::HUGEINT AS pool), b.time
     FROM "EpochSettlement"."ReceiptPaid" p JOIN blocks b ON b.number = p.block_number
     WHERE ${where} ORDER BY block_number, log_index`,
  );
  const credited = await store.rows(
    `SELECT c.*, b.time FROM credits c JOIN blocks b ON b.number = c.block_number
     WHERE role = ${ROLES.indexOf('contributor')} AND ${where}`,
  );
  const dust = await store.rows(
    `SELECT epoch::HUGEINT AS epoch, batch::HUGEINT AS batch, dust::HUGEINT AS dust
     FROM "EpochSettlement"."BatchPaid" WHERE ${where}`,
  );
  const indexes = await store.rows(
    `SELECT epoch::HUGEINT AS epoch, index FROM "ReceiptBook"."EpochOpened"
     WHERE epoch::HUGEINT IN (${[...new Set(keys.map(({ epoch }) => epoch))].join(', ')})`,
  );
  const indexOf = new Map(indexes.map((row) => [integer(row.epoch, 'epoch'), text(row.index, 'index')]));
  for (const key of keys) if (!indexOf.has(key.epoch)) throw contradiction(key, 'its epoch was never opened');
  const rowsOf = await rowRanges(store, [...new Set(indexOf.values())]);
  const [settledOf, paidOf, creditedOf, dustOf] = [settled, paid, credited, dust].map(byBatch);
  return keys.map((key) => {
    const index = text(indexOf.get(key.epoch), 'index');
    const totals = totalsOf(settledOf(key));
    const payouts = paidOf(key)
      .flatMap((row) => payoutsOf(row, key, totals, creditedOf(key)))
      .map((payout) => ({ ...payout, index, rows: rowsOf(index, payout.contributor) }));
    requireCredited(key, payouts, creditedOf(key));
    requireDust(key, paidOf(key), payouts, dustOf(key));
    return payouts;
  });
}

/** Rows by their batch, in their order. */
function byBatch(rows: readonly Row[]): (key: BatchKey) => readonly Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const { epoch, batch } = batchKey(row);
    const group = groups.get(`${epoch} ${batch}`) ?? [];
    groups.set(`${epoch} ${batch}`, group);
    group.push(row);
  }
  return ({ epoch, batch }) => groups.get(`${epoch} ${batch}`) ?? [];
}

/** Each contributor's sums over all shards, by receipt. */
function totalsOf(shards: readonly Row[]): Map<string, bigint[]> {
  const totals = new Map<string, bigint[]>();
  for (const shard of shards) {
    const contributors = list(shard.contributors, 'contributors', text);
    const sums = list(shard.sums, 'sums', integer);
    const queries = sums.length / contributors.length;
    for (const [c, contributor] of contributors.entries()) {
      const before = totals.get(contributor) ?? Array<bigint>(queries).fill(0n);
      totals.set(
        contributor,
        before.map((sum, q) => sum + sums[c * queries + q]),
      );
    }
  }
  return totals;
}

/** The split of one receipt. */
function payoutsOf(
  row: Row,
  key: BatchKey,
  totals: ReadonlyMap<string, readonly bigint[]>,
  credited: readonly Row[],
): Omit<Payout, 'index' | 'rows'>[] {
  const creditOf = new Map(credited.map((credit) => [text(credit.account, 'account'), credit]));
  const receipt = count(row.receipt, 'receipt');
  const pool = integer(row.pool, 'pool');
  const scores = [...totals.values()].map((sums) => integer(sums[receipt], `sum of receipt ${receipt}`));
  const { shares } = splitPool(pool, scores);
  const totalScore = scores.reduce((sum, score) => (score > 0n ? sum + score : sum), 0n);
  return [...totals.keys()].map((contributor, c) => ({
    ...key,
    receipt,
    outputHash: text(row.outputHash, 'outputHash'),
    contributor,
    amount: shares[c],
    score: scores[c],
    totalScore,
    fee: integer(row.fee, 'fee'),
    pool,
    ...whenOf(creditOf.get(contributor) ?? row),
  }));
}

function whenOf(row: Row): Pick<Payout, 'transactionHash' | 'blockNumber' | 'time'> {
  return {
    transactionHash: text(row.transaction_hash, 'transaction_hash'),
    blockNumber: count(row.block_number, 'block_number'),
    time: count(row.time, 'time'),
  };
}

/** What no contributor got of the pools must be what was announced. */
function requireDust(
  key: BatchKey,
  receipts: readonly Row[],
  payouts: readonly Payout[],
  announced: readonly Row[],
): void {
  const pools = receipts.reduce((sum, row) => sum + integer(row.pool, 'pool'), 0n);
  const left = payouts.reduce((rest, { amount }) => rest - amount, pools);
  const told = announced.map((row) => integer(row.dust, 'dust'));
  if (told.length !== 1 || told[0] !== left) throw contradiction(key, `its receipts leave ${left} units of dust`);
}

function requireCredited(key: BatchKey, payouts: readonly Payout[], credited: readonly Row[]): void {
  const sums = new Map<string, bigint>();
  for (const { contributor, amount } of payouts) {
    if (amount > 0n) sums.set(contributor, (sums.get(contributor) ?? 0n) + amount);
  }
  for (const row of credited) {
    const account = text(row.account, 'account');
    const amount = integer(row.amount, 'amount');
    const derived = sums.get(account) ?? 0n;
    if (derived !== amount) throw contradiction(key, `${account} was credited ${amount}, its receipts pay ${derived}`);
    sums.delete(account);
  }
  for (const [account, amount] of sums) throw contradiction(key, `${account} was not credited the ${amount} it earned`);
}

/** Rows of each contributor of the indexes; adjoining slots are one range. */
async function rowRanges(
  store: IndexStore,
  indexes: readonly string[],
): Promise<(index: string, contributor: string) => readonly RowRange[]> {
  const found = await store.rows(
    `SELECT index, contributor, first_row, end_row FROM contributor_rows
     WHERE index IN (${indexes.map((index) => `'${bytes32(index, 'index')}'`).join(', ')}) ORDER BY index, slot`,
  );
  const ranges = new Map<string, RowRange[]>();
  for (const row of found) {
    const key = `${text(row.index, 'index')} ${text(row.contributor, 'contributor')}`;
    const [first, end] = [count(row.first_row, 'first_row'), count(row.end_row, 'end_row')];
    const before = ranges.get(key) ?? [];
    const last = before[before.length - 1];
    if (last?.end === first) before[before.length - 1] = { first: last.first, end };
    else before.push({ first, end });
    ranges.set(key, before);
  }
  return (index, contributor) => ranges.get(`${index} ${contributor}`) ?? [];
}

function batchKey(row: Row): BatchKey {
  return { epoch: integer(row.epoch, 'epoch'), batch: integer(row.batch, 'batch') };
}

function stateOf(value: unknown): Inference['state'] {
  if (value === 'paid' || value === 'refunded' || value === 'posted') return value;
  throw new MeedError(`A receipt's state is ${String(value)}`, 'Rebuild the store');
}

/** Reads a list of a row. */
export function list<T>(value: unknown, field: string, read: (entry: unknown, field: string) => T): T[] {
  return listOf(value instanceof DuckDBListValue ? value.items : value, field, read);
}

function contradiction({ epoch, batch }: BatchKey, what: string): MeedError {
  return new MeedError(
    `The events of epoch ${epoch}, batch ${batch} contradict each other: ${what}`,
    'Rebuild the store from another node: this one leaves out or changes logs',
  );
}
