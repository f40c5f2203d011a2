/**
 * An index with every commitment opened, as its owner or an auditor with the published secret has it: what disputes,
 * openings and proofs of registration are made from.
 * The trap: the openings of a hostile index may be any field elements, so nothing is checked here; what is wrong is for
 * the circuits to show. Without openings nothing can be proven, and withheld ones are a matter for the committee.
 */
import { MeedError } from '../foundation/index.js';
import {
  fieldOfHash,
  type Hasher,
  type MerkleTree,
  merklePath,
  merkleTree,
  type OpenedRow,
  openedLeaf,
  openVector,
  prefixSums,
  type Slot,
  saltOf,
} from './reference/index.js';
import type { IndexContent } from './rowCommitments.js';

export interface OpenedIndex {
  readonly columns: number;
  readonly rows: readonly OpenedRow[];
  readonly tree: MerkleTree;
}

/** The index that these openings make. */
export function openedIndex(hasher: Hasher, columns: number, rows: readonly OpenedRow[]): OpenedIndex {
  const leaves = rows.map((row) => openedLeaf(hasher, columns, row));
  return { columns, rows, tree: merkleTree(hasher, leaves) };
}

/** The openings of an honest index. */
export function openRows(content: Omit<IndexContent, 'indexId'>): OpenedRow[] {
  const { instance, rows, slots, rowHashes, addresses, secret } = content;
  const d = instance.columns;
  const prefix = prefixSums(rows, d, slots);
  const opened: OpenedRow[] = [];
  for (const { start, end, contributor } of slots) {
    for (let i = start; i < end; i++) {
      opened.push({
        dataSetLeaf: fieldOfHash(rowHashes[i]),
        contributor: BigInt(addresses[contributor]),
        row: openVector(saltOf(secret, 'row', i), rows.subarray(i * d, (i + 1) * d)),
        prefix: openVector(saltOf(secret, 'prefix', i), prefix.subarray(i * d, (i + 1) * d)),
      });
    }
  }
  return opened;
}

/** @throws MeedError when no slot holds the row */
export function slotOf(slots: readonly Slot[], row: number): Slot {
  const slot = slots.find(({ start, end }) => row >= start && row < end);
  if (slot === undefined) throw new MeedError(`No slot holds row ${row}`, 'Take the slots that were registered');
  return slot;
}

/** Siblings above a row, filled up with 0 to the levels of the circuit. @throws MeedError when the tree is deeper */
export function pathTo({ tree }: OpenedIndex, row: number, levels: number): bigint[] {
  return paddedPath(merklePath(tree, row), levels);
}

/** @throws MeedError when the path is longer than the circuit has levels */
export function paddedPath(siblings: readonly bigint[], levels: number): bigint[] {
  if (siblings.length > levels) {
    throw new MeedError(
      `A path of ${siblings.length} levels does not fit a circuit of ${levels}`,
      'Compile the circuit with more levels',
    );
  }
  return [...siblings, ...Array<bigint>(levels - siblings.length).fill(0n)];
}
