/** Poseidon in batches against the reference, hash by hash: every arity, the field's edges, any number of hashes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { commitVectors, hashLeaves, hashRoot, packVectors } from '../../../src/prover/batchCommitments.js';
import {
  type BatchHasher,
  ELEMENT_BYTES,
  openBatchHasher,
  readIntegers,
  writeIntegers,
} from '../../../src/prover/fast/index.js';
import {
  FIELD_MODULUS,
  type Hasher,
  indexLeaf,
  indexRoot,
  loadHasher,
  vectorCommitment,
} from '../../../src/prover/reference/index.js';

let batch: BatchHasher;
let hasher: Hasher;
beforeAll(async () => {
  batch = await openBatchHasher({ threads: 2 });
  hasher = await loadHasher();
});
afterAll(() => batch.close());

const random = new Random(11);
const element = (): bigint => {
  let value = 0n;
  for (let word = 0; word < 8; word++) value = (value << 32n) | BigInt(random.uint32());
  return value % FIELD_MODULUS;
};
const EDGES = [0n, 1n, FIELD_MODULUS - 1n, FIELD_MODULUS >> 1n];

function bytesOf(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * ELEMENT_BYTES);
  writeIntegers(values, bytes);
  return bytes;
}

describe('a batch of hashes', () => {
  it('has the published values', async () => {
    expect(readIntegers(await batch.hash(2, bytesOf([1n, 2n])))).toEqual([
      7853200120776062878684798364095072458815029376092732009249414926327459813530n,
    ]);
    const sixteen = Array.from({ length: 16 }, (_, i) => BigInt(i + 1));
    expect(readIntegers(await batch.hash(16, bytesOf(sixteen)))).toEqual([
      9989051620750914585850546081941653841776809718687451684622678807385399211877n,
    ]);
  });

  it.each(Array.from({ length: 16 }, (_, i) => i + 1))('is the reference for %i inputs', async (arity) => {
    const inputs = Array.from({ length: 7 * arity }, (_, i) => (i < EDGES.length ? EDGES[i] : element()));
    const expected = Array.from({ length: 7 }, (_, i) => hasher.hash(inputs.slice(i * arity, (i + 1) * arity)));
    expect(readIntegers(await batch.hash(arity, bytesOf(inputs)))).toEqual(expected);
  });

  it('may have any number of hashes, none, and more than one piece; lists asked for together do not mix', async () => {
    for (const count of [0, 1, 3, 4, 65, 130]) {
      const lists = [0, 1].map(() => Array.from({ length: count }, element));
      const hashed = await Promise.all(lists.map((list) => batch.hash(1, bytesOf(list))));
      expect(hashed.map((bytes) => readIntegers(bytes))).toEqual(
        lists.map((list) => list.map((x) => hasher.hash([x]))),
      );
    }
  });

  it('takes integers of 256 bits modulo r', async () => {
    const most = (1n << 256n) - 1n;
    expect(readIntegers(await batch.hash(1, bytesOf([most])))).toEqual([hasher.hash([most % FIELD_MODULUS])]);
  });

  it('is refused for bytes that are no list, and the next one still works', async () => {
    expect(() => batch.hash(2, new Uint8Array(32))).toThrow('32 bytes are no list of Poseidon inputs, 2 each');
    expect(() => batch.hash(17, new Uint8Array(17 * 32))).toThrow('1 to 16 inputs');
    expect(readIntegers(await batch.hash(1, bytesOf([5n])))).toEqual([hasher.hash([5n])]);
  });
});

describe('commitments in batches', () => {
  // 1 entry, a whole word, one more, a whole block, one entry and one word more, two blocks
  it.each([1, 15, 16, 225, 226, 241, 460])('of vectors of %i entries are the reference’s', async (columns) => {
    const count = 5;
    const entries = Int16Array.from({ length: count * columns }, () => random.below(65535) - 32767);
    const salts = Array.from({ length: count }, () => element() >> 6n);
    const expected = salts.map((salt, i) =>
      vectorCommitment(hasher, salt, entries.subarray(i * columns, (i + 1) * columns)),
    );
    expect(readIntegers(await commitVectors(batch, packVectors(entries, columns, salts)))).toEqual(expected);
  });

  it('refuse an entry of −32768, and a salt of 249 bits', () => {
    expect(() => packVectors(Int16Array.of(0, -32768), 2, [1n])).toThrow('The entry -32768');
    expect(() => packVectors(Int16Array.of(0, 1), 2, [1n << 248n])).toThrow('more than 248 bits');
  });

  it.each([1, 2, 3, 5, 8, 13])('of a tree of %i leaves are the reference’s', async (count) => {
    const rowHashes = Array.from({ length: count }, (_, i) => (i === 0 ? 'ff'.repeat(32) : element().toString(16)));
    const parts = Array.from({ length: count }, (_, i) => ({
      rowHash: rowHashes[i].padStart(64, '0'),
      contributor: `0x${(element() >> 94n).toString(16).padStart(40, '0')}`,
      rowCommitment: element(),
      prefixCommitment: element(),
    }));
    const leaves = await hashLeaves(batch, 9, {
      rowHashes: bytesOf(parts.map(({ rowHash }) => BigInt(`0x${rowHash}`))),
      contributors: parts.map(({ contributor }) => BigInt(contributor)),
      rowCommitments: bytesOf(parts.map(({ rowCommitment }) => rowCommitment)),
      prefixCommitments: bytesOf(parts.map(({ prefixCommitment }) => prefixCommitment)),
    });
    const expected = parts.map((leaf) => indexLeaf(hasher, 9, leaf));
    expect(readIntegers(leaves)).toEqual(expected);
    expect(readIntegers(await hashRoot(batch, leaves))).toEqual([indexRoot(hasher, expected)]);
  });
});
