/** The input of SlotsToShard: a shard commitment holds the next slots of an index's list, and zero vectors behind them. */
import { MeedError } from '../foundation/index.js';
import { extendSlotList, type Hasher, type Instance, shardCommitment, vectorCommitment } from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface ShardSlots {
  readonly indexId: bigint;
  /** Commitments of the slots that are used, at most S, in order. */
  readonly slotCommitments: readonly bigint[];
  /** Salts of the zero vectors in the positions that are not. */
  readonly paddingSalts: readonly bigint[];
  /** The list of all slots of the shards before: see `emptySlotList`. */
  readonly slotsBefore: bigint;
}

/** @throws MeedError when slots and padding are not S together */
export function slotsToShardInput(hasher: Hasher, instance: Instance, shard: ShardSlots): CircuitInput {
  const { indexId, slotCommitments, paddingSalts, slotsBefore } = shard;
  const used = slotCommitments.length;
  if (used + paddingSalts.length !== instance.slots) {
    throw new MeedError(
      `${used} slots and ${paddingSalts.length} salts of unused slots do not fill a shard of ${instance.slots}`,
      'Give a salt for every slot that is not used',
    );
  }
  const zero = new Int16Array(instance.columns);
  const all = [...slotCommitments, ...paddingSalts.map((salt) => vectorCommitment(hasher, salt, zero))];
  return {
    shardCommitment: shardCommitment(hasher, instance, indexId, all),
    indexId,
    count: BigInt(used),
    slotsBefore,
    slotsAfter: extendSlotList(hasher, slotsBefore, slotCommitments),
    slotCommitments: all,
    paddingSalts: [...Array<bigint>(used).fill(0n), ...paddingSalts],
  };
}
