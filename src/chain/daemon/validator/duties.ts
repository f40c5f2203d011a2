/**
 * What a validator owes: of every closed epoch, prove the places that nobody settled, settle them, make the epoch final,
 * split its fees; and give fees back when it is too late. A part of an epoch is proven by whoever's turn it is, and settled
 * by whoever has its proofs.
 * The trap: somebody else may do the same in the same block. The contract refuses the second; after the next look it is no
 * duty any more, so a refusal is never a loss.
 */
import type { ProvingKey, ProvingOptions } from '../../../prover/index.js';
import type { Sent } from '../../account.js';
import { type ChainClient, call, finalizeEpoch, refundBatch } from '../../client.js';
import { distribute } from '../../distribution.js';
import { list } from '../../indexer/payouts.js';
import type { IndexStore } from '../../indexer/store.js';
import { epochTerms } from '../../terms.js';
import { address, integer, quantity } from '../../values.js';
import { indexSubjects } from '../auditor/subjects.js';
import type { Duty, Obstacle, Plan } from '../duty.js';
import { NotOpened, type Openings, type RegisteredIndex } from '../openings.js';
import type { ChainWatch } from '../watch.js';
import { type ClosedEpoch, closedEpochs } from './closedEpochs.js';
import { EpochWork } from './epochWork.js';
import type { IndexDuties } from './indexDuties.js';
import { partsOf } from './parts.js';

export interface ValidatorParts {
  readonly client: ChainClient;
  readonly watch: ChainWatch;
  readonly openings: Openings;
  readonly key: ProvingKey;
  /** Absent where it owns no index. */
  readonly indexes?: IndexDuties;
  /** Where proofs are kept and made. */
  readonly proving: ProvingOptions & { readonly store: string };
}

export class ValidatorDuties {
  readonly #parts: ValidatorParts;
  /** Epochs of which nothing is owed any more. */
  readonly #done = new Set<bigint>();
  /** "epoch part shard…" whose proofs this process has seen in the store. */
  readonly #proven = new Set<string>();
  readonly #refundDue = new Map<bigint, number>();

  constructor(parts: ValidatorParts) {
    this.#parts = parts;
  }

  /** After a reorganisation: what was done may be owed again. */
  forget(): void {
    this.#done.clear();
    this.#refundDue.clear();
  }

  async plan(): Promise<Plan> {
    const { client, watch, openings, indexes } = this.#parts;
    await openings.refresh();
    const { EpochSettlement } = client.deployment.addresses;
    return watch.read(async (store) => {
      const duties: Duty[] = [...((await indexes?.plan(store)) ?? [])];
      const obstacles: Obstacle[] = [];
      for (const closed of await closedEpochs(store, EpochSettlement, this.#done)) {
        const owed = await this.#ofEpoch(store, closed, obstacles);
        duties.push(...owed);
      }
      return { duties, obstacles };
    });
  }

  async #ofEpoch(store: IndexStore, closed: ClosedEpoch, obstacles: Obstacle[]): Promise<Duty[]> {
    if (closed.stage === 'final') return this.#payments(store, closed);
    if (closed.stage === 'refunding' || (await this.#isRefundDue(closed))) return this.#refunds(closed);
    try {
      return await this.#settlements(store, closed);
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
      obstacles.push({ key: `epoch ${closed.epoch}`, problem: error.message });
      return [];
    }
  }

  async #settlements(store: IndexStore, closed: ClosedEpoch): Promise<Duty[]> {
    const { client, openings, key, proving } = this.#parts;
    const { epoch, batches, settled } = closed;
    const registered = await registeredIndex(store, closed.index);
    const places = registered.shardCommitments.length * batches.length;
    if (settled.size === places) {
      return [
        sending('finalize', `finalize epoch ${epoch}`, async () => {
          return `epoch ${epoch} is final: ${told(await finalizeEpoch(client, epoch))}`;
        }),
      ];
    }
    const opened = await openings.index(registered);
    const commitments = batches.map(({ commitment }) => commitment);
    const work = new EpochWork(client, closed, opened, await openings.batches(opened, commitments));
    return partsOf(registered.shardCommitments.length, batches.length).flatMap((part): Duty[] => {
      const open = work.open(part);
      if (open.length === 0) return [];
      const name = `epoch ${epoch} part ${part.number}`;
      const content = `${name} ${commitments.join()}`;
      if (!this.#proven.has(content)) {
        return [
          {
            key: `prove ${name}`,
            kind: 'prove',
            lane: 'computing',
            turn: name,
            run: async (signal) => {
              await work.prove(key, open, { ...proving, signal });
              this.#proven.add(content);
              return `${name}: ${open.length} proofs are ready`;
            },
          },
        ];
      }
      return [
        {
          key: `settle ${name}`,
          kind: 'settle',
          lane: 'sending',
          run: async (signal) => {
            const proven = await work.prove(key, open, { ...proving, signal });
            return `${name}: ${open.length} places are settled: ${told(await work.settle(proven))}`;
          },
        },
      ];
    });
  }

  async #payments(store: IndexStore, closed: ClosedEpoch): Promise<Duty[]> {
    const { client } = this.#parts;
    const { epoch } = closed;
    const owed = await this.#unpaid(closed);
    if (owed.length === 0) this.#done.add(epoch);
    const duties: Duty[] = [];
    for (const { batch, fees, outputHashes } of owed) {
      const shards = await settledSums(store, epoch, batch);
      duties.push(
        sending('distribute', `distribute epoch ${epoch} batch ${batch}`, async () => {
          const sent = await distribute(client, { epoch, batch, fees, outputHashes, shards });
          return `epoch ${epoch}, batch ${batch} is paid: ${sent.map(told).join('; ')}`;
        }),
      );
    }
    return duties;
  }

