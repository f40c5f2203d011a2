/**
 * The commitments of docs/protocol.md for many vectors at once: chains, leaves and the tree of `reference/`, hashed in
 * batches on several threads. Words lie in memory as the hash takes them: 15 entries of 16 bits, little-endian, are the
 * first 30 of a word's 32 bytes, so packing is one addition an entry.
 * The trap: the first input of a chain's second permutation is the first one's output, so only vectors run side by side.
 */
import { MeedError } from '../foundation/index.js';
import { type BatchHasher, ELEMENT_BYTES, readIntegers, writeIntegers } from './fast/index.js';
import {
  CHAIN_RATE,
  checkedSalt,
  ENTRIES_PER_WORD,
  ENTRY_MAX,
  ENTRY_OFFSET,
  FIELD_MODULUS,
  type Instance,
  packWords,
  tag,
  wordCount,
} from './reference/index.js';

/** Vectors packed for `commitVectors`. */
export interface PackedVectors {
  readonly count: number;
  /** Inputs of each of the chain's permutations, count × arity × 32 bytes; the first input is the state. */
  readonly blocks: readonly { readonly arity: number; readonly inputs: Uint8Array }[];
}

/**
 * @param entries count × d, row-major
 * @throws MeedError when an entry is not in [−32767, 32767], or a salt has more than 248 bits
 */
export function packVectors(entries: Int8Array | Int16Array, columns: number, salts: readonly bigint[]): PackedVectors {
  const count = salts.length;
  const words = wordCount(columns);
  const blocks: { arity: number; inputs: Uint8Array }[] = [];
  for (let first = 0; first < words; first += CHAIN_RATE) {
    const arity = 1 + Math.min(CHAIN_RATE, words - first);
    const inputs = new Uint8Array(count * arity * ELEMENT_BYTES);
    const halves = new Uint16Array(inputs.buffer);
    const perWord = ELEMENT_BYTES / 2;
    for (let i = 0; i < count; i++) {
      for (let word = 1; word < arity; word++) {
        const from = (first + word - 1) * ENTRIES_PER_WORD;
        const to = Math.min(from + ENTRIES_PER_WORD, columns);
        const at = (i * arity + word) * perWord;
        for (let j = from; j < to; j++) {
          const entry = entries[i * columns + j];
          if (entry < -ENTRY_MAX) throw outOfRange(entry);
          halves[at + j - from] = entry + ENTRY_OFFSET;
        }
      }
    }
    blocks.push({ arity, inputs });
  }
  for (const [i, salt] of salts.entries()) {
    const { arity, inputs } = blocks[0];
    writeIntegers([checkedSalt(salt)], inputs.subarray(i * arity * ELEMENT_BYTES));
  }
  return { count, blocks };
}

function outOfRange(entry: number): MeedError {
  return new MeedError(
    `The entry ${entry} is not an integer in [−${ENTRY_MAX}, ${ENTRY_MAX}]`,
    'Quantise the sketch again',
  );
}

/** chain(salt, words) of each vector: count × 32 bytes. */
export async function commitVectors(hasher: BatchHasher, { count, blocks }: PackedVectors): Promise<Uint8Array> {
  let states: Uint8Array | undefined;
  for (const { arity, inputs } of blocks) {
    if (states !== undefined) scatter(states, inputs, arity, 0);
    states = await hasher.hash(arity, inputs);
  }
  return states ?? new Uint8Array(count * ELEMENT_BYTES);
}

/** A batch of Q queries to be committed. */
export interface BatchVectors {
  /** Q × d, row-major. */
  readonly vectors: Int16Array;
  readonly salt: bigint;
}

/** `queryBatchCommitment` of each: the chains of all batches run side by side, as they are equally long. */
export async function commitBatches(
  hasher: BatchHasher,
  { queries: Q, columns: d }: Instance,
  indexId: bigint,
  batches: readonly BatchVectors[],
): Promise<bigint[]> {
  const chains = batches.map(({ vectors, salt }) => [
    indexId % FIELD_MODULUS,
    checkedSalt(salt),
    ...Array.from({ length: Q }, (_, q) => packWords(vectors.subarray(q * d, (q + 1) * d))).flat(),
  ]);
  let states = batches.map(() => tag('batch', Q, d));
  for (let first = 0; first < (chains[0]?.length ?? 0); first += CHAIN_RATE) {
    const blocks = chains.map((chain, b) => [states[b], ...chain.slice(first, first + CHAIN_RATE)]);
    const inputs = new Uint8Array(blocks.flat().length * ELEMENT_BYTES);
    writeIntegers(blocks.flat(), inputs);
    states = readIntegers(await hasher.hash(blocks[0].length, inputs));
  }
  return states;
}

/** What a leaf binds, each list of 32 bytes an entry but the addresses. */
export interface LeafParts {
  readonly rowHashes: Uint8Array;
  readonly contributors: readonly bigint[];
  readonly rowCommitments: Uint8Array;
  readonly prefixCommitments: Uint8Array;
}

const LEAF_ARITY = 5;

/** indexLeaf of each row: count × 32 bytes. Row hashes are integers below 2²⁵⁶, taken modulo r. */
export function hashLeaves(hasher: BatchHasher, columns: number, parts: LeafParts): Promise<Uint8Array> {
  const count = parts.contributors.length;
  const inputs = new Uint8Array(count * LEAF_ARITY * ELEMENT_BYTES);
  const kind = new Uint8Array(ELEMENT_BYTES);
  writeIntegers([tag('leaf', 0, columns)], kind);
  const contributors = new Uint8Array(count * ELEMENT_BYTES);
  writeIntegers(parts.contributors, contributors);
  for (let i = 0; i < count; i++) inputs.set(kind, i * LEAF_ARITY * ELEMENT_BYTES);
  scatter(parts.rowHashes, inputs, LEAF_ARITY, 1);
  scatter(contributors, inputs, LEAF_ARITY, 2);
  scatter(parts.rowCommitments, inputs, LEAF_ARITY, 3);
  scatter(parts.prefixCommitments, inputs, LEAF_ARITY, 4);
  return hasher.hash(LEAF_ARITY, inputs);
}

/** Root of the binary tree over the leaves (32 bytes each), padded with 0 to a power of two. */
export async function hashRoot(hasher: BatchHasher, leaves: Uint8Array): Promise<Uint8Array> {
  let level = leaves;
  let padding: Uint8Array = new Uint8Array(ELEMENT_BYTES);
  while (level.length > ELEMENT_BYTES) {
    const odd = (level.length / ELEMENT_BYTES) % 2;
    // the pair behind the level's own gives the next level's padding
    const pairs = new Uint8Array(level.length + (odd + 2) * ELEMENT_BYTES);
    pairs.set(level);
    for (let at = level.length; at < pairs.length; at += ELEMENT_BYTES) pairs.set(padding, at);
    const hashed = await hasher.hash(2, pairs);
    level = hashed.subarray(0, -ELEMENT_BYTES);
    padding = hashed.subarray(-ELEMENT_BYTES);
  }
  return level.length === 0 ? padding : level;
}

/** Puts 32 bytes an entry at one place of each hash's inputs. */
function scatter(from: Uint8Array, inputs: Uint8Array, arity: number, place: number): void {
  for (let i = 0; i * ELEMENT_BYTES < from.length; i++) {
    inputs.set(from.subarray(i * ELEMENT_BYTES, (i + 1) * ELEMENT_BYTES), (i * arity + place) * ELEMENT_BYTES);
  }
}
