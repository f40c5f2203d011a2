/**
 * One closed epoch with everything opened: its statements, their proofs, and the transactions that they are for. The
 * numbers come from the published vectors, the places and fees from the chain.
 */
import {
  type Batch,
  type ProvingKey,
  type ProvingOptions,
  proveStatements,
  scoreStatement,
  slotAddresses,
} from '../../../prover/index.js';
import { contributorsHash, scoreMatrix } from '../../../prover/reference/index.js';
import type { Sent } from '../../account.js';
import { type ChainClient, type ProvenScores, settleMany } from '../../client.js';
import type { PublishedIndex } from '../openings.js';
import { type ClosedEpoch, placeKey } from './closedEpochs.js';
import type { Part, Place } from './parts.js';

export class EpochWork {
  readonly closed: ClosedEpoch;
  readonly opened: PublishedIndex;
  readonly #batches: readonly Batch[];
  readonly #client: ChainClient;

  /** @param batches opened, in the order of the chain */
  constructor(client: ChainClient, closed: ClosedEpoch, opened: PublishedIndex, batches: readonly Batch[]) {
    this.#client = client;
    this.closed = closed;
    this.opened = opened;
    this.#batches = batches;
  }

  /** Of a part, the places that nobody settled yet. */
  open({ places }: Part): readonly Place[] {
    return places.filter(({ shard, batch }) => !this.closed.settled.has(placeKey(shard, batch)));
  }

  /** Proofs of places, from the store or made now; every one is verified. */
  async prove(key: ProvingKey, places: readonly Place[], work: ProvingOptions): Promise<ProvenScores[]> {
    const scored = places.map((place) => this.#score(place));
    const statements = scored.map(({ input }) =>
      scoreStatement(this.opened.index, { shards: this.opened.shards, batches: this.#batches }, input),
    );
    const { proofs } = await proveStatements(key, statements, work);
    return scored.map(({ input, slotContributors }, i) => ({
      shard: input.shard,
      batch: input.batch,
      scores: input.scores,
      slotContributors,
      proof: proofs[i].words,
    }));
  }

  settle(proven: readonly ProvenScores[]): Promise<Sent> {
    return settleMany(this.#client, this.closed.epoch, proven);
  }

  /** What ρ of a place binds, and whose its slots are. */
  #score({ shard, batch }: Place) {
    const { index, dataset, shards } = this.opened;
    const { deployment } = this.#client;
    const slotContributors = slotAddresses(shards[shard].owners, dataset.addresses);
    const input = {
      chainId: BigInt(deployment.chainId),
      settlement: deployment.addresses.EpochSettlement,
      circuitId: deployment.circuitId,
      epoch: this.closed.epoch,
      shard: BigInt(shard),
      batch: BigInt(batch),
      shardCommitment: shards[shard].commitment,
      queryBatchCommitment: this.#batches[batch].commitment,
      contributorsHash: contributorsHash(slotContributors),
      scores: scoreMatrix(index.options.instance, shards[shard].vectors, this.#batches[batch].vectors),
    };
    return { input, slotContributors };
  }
}
