/**
 * The inputs of RowsToSlot: an index cut into segments of R rows (aligned subtrees of its tree), each proven to hold
 * ranged rows and their running sums, each going on where the last one ended.
 * The trap: segments are cut by the tree and slots by contributors, so a slot may begin, end or go on anywhere in one.
 */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, paddedPath } from './openedIndex.js';
import {
  emptySlotList,
  entriesOf,
  extendSlotList,
  type Hasher,
  merklePath,
  type OpenedRow,
  offsetEntry,
  openedCommitment,
  openVector,
  type Slot,
} from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

/**
 * One input a segment, in order; together they prove the whole index.
 * @param segmentRows R, a power of two
 * @throws MeedError when an entry is out of range, or the tree has less levels than a segment or more than the circuit
 */
export function rowsToSlotInputs(
  hasher: Hasher,
  index: OpenedIndex,
  slots: readonly Slot[],
  segmentRows: number,
  levels: number,
): CircuitInput[] {
  const segmentLevels = Math.log2(segmentRows);
  if (index.tree.depth < segmentLevels) {
    throw new MeedError(
      `An index of ${index.rows.length} rows has no whole segment of ${segmentRows}`,
      'Take a circuit of fewer rows',
    );
  }
  const ends = new Set(slots.map(({ end }) => end - 1));
  const zeros = new Int16Array(index.columns);
  const absent: OpenedRow = {
    dataSetLeaf: 0n,
    contributor: 0n,
    row: openVector(0n, zeros),
    prefix: openVector(0n, zeros),
  };
  let slotList = emptySlotList(index.columns);
  const inputs: CircuitInput[] = [];
  for (let start = 0; start < index.rows.length; start += segmentRows) {
    const present = index.rows.slice(start, start + segmentRows);
    const rows = Array.from({ length: segmentRows }, (_, i) => present[i] ?? absent);
    const before = index.rows[start - 1]?.prefix ?? absent.prefix;
    const ending = present.flatMap((_, i) => (ends.has(start + i) ? [i] : []));
    const lastPresent = present.length - 1;
    // Rows that are not there are zero rows behind the last one: they leave its sum, or a new slot's zero, as it is.
    const after =
      present.length === segmentRows || !ends.has(start + lastPresent)
        ? present[lastPresent].prefix.words
        : absent.prefix.words;
    const slotsAfter = extendSlotList(
      hasher,
      slotList,
      ending.map((i) => openedCommitment(hasher, present[i].prefix)),
    );
    inputs.push({
      indexRoot: index.tree.root,
      segment: BigInt(start / segmentRows),
      depth: BigInt(index.tree.depth),
      count: BigInt(present.length),
      begins: start === 0 || ends.has(start - 1) ? 1n : 0n,
      ends: ending.reduce((mask, i) => mask + 2n ** BigInt(i), 0n),
      prefixBefore: openedCommitment(hasher, before),
      prefixAfter: openedCommitment(hasher, { salt: rows[segmentRows - 1].prefix.salt, words: after }),
      slotsBefore: slotList,
      slotsAfter,
      rows: rows.map(({ row }) => entriesOf(row.words, index.columns).map((entry) => BigInt(offsetEntry(entry)))),
      rowSalts: rows.map(({ row }) => row.salt),
      prefixSalts: rows.map(({ prefix }) => prefix.salt),
      dataSetLeaves: rows.map(({ dataSetLeaf }) => dataSetLeaf),
      contributors: rows.map(({ contributor }) => contributor),
      siblings: paddedPath(merklePath(index.tree, start).slice(segmentLevels), levels - segmentLevels),
      wordsBefore: before.words,
      saltBefore: before.salt,
    });
    slotList = slotsAfter;
  }
  return inputs;
}
