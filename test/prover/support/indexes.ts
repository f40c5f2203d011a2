/** Small indexes with everything opened, honest ones and ones that a hostile owner would register. */
import { Random } from '../../../src/foundation/index.js';
import { type OpenedIndex, openedIndex } from '../../../src/prover/openedIndex.js';
import {
  type Hasher,
  type OpenedRow,
  openVector,
  packWords,
  prefixSums,
  type Slot,
} from '../../../src/prover/reference/index.js';
import { randomField } from './statements.js';

export const CLAIMANT = '0x00000000000000000000000000000000000c1a1d';

export interface HonestIndex {
  readonly index: OpenedIndex;
  readonly slots: readonly Slot[];
  /** n × d, row-major. */
  readonly rows: Int8Array;
  /** n × d, row-major. */
  readonly prefixes: Int16Array;
}

export type RowEntry = (random: Random) => number;
export const anyRowEntry: RowEntry = (random) => random.below(255) - 127;
export const extremeRowEntry: RowEntry = (random) => [127, -127, 0][random.below(3)];
export const largestRowEntry: RowEntry = () => 127;
export const smallestRowEntry: RowEntry = () => -127;

/** An index whose slots have these numbers of rows. */
export function honestIndex(
  hasher: Hasher,
  columns: number,
  slotRows: readonly number[],
  seed: number,
  entry: RowEntry = anyRowEntry,
): HonestIndex {
  const random = new Random(seed);
  const slots: Slot[] = [];
  for (const rows of slotRows) {
    const start = slots.at(-1)?.end ?? 0;
    slots.push({ start, end: start + rows, contributor: slots.length });
  }
  const count = slots.at(-1)?.end ?? 0;
  const rows = Int8Array.from({ length: count * columns }, () => entry(random));
  const prefixes = prefixSums(rows, columns, slots);
  const salt = (): bigint => randomField(random) >> 6n;
  const opened = Array.from({ length: count }, (_, i): OpenedRow => {
    const part = [i * columns, (i + 1) * columns] as const;
    return {
      dataSetLeaf: randomField(random),
      contributor: randomField(random) >> 94n,
      row: openVector(salt(), rows.subarray(...part)),
      prefix: openVector(salt(), prefixes.subarray(...part)),
    };
  });
  return { index: openedIndex(hasher, columns, opened), slots, rows, prefixes };
}

/** The index with one row registered differently: commitments, leaf and root follow. */
export function withRow(
  hasher: Hasher,
  index: OpenedIndex,
  row: number,
  change: (opened: OpenedRow) => Partial<OpenedRow>,
): OpenedIndex {
  const rows = index.rows.map((opened, i) => (i === row ? { ...opened, ...change(opened) } : opened));
  return openedIndex(hasher, index.columns, rows);
}

/** Words with `by` added to entry j, in or out of range, without a look at neighbours. */
export function addToEntry(words: readonly bigint[], j: number, by: number): bigint[] {
  return words.map((word, w) => (w === Math.floor(j / 15) ? word + BigInt(by) * 2n ** BigInt(16 * (j % 15)) : word));
}

/** The words of a vector of which one entry is set to any number that fits 16 bits with its offset. */
export function wordsWith(entries: ArrayLike<number>, j: number, value: number): bigint[] {
  return addToEntry(packWords(entries), j, value - entries[j]);
}