  async #refunds(closed: ClosedEpoch): Promise<Duty[]> {
    const { client } = this.#parts;
    const { epoch } = closed;
    const owed = await this.#unpaid(closed);
    if (owed.length === 0) this.#done.add(epoch);
    return owed.map(({ batch }) =>
      sending('refund', `refund epoch ${epoch} batch ${batch}`, async () => {
        return `epoch ${epoch}, batch ${batch} is given back: ${told(await refundBatch(client, epoch, batch))}`;
      }),
    );
  }

  /** A refund of nothing leaves no credit, so the contract is asked. */
  async #unpaid({ epoch, batches, paid }: ClosedEpoch): Promise<ClosedEpoch['batches']> {
    const open: (typeof batches)[number][] = [];
    for (const posted of batches) {
      if (paid.has(posted.batch)) continue;
      const out = await call(this.#parts.client, 'EpochSettlement', 'isPaidOut', [epoch, posted.batch]);
      if (out !== true) open.push(posted);
    }
    return open;
  }

  async #isRefundDue({ epoch, closedAt }: ClosedEpoch): Promise<boolean> {
    const { client } = this.#parts;
    const { provider } = client.account;
    let due = this.#refundDue.get(epoch);
    if (due === undefined) {
      due = closedAt + (await epochTerms(provider, client.deployment, epoch)).refundTimeout;
      this.#refundDue.set(epoch, due);
    }
    const block: unknown = await provider.send('eth_getBlockByNumber', ['latest', false]);
    return typeof block === 'object' && block !== null && 'timestamp' in block
      ? quantity(block.timestamp, 'block.timestamp') >= due
      : false;
  }
}

function sending(kind: string, key: string, run: () => Promise<string>): Duty {
  return { key, kind, lane: 'sending', turn: key, run };
}

function told({ hash, gasUsed }: Sent): string {
  return `${gasUsed} gas in ${hash}`;
}

/** @throws NotOpened when the chain has no such index, as after a reorganisation */
async function registeredIndex(store: IndexStore, index: string): Promise<RegisteredIndex> {
  const [subject] = await indexSubjects(store, index);
  if (subject) return subject.registered;
  throw new NotOpened(`its index ${index} is not registered`);
}

/** Of every shard in order, as its ShardSettled event told them. */
async function settledSums(store: IndexStore, epoch: bigint, batch: bigint) {
  const rows = await store.rows(
    'SELECT contributors, sums FROM settled_sums WHERE epoch = ? AND batch = ? ORDER BY shard',
    [epoch, batch],
  );
  return rows.map((row) => ({
    contributors: list(row.contributors, 'contributors', address),
    sums: list(row.sums, 'sums', integer),
  }));
}
