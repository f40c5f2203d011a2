/**
 * Openings of commitments as they stand in an index that somebody else made: a salt and *words*, which for an honest
 * vector are its packed entries and for a hostile one any field elements. Disputes are about what does not unpack, so
 * nothing here assumes that it does.
 */
import { packWords } from './commitments.js';
import { ENTRIES_PER_WORD, ENTRY_BITS, ENTRY_OFFSET, tag } from './constants.js';
import type { Hasher } from './poseidon.js';

export interface OpenedVector {
  readonly salt: bigint;
  readonly words: readonly bigint[];
}

/** What a leaf of the index tree is made of, all opened. */
export interface OpenedRow {
  /** Field elements. */
  readonly dataSetLeaf: bigint;
  readonly contributor: bigint;
  readonly row: OpenedVector;
  readonly prefix: OpenedVector;
}

/** @throws MeedError when an entry is not an integer in [−32767, 32767] */
export function openVector(salt: bigint, entries: ArrayLike<number>): OpenedVector {
  return { salt, words: packWords(entries) };
}

/** chain(salt, words) */
export function openedCommitment(hasher: Hasher, { salt, words }: OpenedVector): bigint {
  return hasher.chain(salt, words);
}

export function openedLeaf(hasher: Hasher, columns: number, opened: OpenedRow): bigint {
  return hasher.hash([
    tag('leaf', 0, columns),
    opened.dataSetLeaf,
    opened.contributor,
    openedCommitment(hasher, opened.row),
    openedCommitment(hasher, opened.prefix),
  ]);
}

/** Number of 16-bit limbs of a field element; the top one is what a packed word leaves 0. */
export const WORD_LIMBS = 16;

/** Signed entry in that limb, or undefined where a vector of d entries has none: there an honest limb is 0. */
export function entryAt(words: readonly bigint[], columns: number, word: number, limb: number): number | undefined {
  if (limb >= ENTRIES_PER_WORD || ENTRIES_PER_WORD * word + limb >= columns) return undefined;
  return limbAt(words, word, limb) - ENTRY_OFFSET;
}

/** Unsigned limb of a word in [0, r). */
export function limbAt(words: readonly bigint[], word: number, limb: number): number {
  return Number((words[word] >> BigInt(ENTRY_BITS * limb)) & 0xffffn);
}

/** The d signed entries in the limbs of the words; what other limbs hold is not looked at. */
export function entriesOf(words: readonly bigint[], columns: number): number[] {
  return Array.from(
    { length: columns },
    (_, j) => limbAt(words, Math.floor(j / ENTRIES_PER_WORD), j % ENTRIES_PER_WORD) - ENTRY_OFFSET,
  );
}
