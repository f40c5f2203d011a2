/**
 * One payout, followed from the row that did most for it to the transaction that paid it out. Every id is taken from
 * where it is published: the data set, the index's own table, the receipts, the epoch, the chain's events.
 * The trap: a row is committed in the last running sum of its slot, so the slot's commitment is the prefix of its last row.
 */
import { join } from 'node:path';
import { factString, readTable, strings } from '../artefact/index.js';
import type { StoredDataset } from '../data/index.js';
import type { AttributionIndex } from '../prover/attributionIndex.js';
import type { Epoch } from '../prover/epoch.js';
import type { Receipts } from '../prover/receipts.js';
import type { ExplainedOutput, HashLink, InfluentialRow, LinkPlace, PayoutChain } from './data.js';

/** The part of `ChainEvents` that a payout leaves behind. */
export interface PayoutEvents {
  readonly ShardSettled: readonly {
    readonly epoch: bigint;
    readonly batch: bigint;
    readonly shard: bigint;
    readonly rho: bigint;
    readonly transactionHash: string;
  }[];
  readonly Credited: readonly {
    readonly account: string;
    readonly epoch: bigint;
    readonly batch: bigint;
    readonly role: string;
    readonly transactionHash: string;
  }[];
  readonly Withdrawn: readonly { readonly account: string; readonly transactionHash: string }[];
}

export interface PayoutSources {
  readonly stored: StoredDataset;
  readonly index: Pick<AttributionIndex, 'artefact' | 'options' | 'root' | 'slots' | 'shardCommitments'>;
  readonly receipts: Pick<Receipts, 'receipts'>;
  readonly epoch: Pick<Epoch, 'batches'>;
  readonly events: PayoutEvents;
  /** The epoch's number on the chain. */
  readonly chainEpoch: bigint;
}

/**
 * Follows the most helpful row whose owner was paid; undefined when no row shown belongs to one who was. Links that the
 * chain does not have yet (not withdrawn, say) are left out.
 */
export async function collectChain(sources: PayoutSources, output: ExplainedOutput): Promise<PayoutChain | undefined> {
  for (const row of output.helpful) {
    const paid = output.payouts.find(({ contributor }) => contributor === row.contributor);
    if (paid === undefined) continue;
    const links = [
      ...(await rowLinks(sources, row)),
      ...receiptLinks(sources, output),
      ...chainLinks(sources, output, row),
    ];
    return { contributor: row.contributor, receipt: output.receipt, amount: paid.amount, links };
  }
  return undefined;
}

async function rowLinks({ stored, index }: PayoutSources, { row, contributor }: InfluentialRow): Promise<HashLink[]> {
  const table = await readTable(join(index.artefact.folder, 'sketches.arrow'));
  const leaves = strings(table, 'leaf');
  const prefixes = strings(table, 'prefixCommitment');
  const slot = slotOf(index, row);
  const { start, end } = index.slots[slot];
  const shard = shardOf(index, slot);
  const rowHash = Buffer.from(stored.rowHashes[row]).toString('hex');
  return [
    link('data set', `Row ${row} of ${contributor}`, rowHash, 'its position, owner, label and features'),
    link('data set', 'Root of the data set', factString(stored.artefact.manifest, 'root'), 'every row in its place'),
    link(
      'index',
      `Leaf ${row}`,
      leaves[row],
      'the row, its owner’s account, its sketch and the running sum of its slot',
    ),
    link('index', `Slot ${slot}`, prefixes[end - 1], `the sum of rows ${start} to ${end - 1}`),
    link('index', `Shard ${shard}`, String(index.shardCommitments[shard]), 'the slots that one proof opens'),
    link('index', 'Root of the index', String(index.root), 'every leaf; registered on the chain before any receipt'),
  ];
}

function receiptLinks({ receipts, epoch }: PayoutSources, { receipt }: ExplainedOutput): HashLink[] {
  const { outputHash } = receipts.receipts[receipt];
  const batch = batchOf(epoch, receipt);
  return [
    link('receipt', `Output of receipt ${receipt}`, outputHash, 'the model, the features and the answer'),
    link('receipt', `Batch ${batch}`, String(epoch.batches[batch].commitment), 'the sketches that one proof opens'),
  ];
}

function chainLinks(
  { stored, index, epoch, events, chainEpoch }: PayoutSources,
  { receipt }: ExplainedOutput,
  { row }: InfluentialRow,
): HashLink[] {
  const batch = batchOf(epoch, receipt);
  const shard = shardOf(index, slotOf(index, row));
  const account = stored.addresses[stored.dataset.train.contributors[row]];
  const ofBatch = (event: { readonly epoch: bigint; readonly batch: bigint }): boolean =>
    event.epoch === chainEpoch && event.batch === BigInt(batch);
  const settled = events.ShardSettled.find((event) => ofBatch(event) && event.shard === BigInt(shard));
  const credited = events.Credited.find(
    (event) => ofBatch(event) && event.role === 'contributor' && sameAccount(event.account, account),
  );
  const withdrawn = events.Withdrawn.find((event) => sameAccount(event.account, account));
  return [
    ...(settled
      ? [
          link('chain', 'Challenge ρ', String(settled.rho), 'both commitments and all scores; the proof answers it'),
          link('chain', 'Settled in', settled.transactionHash, 'the proof that the contract accepted'),
        ]
      : []),
    ...(credited ? [link('chain', 'Credited in', credited.transactionHash, `the fees of batch ${batch}, split`)] : []),
    ...(withdrawn ? [link('chain', 'Withdrawn in', withdrawn.transactionHash, `tokens sent by ${account}`)] : []),
  ];
}

function link(place: LinkPlace, what: string, id: string, binds: string): HashLink {
  return { place, what, id, binds };
}

function slotOf({ slots }: PayoutSources['index'], row: number): number {
  return slots.findIndex(({ start, end }) => start <= row && row < end);
}

function shardOf({ options }: PayoutSources['index'], slot: number): number {
  return Math.floor(slot / options.instance.slots);
}

function batchOf({ batches }: PayoutSources['epoch'], receipt: number): number {
  return batches.findIndex(({ receipts }) => receipts.includes(receipt));
}

function sameAccount(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
