/** The input of RowRange: a committed row holds something else than int8 entries, at one limb of one word. */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, pathTo } from './openedIndex.js';
import { type Hasher, openedCommitment, type RangeFault, rangeFault } from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface RowRangeClaim {
  readonly row: number;
  /** Address (hex) that the proof serves. */
  readonly claimant: string;
}

/** @throws MeedError when the row is in range, or the tree is deeper than the circuit */
export function rowRangeInput(hasher: Hasher, index: OpenedIndex, claim: RowRangeClaim, levels: number): CircuitInput {
  const fault = rangeFault(index.columns, index.rows[claim.row].row.words);
  if (fault === undefined) {
    throw new MeedError(`Row ${claim.row} has entries in [−127, 127] only`, 'Dispute a row that is out of range');
  }
  return rowRangeSignals(hasher, index, claim, fault, levels);
}

/** The signals for a claim about one limb, whether or not it is true. */
export function rowRangeSignals(
  hasher: Hasher,
  index: OpenedIndex,
  claim: RowRangeClaim,
  fault: RangeFault,
  levels: number,
): CircuitInput {
  const { dataSetLeaf, contributor, row, prefix } = index.rows[claim.row];
  return {
    indexRoot: index.tree.root,
    index: BigInt(claim.row),
    depth: BigInt(index.tree.depth),
    claimant: BigInt(claim.claimant),
    word: BigInt(fault.word),
    limb: BigInt(fault.limb),
    above: fault.side === 'above' ? 1n : 0n,
    dataSetLeaf,
    contributor,
    siblings: pathTo(index, claim.row, levels),
    prefixCommitment: openedCommitment(hasher, prefix),
    rowWords: row.words,
    rowSalt: row.salt,
  };
}
