/**
 * What can be wrong with the integers of a registered index, and where (docs/protocol.md, "Disputes"): a sum, a row's
 * range, a slot. Written on entries and limbs, as a person would check; the circuits work on words, so that the two
 * derivations check each other.
 * The trap: openings come from a hostile owner. Words need not be packed entries, so an entry by entry comparison must
 * also look at the limbs where no entry is.
 */
import { ROW_ENTRY_MAX } from './constants.js';
import { entryAt, limbAt, type OpenedVector, WORD_LIMBS } from './openings.js';

/**
 * The first word in which prefix is not before + row, `before` being the prefix of the row before, or undefined where the
 * row begins a slot. Undefined when they add up.
 * Rows and the prefix before must be in range, as they are unless RowRange or an earlier SumStep disputes them.
 */
export function wrongWord(
  columns: number,
  before: OpenedVector | undefined,
  row: OpenedVector,
  prefix: OpenedVector,
): number | undefined {
  for (let word = 0; word < prefix.words.length; word++) {
    for (let limb = 0; limb < WORD_LIMBS; limb++) {
      const entry = entryAt(prefix.words, columns, word, limb);
      const sum =
        (before === undefined ? 0 : (entryAt(before.words, columns, word, limb) ?? 0)) +
        (entryAt(row.words, columns, word, limb) ?? 0);
      if (entry === undefined ? limbAt(prefix.words, word, limb) !== 0 : entry !== sum) return word;
    }
  }
  return undefined;
}

/** A limb that no row of int8 entries can have. */
export interface RangeFault {
  readonly word: number;
  readonly limb: number;
  /** On which side of the range it lies. */
  readonly side: 'above' | 'below';
}

/** The first such limb, or undefined when the words pack d entries in [−127, 127]. */
export function rangeFault(columns: number, words: readonly bigint[]): RangeFault | undefined {
  for (let word = 0; word < words.length; word++) {
    for (let limb = 0; limb < WORD_LIMBS; limb++) {
      const entry = entryAt(words, columns, word, limb);
      const value = entry ?? limbAt(words, word, limb);
      const bound = entry === undefined ? 0 : ROW_ENTRY_MAX;
      if (value > bound) return { word, limb, side: 'above' };
      if (value < -bound) return { word, limb, side: 'below' };
    }
  }
  return undefined;
}

/**
 * The first position of a shard's list (index id, c_1 … c_S) that is not what was registered, or undefined.
 * @param committed the list that the shard commitment opens to
 * @param lastPrefixes prefix commitments of the last rows of the shard's slots, in order; fewer than S in the last shard
 */
export function wrongElement(
  committed: readonly bigint[],
  indexId: bigint,
  lastPrefixes: readonly bigint[],
): number | undefined {
  const expected = [indexId, ...lastPrefixes];
  const position = expected.findIndex((value, k) => committed[k] !== value);
  return position < 0 ? undefined : position;
}
