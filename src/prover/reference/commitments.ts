/**
 * Commitments to integer vectors and to lists of them (docs/protocol.md, "Commitments"). A vector's commitment is a salted
 * chain over its packed words; a shard's or a batch's binds the list of them to its kind, its shape and one index.
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
  if (salt < 0n || salt >> BigInt(SALT_BITS) !== 0n) {
    throw new MeedError(`A salt of more than ${SALT_BITS} bits was given`, 'Derive salts with saltOf');
  }
  return hasher.chain(salt, packWords(entries));
}

export function shardCommitment(
  hasher: Hasher,
  instance: Instance,
  indexId: bigint,
  slotCommitments: readonly bigint[],
): bigint {
  return listCommitment(
    hasher,
    tag('shard', instance.slots, instance.columns),
    indexId,
    slotCommitments,
    instance.slots,
  );
}

export function queryBatchCommitment(
  hasher: Hasher,
  instance: Instance,
  indexId: bigint,
  queryCommitments: readonly bigint[],
): bigint {
  return listCommitment(
    hasher,
    tag('batch', instance.queries, instance.columns),
    indexId,
    queryCommitments,
    instance.queries,
  );
}

function listCommitment(
  hasher: Hasher,
  start: bigint,
  indexId: bigint,
  commitments: readonly bigint[],
  length: number,
): bigint {
  if (commitments.length !== length) {
    throw new MeedError(
      `${commitments.length} commitments were given where ${length} are committed`,
      'Pad with zero vectors',
    );
  }
  return hasher.chain(start, [indexId % FIELD_MODULUS, ...commitments]);
}
