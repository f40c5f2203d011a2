/**
 * The input of SumStep: at one row of an index the running sum is wrong.
 * The trap: a claim that nothing is wrong about has no witness, and it is refused here with a sentence before the witness
 * generator refuses it with a constraint.
 */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, pathTo, slotOf } from './openedIndex.js';
import { type Hasher, openedCommitment, type Slot, wrongWord } from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface SumStepClaim {
  /** Row whose prefix is wrong. */
  readonly row: number;
  /** As registered: they say whether the row begins a slot. */
  readonly slots: readonly Slot[];
  /** Address (hex) that the proof serves. */
  readonly claimant: string;
}

/** @throws MeedError when the sum is right, or the tree is deeper than the circuit */
export function sumStepInput(hasher: Hasher, index: OpenedIndex, claim: SumStepClaim, levels: number): CircuitInput {
  const { row, prefix } = index.rows[claim.row];
  const before = beginsSlot(claim) ? undefined : index.rows[claim.row - 1].prefix;
  const position = wrongWord(index.columns, before, row, prefix);
  if (position === undefined) {
    throw new MeedError(`The prefix of row ${claim.row} is its running sum`, 'Dispute a row whose sum is wrong');
  }
  return sumStepSignals(hasher, index, claim, position, levels);
}

/** The signals for a claim about one word, whether or not it is true. */
export function sumStepSignals(
  hasher: Hasher,
  index: OpenedIndex,
  claim: SumStepClaim,
  position: number,
  levels: number,
): CircuitInput {
  const first = beginsSlot(claim);
  // A row that begins a slot is opened twice, so that every signal is always checked.
  const rowBefore = first ? claim.row : claim.row - 1;
  const [before, at] = [index.rows[rowBefore], index.rows[claim.row]];
  return {
    indexRoot: index.tree.root,
    index: BigInt(claim.row),
    depth: BigInt(index.tree.depth),
    first: first ? 1n : 0n,
    claimant: BigInt(claim.claimant),
    position: BigInt(position),
    dataSetLeaf: [before.dataSetLeaf, at.dataSetLeaf],
    contributor: [before.contributor, at.contributor],
    siblings: [rowBefore, claim.row].map((row) => pathTo(index, row, levels)),
    rowCommitmentBefore: openedCommitment(hasher, before.row),
    prefixWordsBefore: before.prefix.words,
    prefixSaltBefore: before.prefix.salt,
    rowWords: at.row.words,
    rowSalt: at.row.salt,
    prefixWords: at.prefix.words,
    prefixSalt: at.prefix.salt,
  };
}

function beginsSlot({ row, slots }: SumStepClaim): boolean {
  return slotOf(slots, row).start === row;
}
