/**
 * Epochs that wait for somebody: closed, and not yet paid out to the last batch. Everything comes from the store of events,
 * so it is what the chain says now; an epoch that is done once is not read again until the chain takes something back.
 */

import { list } from '../../indexer/payouts.js';
import type { IndexStore, Row } from '../../indexer/store.js';
import { count, integer, text } from '../../values.js';

export interface PostedBatch {
  readonly batch: bigint;
  readonly commitment: bigint;
  /** Q, 0x hex. */
  readonly outputHashes: readonly string[];
  readonly fees: readonly bigint[];
}

export interface ClosedEpoch {
  readonly epoch: bigint;
  /** On-chain id of the index. */
  readonly index: string;
  /** Of the block that closed it, Unix seconds. */
  readonly closedAt: number;
  readonly stage: 'settling' | 'final' | 'refunding';
  readonly batches: readonly PostedBatch[];
  /** "shard batch" of each settled place. */
  readonly settled: ReadonlySet<string>;
  /** Batches that are distributed whole. */
  readonly paid: ReadonlySet<bigint>;
}

/** @param settlement address of the contract that settles them. @param done epochs that need not be read */
export async function closedEpochs(
  store: IndexStore,
  settlement: string,
  done: ReadonlySet<bigint>,
): Promise<ClosedEpoch[]> {
  const rows = await store.rows(
    `SELECT c.epoch::HUGEINT AS epoch, o.index, b.time,
            EXISTS (SELECT 1 FROM "EpochSettlement"."EpochFinalized" f WHERE f.epoch = c.epoch) AS final,
            EXISTS (SELECT 1 FROM "EpochSettlement"."RefundsOpened" r WHERE r.epoch = c.epoch) AS refunding
     FROM "ReceiptBook"."EpochClosed" c
     JOIN "ReceiptBook"."EpochOpened" o ON o.epoch = c.epoch
     JOIN blocks b ON b.number = c.block_number
     WHERE o.settlement = ? ORDER BY 1`,
    [settlement.toLowerCase()],
  );
  const waiting = rows.filter((row) => !done.has(integer(row.epoch, 'epoch')));
  return Promise.all(waiting.map((row) => readEpoch(store, row)));
}

async function readEpoch(store: IndexStore, row: Row): Promise<ClosedEpoch> {
  const epoch = integer(row.epoch, 'epoch');
  const of = (columns: string, table: string, order: string): Promise<Row[]> =>
    store.rows(`SELECT ${columns} FROM ${table} WHERE epoch::HUGEINT = ? ORDER BY ${order}`, [epoch]);
  const batches = await of(
    'batch::HUGEINT AS batch, commitment, "outputHashes", fees',
    '"ReceiptBook"."BatchPosted"',
    'batch::HUGEINT',
  );
  const settled = await of(
    'DISTINCT shard::HUGEINT AS shard, batch::HUGEINT AS batch',
    '"EpochSettlement"."ShardSettled"',
    'ALL',
  );
  const paid = await of('batch::HUGEINT AS batch', '"EpochSettlement"."BatchPaid"', 'ALL');
  return {
    epoch,
    index: text(row.index, 'index'),
    closedAt: count(row.time, 'time'),
    stage: row.final === true ? 'final' : row.refunding === true ? 'refunding' : 'settling',
    batches: batches.map((posted) => ({
      batch: integer(posted.batch, 'batch'),
      commitment: BigInt(text(posted.commitment, 'commitment')),
      outputHashes: list(posted.outputHashes, 'outputHashes', text),
      fees: list(posted.fees, 'fees', integer),
    })),
    settled: new Set(settled.map((place) => placeKey(integer(place.shard, 'shard'), integer(place.batch, 'batch')))),
    paid: new Set(paid.map((one) => integer(one.batch, 'batch'))),
  };
}

export function placeKey(shard: bigint | number, batch: bigint | number): string {
  return `${shard} ${batch}`;
}
