/**
 * Commitments to integer vectors and to lists of them (docs/protocol.md, "Commitments"). A vector's commitment is a salted
 * chain over its packed words; a shard's binds a list of them to its kind, its shape and one index, so that one slot can
 * be opened alone; a batch's is one salted chain over the words of all its queries, which costs less and opens whole.
 * The trap: a bare list of hashes bound by a random evaluation can be forged by a generalised birthday attack, so lists
 * are hashed, never evaluated.
 */
import { MeedError } from '../../foundation/index.js';
import {
  ENTRIES_PER_WORD,
  ENTRY_BITS,
  ENTRY_MAX,
  ENTRY_OFFSET,
  FIELD_MODULUS,
  type Instance,
  SALT_BITS,
  tag,
} from './constants.js';
import type { Hasher } from './poseidon.js';

/** Number of words of a vector with `columns` entries. */
export function wordCount(columns: number): number {
  return Math.ceil(columns / ENTRIES_PER_WORD);
}

/**
 * Packs signed entries into field elements, 15 a word, offset to unsigned.
 * @throws MeedError when an entry is not an integer in [−32767, 32767]
 */
export function packWords(entries: ArrayLike<number>): bigint[] {
  const words: bigint[] = [];
  for (let start = 0; start < entries.length; start += ENTRIES_PER_WORD) {
    const end = Math.min(start + ENTRIES_PER_WORD, entries.length);
    let hex = '';
    for (let i = start; i < end; i++)
      hex =
        offsetEntry(entries[i])
          .toString(16)
          .padStart(ENTRY_BITS / 4, '0') + hex;
    words.push(BigInt(`0x${hex}`));
  }
  return words;
}

/** entry + 32768, the form in which entries enter the circuit. */
export function offsetEntry(entry: number): number {
  if (!Number.isInteger(entry) || Math.abs(entry) > ENTRY_MAX) {
    throw new MeedError(
      `The entry ${entry} is not an integer in [−${ENTRY_MAX}, ${ENTRY_MAX}]`,
      'Quantise the sketch again',
    );
  }
  return entry + ENTRY_OFFSET;
}

/** chain(salt, words). @throws MeedError when the salt has more than 248 bits */
export function vectorCommitment(hasher: Hasher, salt: bigint, entries: ArrayLike<number>): bigint {
  return hasher.chain(checkedSalt(salt), packWords(entries));
}

/** chain(tag, indexId, c_1 … c_S). @throws MeedError when there are not S commitments */
export function shardCommitment(
  hasher: Hasher,
  instance: Instance,
  indexId: bigint,
  slotCommitments: readonly bigint[],
): bigint {
  if (slotCommitments.length !== instance.slots) {
    throw new MeedError(
      `${slotCommitments.length} commitments were given where ${instance.slots} are committed`,
      'Pad with zero vectors',
    );
  }
  const start = tag('shard', instance.slots, instance.columns);
  return hasher.chain(start, [indexId % FIELD_MODULUS, ...slotCommitments]);
}

/**
 * chain(tag, indexId, salt, words of query 1 … words of query Q): one chain, as a batch is opened whole.
 * @param queries Q × d, row-major, signed
 * @throws MeedError when an entry or the salt is out of range, or there are not Q · d entries
 */
export function queryBatchCommitment(
  hasher: Hasher,
  instance: Instance,
  indexId: bigint,
  salt: bigint,
  queries: Int16Array,
): bigint {
  const { queries: Q, columns: d } = instance;
  if (queries.length !== Q * d) {
    throw new MeedError(
      `${queries.length} entries were given where a batch of ${Q} queries of ${d} columns has ${Q * d}`,
      'Pad with zero vectors',
    );
  }
  const words = Array.from({ length: Q }, (_, q) => packWords(queries.subarray(q * d, (q + 1) * d))).flat();
  return hasher.chain(tag('batch', Q, d), [indexId % FIELD_MODULUS, checkedSalt(salt), ...words]);
}

/** @throws MeedError when the salt has more than 248 bits */
export function checkedSalt(salt: bigint): bigint {
  if (salt < 0n || salt >> BigInt(SALT_BITS) !== 0n) {
    throw new MeedError(`A salt of more than ${SALT_BITS} bits was given`, 'Derive salts with saltOf');
  }
  return salt;
}
