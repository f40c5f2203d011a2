/** What an auditor looks at, from the store of events: every registered index, every batch, every epoch that was paid. */
import { DuckDBStructValue } from '@duckdb/node-api';
import { type RegisteredIndex, withSlots } from '../../auditor/registered.js';
import { list } from '../../indexer/payouts.js';
import type { IndexStore } from '../../indexer/store.js';
import { address, bytes32, count, integer, text } from '../../values.js';

export interface IndexSubject {
  readonly registered: RegisteredIndex;
  readonly disabled: boolean;
}

export interface BatchSubject {
  readonly epoch: bigint;
  readonly batch: bigint;
  readonly commitment: bigint;
  /** On-chain id of the index. */
  readonly index: string;
}

export interface EpochSubject {
  readonly epoch: bigint;
  readonly index: string;
  /** What the commitments and fees of the epoch hash to, as it was closed. */
  readonly accumulator: string;
}

/**
 * Registered to the last row. What was registered before the index was abandoned is as if it had never been.
 * @param only this one; all unless told
 */
export async function indexSubjects(store: IndexStore, only?: string): Promise<IndexSubject[]> {
  const named = only === undefined ? [] : [bytes32(only, 'index')];
  const wanted = (table: string): string => (only === undefined ? 'true' : `${table}.index = ?`);
  const since = (table: string, index: string): string =>
    `NOT EXISTS (SELECT 1 FROM "IndexRegistry"."IndexAbandoned" a WHERE a.index = ${index} AND
       (a.block_number, a.log_index) > (${table}.block_number, ${table}.log_index))`;
  const rows = await store.rows(
    `SELECT r.*, EXISTS (SELECT 1 FROM "IndexRegistry"."IndexDisabled" d WHERE d.index = r.index) AS disabled
     FROM "IndexRegistry"."IndexRegistered" r
     JOIN "IndexRegistry"."IndexCompleted" c ON c.index = r.index
     WHERE ${wanted('r')} AND ${since('r', 'r.index')}
     ORDER BY r.block_number, r.log_index`,
    named,
  );
  const parts = await store.rows(
    `SELECT s.index, s.slots, s."shardCommitments" FROM "IndexRegistry"."SlotsRegistered" s
     WHERE ${wanted('s')} AND ${since('s', 's.index')}
     ORDER BY s.block_number, s.log_index`,
    named,
  );
  return rows.map((row) => {
    const index = bytes32(row.index, 'index');
    const own = parts.filter((part) => part.index === index);
    const registered = {
      index,
      datasetId: bytes32(row.datasetId, 'datasetId'),
      owner: address(row.owner, 'owner'),
      indexId: BigInt(text(row.indexId, 'indexId')),
      indexRoot: BigInt(text(row.indexRoot, 'indexRoot')),
      rows: count(row.rows, 'rows'),
      slotsPerShard: count(row.slotsPerShard, 'slotsPerShard'),
    };
    const slots = own.flatMap((part) => list(part.slots, 'slots', slotOf));
    const commitments = own.flatMap((part) =>
      list(part.shardCommitments, 'shardCommitments', (value, field) => BigInt(text(value, field))),
    );
    return { disabled: row.disabled === true, registered: withSlots(registered, slots, commitments) };
  });
}

function slotOf(value: unknown, field: string): { readonly end: number; readonly contributor: string } {
  const { end, contributor } = value instanceof DuckDBStructValue ? value.entries : {};
  return { end: count(end, `${field}.end`), contributor: address(contributor, `${field}.contributor`) };
}

export async function batchSubjects(store: IndexStore): Promise<BatchSubject[]> {
  const rows = await store.rows(
    `SELECT b.epoch::HUGEINT AS epoch, b.batch::HUGEINT AS batch, b.commitment, o.index
     FROM "ReceiptBook"."BatchPosted" b
     JOIN "ReceiptBook"."EpochOpened" o ON o.epoch = b.epoch
     ORDER BY b.block_number, b.log_index`,
  );
  return rows.map((row) => ({
    epoch: integer(row.epoch, 'epoch'),
    batch: integer(row.batch, 'batch'),
    commitment: BigInt(text(row.commitment, 'commitment')),
    index: bytes32(row.index, 'index'),
  }));
}

/** Final, and every batch was split. @param settlement address of the contract that settles them */
export async function paidEpochs(store: IndexStore, settlement: string): Promise<EpochSubject[]> {
  const rows = await store.rows(
    `SELECT c.epoch::HUGEINT AS epoch, o.index, c.accumulator
     FROM "ReceiptBook"."EpochClosed" c
     JOIN "ReceiptBook"."EpochOpened" o ON o.epoch = c.epoch
     JOIN "EpochSettlement"."EpochFinalized" f ON f.epoch = c.epoch
     WHERE o.settlement = ? AND NOT EXISTS (
       SELECT 1 FROM "ReceiptBook"."BatchPosted" b
       WHERE b.epoch = c.epoch AND NOT EXISTS (
         SELECT 1 FROM "EpochSettlement"."BatchPaid" p WHERE p.epoch = b.epoch AND p.batch = b.batch))
     ORDER BY 1`,
    [settlement.toLowerCase()],
  );
  return rows.map((row) => ({
    epoch: integer(row.epoch, 'epoch'),
    index: bytes32(row.index, 'index'),
    accumulator: bytes32(row.accumulator, 'accumulator'),
  }));
}
