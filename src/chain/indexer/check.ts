/**
 * Whether the node left anything out. Logs carry no proof of their own, but the contracts commit to them: the batches of a
 * closed epoch hash to its accumulator, a final epoch has every shard of every batch settled, and what the receipts of a
 * batch paid is what was credited. A log that is missing or changed breaks one of the three.
 * The trap: an epoch that is still open commits to nothing yet, so its batches cannot be checked.
 */
import { MeedError } from '../../foundation/index.js';
import { accumulate } from '../accumulator.js';
import { address, bytes32, count, integer } from '../values.js';
import { checkBatches, list } from './payouts.js';
import type { IndexStore, Row } from './store.js';

export interface Checked {
  /** Closed epochs whose batches hash to their accumulators. */
  readonly epochs: number;
  /** Paid batches whose receipts add up to their credits. */
  readonly batches: number;
}

/** Epochs whose batches are held at once. */
const EPOCHS_AT_ONCE = 16;

/** @throws MeedError that names the first epoch or batch that is not whole */
export async function checkStore(store: IndexStore): Promise<Checked> {
  const closed = await store.rows(
    `SELECT c.epoch::HUGEINT AS epoch, c.batches, c.accumulator, f.epoch IS NOT NULL AS final,
            i.shards::BIGINT AS shards
     FROM "ReceiptBook"."EpochClosed" c
     LEFT JOIN "ReceiptBook"."EpochOpened" o USING (epoch)
     LEFT JOIN "IndexRegistry"."IndexCompleted" i ON i.index = o.index
     LEFT JOIN "EpochSettlement"."EpochFinalized" f ON f.epoch = c.epoch
     ORDER BY c.block_number, c.log_index`,
  );
  for (let from = 0; from < closed.length; from += EPOCHS_AT_ONCE) {
    await requireWhole(store, closed.slice(from, from + EPOCHS_AT_ONCE));
  }
  return { epochs: closed.length, batches: await checkBatches(store) };
}

async function requireWhole(store: IndexStore, closed: readonly Row[]): Promise<void> {
  const numbers = closed.map(({ epoch }) => integer(epoch, 'epoch')).join(', ');
  const posted = await store.rows(
    `SELECT epoch::HUGEINT AS epoch, batch::HUGEINT AS batch, payer, commitment, fees, "outputHashes"
     FROM "ReceiptBook"."BatchPosted" WHERE epoch::HUGEINT IN (${numbers}) ORDER BY block_number, log_index`,
  );
  const settled = await store.rows(
    `SELECT epoch, count(DISTINCT (batch, shard)) AS places FROM settled_sums WHERE epoch IN (${numbers}) GROUP BY epoch`,
  );
  for (const { epoch, batches, accumulator, final, shards } of closed) {
    const shown = posted.filter((row) => row.epoch === epoch).map(batchOf);
    if (shown.length !== batches || accumulate(shown) !== accumulator) {
      throw leftOut(`${shown.length} batches of epoch ${String(epoch)}, and they do not hash to its accumulator`);
    }
    const places = Number(settled.find((row) => row.epoch === epoch)?.places ?? 0);
    const needed = shown.length * count(shards, 'shards');
    if (final && places !== needed) {
      throw leftOut(`${places} of the ${needed} settlements of epoch ${String(epoch)}, which is final`);
    }
  }
}

function batchOf(row: Row) {
  return {
    batch: integer(row.batch, 'batch'),
    payer: address(row.payer, 'payer'),
    commitment: BigInt(String(row.commitment)),
    fees: list(row.fees, 'fees', integer),
    outputHashes: list(row.outputHashes, 'outputHashes', bytes32),
  };
}

function leftOut(what: string): MeedError {
  return new MeedError(
    `The node showed ${what}`,
    'Delete the store and rebuild it from another node: this one leaves out or changes logs',
  );
}
