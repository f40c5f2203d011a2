import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  FIELD_MODULUS,
  fieldOfHash,
  type Hasher,
  indexLeaf,
  indexRoot,
  loadHasher,
  newSaltSecret,
  packWords,
  queryBatchCommitment,
  type SaltPurpose,
  saltOf,
  shardCommitment,
  tag,
  vectorCommitment,
  wordCount,
} from '../../src/prover/reference/index.js';

const entry = fc.oneof(fc.integer({ min: -32767, max: 32767 }), fc.constantFrom(-32767, 0, 32767));
const entries = fc.array(entry, { minLength: 1, maxLength: 47 });

let hasher: Hasher;
beforeAll(async () => {
  hasher = await loadHasher();
});

/** chain(start, elements), recursively. */
function chain(start: bigint, elements: readonly bigint[]): bigint {
  if (elements.length === 0) return start;
  return chain(hasher.hash([start, ...elements.slice(0, 15)]), elements.slice(15));
}

describe('packing', () => {
  it('is undone by taking the words apart again', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const words = packWords(list);
        expect(words.length).toBe(wordCount(list.length));
        const again = words.flatMap((word, w) =>
          Array.from(
            { length: Math.min(15, list.length - 15 * w) },
            (_, t) => Number((word >> BigInt(16 * t)) & 0xffffn) - 32768,
          ),
        );
        expect(again).toEqual(list.map((x) => x + 0));
        expect(words.every((word) => word < 1n << 240n)).toBe(true);
      }),
    );
  });

  it.each([-32768, 32768, 0.5, Number.NaN])('refuses the entry %s', (bad) => {
    expect(() => packWords([0, bad])).toThrow(`The entry ${bad} is not an integer in [−32767, 32767]`);
  });
});

describe('Poseidon', () => {
  it('gives the published values, of one input and of five', () => {
    // circomlib's own test vectors
    expect(hasher.hash([1n])).toBe(18586133768512220936620570745912940619677854269274689475585506675881198879027n);
    expect(hasher.hash([1n, 2n, 0n, 0n, 0n])).toBe(
      1018317224307729531995786483840663576608797660851238720571059489595066344487n,
    );
  });
});

describe('commitments', () => {
  it('follow the protocol, written a second time', () => {
    fc.assert(
      fc.property(entries, fc.bigInt(0n, (1n << 248n) - 1n), (list, salt) => {
        const words: bigint[] = [];
        for (const [i, x] of list.entries()) {
          if (i % 15 === 0) words.push(0n);
          words[words.length - 1] += BigInt(x + 32768) * 2n ** BigInt(16 * (i % 15));
        }
        expect(vectorCommitment(hasher, salt, list)).toBe(chain(salt, words));
      }),
      { numRuns: 30 },
    );
    const instance = { slots: 17, queries: 3, columns: 4 };
    const list = (count: number) => Array.from({ length: count }, (_, i) => 1000n + BigInt(i));
    expect(shardCommitment(hasher, instance, 5n, list(17))).toBe(
      chain((1n << 64n) + (17n << 32n) + 4n, [5n, ...list(17)]),
    );
    const queries = Int16Array.from({ length: 12 }, (_, i) => 3000 * i - 17000);
    const words = [0, 1, 2].flatMap((q) => packWords(queries.subarray(4 * q, 4 * q + 4)));
    expect(queryBatchCommitment(hasher, instance, 5n, 9n, queries)).toBe(
      chain((2n << 64n) + (3n << 32n) + 4n, [5n, 9n, ...words]),
    );
    expect(shardCommitment(hasher, instance, FIELD_MODULUS + 5n, list(17))).toBe(
      shardCommitment(hasher, instance, 5n, list(17)),
    );
  });

  it('change with the salt, any entry, the order, the kind, the shape and the index', () => {
    const base = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    const vectors = [
      vectorCommitment(hasher, 7n, base),
      vectorCommitment(hasher, 8n, base),
      vectorCommitment(hasher, 7n, base.toReversed()),
      ...base.map((_, i) => vectorCommitment(hasher, 7n, base.with(i, base[i] + 100))),
    ];
    expect(new Set(vectors).size).toBe(vectors.length);
    const square = { slots: 2, queries: 2, columns: 16 };
    const queries = Int16Array.from([...base, ...base.map((x) => 7 * x)]);
    const swapped = Int16Array.from([...queries.subarray(16), ...queries.subarray(0, 16)]);
    const lists = [
      shardCommitment(hasher, square, 1n, [10n, 20n]),
      shardCommitment(hasher, square, 1n, [20n, 10n]),
      shardCommitment(hasher, square, 2n, [10n, 20n]),
      shardCommitment(hasher, { ...square, columns: 17 }, 1n, [10n, 20n]),
      queryBatchCommitment(hasher, square, 1n, 3n, queries),
      queryBatchCommitment(hasher, square, 2n, 3n, queries),
      queryBatchCommitment(hasher, square, 1n, 4n, queries),
      queryBatchCommitment(hasher, square, 1n, 3n, swapped),
      queryBatchCommitment(hasher, { ...square, queries: 1, columns: 32 }, 1n, 3n, queries),
      ...Array.from(queries, (x, i) => queryBatchCommitment(hasher, square, 1n, 3n, queries.with(i, x + 1))),
    ];
    expect(new Set(lists).size).toBe(lists.length);
  });

  it('refuse a salt out of range and a list of the wrong length', () => {
    expect(() => vectorCommitment(hasher, 1n << 248n, [1])).toThrow(/salt/);
    expect(() => vectorCommitment(hasher, -1n, [1])).toThrow(/salt/);
    const instance = { slots: 2, queries: 3, columns: 1 };
    expect(() => shardCommitment(hasher, instance, 1n, [1n])).toThrow(/1 commitments were given where 2 are committed/);
    expect(() => queryBatchCommitment(hasher, instance, 1n, 1n, Int16Array.of(1, 2))).toThrow(/2 entries .* has 3/);
    expect(() => queryBatchCommitment(hasher, instance, 1n, 1n << 248n, Int16Array.of(1, 2, 3))).toThrow(/salt/);
    expect(() => queryBatchCommitment(hasher, instance, 1n, 1n, Int16Array.of(1, -32768, 3))).toThrow(/entry −?-32768/);
  });
});

