/**
 * The input of SlotIsPrefix: a shard commitment holds another index id, or another slot than the index tree has as the
 * prefix of the slot's last row.
 */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, pathTo } from './openedIndex.js';
import { type Hasher, openedCommitment, type Slot, tag, wrongElement } from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface SlotClaim {
  /** The index's id as registered. */
  readonly indexId: bigint;
  /** What the shard commitment opens to: an index id and S slot commitments. */
  readonly committed: readonly bigint[];
  /** The slots of this shard as registered, at most S. */
  readonly slots: readonly Slot[];
  /** Address (hex) that the proof serves. */
  readonly claimant: string;
}

/** @throws MeedError when the shard holds what was registered, or the tree is deeper than the circuit */
export function slotIsPrefixInput(hasher: Hasher, index: OpenedIndex, claim: SlotClaim, levels: number): CircuitInput {
  const lastPrefixes = claim.slots.map(({ end }) => openedCommitment(hasher, index.rows[end - 1].prefix));
  const position = wrongElement(claim.committed, claim.indexId, lastPrefixes);
  if (position === undefined) {
    throw new MeedError(
      'The shard holds the index id and the slots of the index tree',
      'Dispute a shard that does not',
    );
  }
  return slotIsPrefixSignals(hasher, index, claim, position, levels);
}

/** The signals for a claim about one element of the shard's list, whether or not it is true. */
export function slotIsPrefixSignals(
  hasher: Hasher,
  index: OpenedIndex,
  { indexId, committed, slots, claimant }: SlotClaim,
  position: number,
  levels: number,
): CircuitInput {
  // Position 0 is about the index id; any row of the tree serves then.
  const row = slots[Math.max(position, 1) - 1].end - 1;
  const [committedIndexId, ...slotCommitments] = committed;
  const at = index.rows[row];
  return {
    shardCommitment: hasher.chain(tag('shard', slotCommitments.length, index.columns), committed),
    position: BigInt(position),
    indexId,
    indexRoot: index.tree.root,
    index: BigInt(row),
    depth: BigInt(index.tree.depth),
    claimant: BigInt(claimant),
    committedIndexId,
    slotCommitments,
    dataSetLeaf: at.dataSetLeaf,
    contributor: at.contributor,
    rowCommitment: openedCommitment(hasher, at.row),
    prefixCommitment: openedCommitment(hasher, at.prefix),
    siblings: pathTo(index, row, levels),
  };
}