describe('the index tree', () => {
  /** Root of the subtree of `height` over the leaves from `first` on, by definition. */
  function root(leaves: readonly bigint[], height: number, first = 0): bigint {
    if (height === 0) return leaves[first] ?? 0n;
    const half = 2 ** (height - 1);
    return hasher.hash([root(leaves, height - 1, first), root(leaves, height - 1, first + half)]);
  }

  it('agrees with its definition for every number of leaves up to 17', () => {
    for (let n = 1; n <= 17; n++) {
      const leaves = Array.from({ length: n }, (_, i) => BigInt(i * i + 1));
      expect(indexRoot(hasher, leaves)).toBe(root(leaves, Math.ceil(Math.log2(n))));
    }
    expect(indexRoot(hasher, [])).toBe(0n);
  });

  it('changes with every leaf and with their order', () => {
    const leaves = [1n, 2n, 3n, 4n, 5n];
    const roots = [leaves, leaves.toReversed(), ...leaves.map((_, i) => leaves.with(i, 99n))].map((list) =>
      indexRoot(hasher, list),
    );
    expect(new Set(roots).size).toBe(roots.length);
  });

  it('has leaves that bind row, owner, sketch, prefix and width', () => {
    const leaf = {
      rowHash: 'ff'.repeat(32),
      contributor: '0x00000000000000000000000000000000000000A1',
      rowCommitment: 5n,
      prefixCommitment: 6n,
    };
    expect(indexLeaf(hasher, 4, leaf)).toBe(
      hasher.hash([(3n << 64n) + 4n, (2n ** 256n - 1n) % FIELD_MODULUS, 0xa1n, 5n, 6n]),
    );
    const leaves = [
      indexLeaf(hasher, 4, leaf),
      indexLeaf(hasher, 5, leaf),
      indexLeaf(hasher, 4, { ...leaf, rowHash: `00${'ff'.repeat(31)}` }),
      indexLeaf(hasher, 4, { ...leaf, contributor: '0x00000000000000000000000000000000000000A2' }),
      indexLeaf(hasher, 4, { ...leaf, rowCommitment: 6n, prefixCommitment: 5n }),
      indexLeaf(hasher, 4, { ...leaf, prefixCommitment: 7n }),
    ];
    expect(new Set(leaves).size).toBe(leaves.length);
    expect(fieldOfHash(FIELD_MODULUS.toString(16))).toBe(0n);
    expect(tag('leaf', 0, 4)).toBe((3n << 64n) + 4n);
  });
});

describe('salts', () => {
  const secret = '1f'.repeat(32);

  it('differ by secret, purpose and position, have 248 bits at most and come again', () => {
    const purposes: SaltPurpose[] = ['row', 'prefix', 'padding-slot', 'batch', 'receipt', 'remainder'];
    const salts = [secret, newSaltSecret()].flatMap((s) =>
      purposes.flatMap((p) => [0, 1, 2, 10, 12, 100].map((i) => saltOf(s, p, i))),
    );
    expect(new Set(salts).size).toBe(salts.length);
    expect(salts.every((salt) => salt >= 0n && salt < 1n << 248n)).toBe(true);
    expect(salts.some((salt) => salt >> 244n > 0n)).toBe(true);
    expect(saltOf(secret, 'row', 3)).toBe(saltOf(secret, 'row', 3));
    expect(newSaltSecret()).not.toBe(newSaltSecret());
  });

  it.each(['', '1f', 'zz'.repeat(32), '1F'.repeat(32)])('are not made from the secret "%s"', (bad) => {
    expect(() => saltOf(bad, 'row', 0)).toThrow(/64 hex digits/);
  });
});
