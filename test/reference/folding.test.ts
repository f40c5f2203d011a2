/** The integers of folded queries, each written a second time from docs/protocol.md. */

import { keccak256 } from 'ethers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkReceipt,
  evaluateReceipts,
  evaluateVector,
  FEE_BITS,
  type FoldChallengeInput,
  type FoldedReceipt,
  firstLink,
  foldChallenge,
  LIMB_BITS,
  LIMB_ENTRIES,
  normMax,
  REMAINDER_BITS,
  REMAINDERS_PER_WORD,
  receiptLink,
  remainderCommitment,
  roundedMean,
  squaredNorm,
  WEIGHT_BITS,
  weightedSum,
} from '../../src/prover/reference/folding.js';
import { FIELD_MODULUS, type Hasher, loadHasher, packWords, quantiseQuery } from '../../src/prover/reference/index.js';

const HASH = 'f0'.repeat(32);
const receipt = (changes: Partial<FoldedReceipt> = {}): FoldedReceipt => ({
  vector: Int16Array.of(3, -4, 12),
  fee: 7,
  outputHash: HASH,
  salt: 9n,
  ...changes,
});
const modulo = (x: bigint): bigint => ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;

let hasher: Hasher;
beforeAll(async () => {
  hasher = await loadHasher();
});

describe('the bound on norms', () => {
  it('is (32767 + √d / 2)², rounded up by less than three', () => {
    for (let d = 1; d <= 256; d++) {
      const bound = (32767 + Math.sqrt(d) / 2) ** 2;
      expect(normMax(d)).toBeGreaterThanOrEqual(bound);
      expect(normMax(d)).toBeLessThan(bound + 3);
      expect(normMax(d)).toBeLessThan(2 ** 31);
    }
  });

  it('holds for whatever is quantised, and for nothing longer', () => {
    const parts = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(parts, (psi) => {
        const { entries } = quantiseQuery(psi, new Float64Array(psi.length).fill(1));
        expect(() => checkReceipt(receipt({ vector: entries }), psi.length, 0)).not.toThrow();
      }),
    );
    const vector = Int16Array.of(32767, 200, 0);
    expect(squaredNorm(vector)).toBe(32767 ** 2 + 40000);
    expect(() => checkReceipt(receipt({ vector }), 3, 5)).not.toThrow();
    expect(() => checkReceipt(receipt({ vector: Int16Array.of(32767, 240, 0) }), 3, 5)).toThrow(
      /Receipt 5 has a squared norm of 1073733889, above 1073733/,
    );
  });
});

describe('a receipt', () => {
  it.each([
    [{ fee: 2 ** 30 }, /fee of 1073741824 quanta/],
    [{ fee: -1 }, /fee of -1 quanta/],
    [{ fee: 0.5 }, /fee of 0.5 quanta/],
    [{ outputHash: HASH.toUpperCase() }, /output hash "F0F0/],
    [{ vector: Int16Array.of(1) }, /1 entries, its index has 3 columns/],
    [{ salt: 1n << 248n }, /salt of more than 248 bits/],
  ])('is refused with %o', (changes, saying) => {
    expect(() => checkReceipt(receipt(changes), 3, 0)).toThrow(saying);
  });

  it('is chained with its salt, fee, output and words, each of which matters', () => {
    const link = receiptLink(hasher, 5n, receipt());
    const words = packWords([3, -4, 12]);
    expect(link).toBe(hasher.hash([5n, 9n, 7n, BigInt(`0x${HASH}`) % FIELD_MODULUS, ...words]));
    const others = [
      receiptLink(hasher, 6n, receipt()),
      ...[{ fee: 8 }, { salt: 8n }, { outputHash: '0f'.repeat(32) }, { vector: Int16Array.of(3, 12, -4) }].map(
        (change) => receiptLink(hasher, 5n, receipt(change)),
      ),
    ];
    expect(new Set([link, ...others]).size).toBe(6);
  });
});

describe('the weighted sum and its rounded mean', () => {
  const entry = fc.oneof(fc.integer({ min: -32767, max: 32767 }), fc.constantFrom(-32767, 0, 32767));
  const fee = fc.oneof(fc.integer({ min: 0, max: 2 ** 30 - 1 }), fc.constantFrom(0, 1, 2 ** 30 - 1));
  const receipts = fc.array(fc.tuple(fc.array(entry, { minLength: 6, maxLength: 6 }), fee), { maxLength: 9 });

  it('are exact, and the mean is the nearest integer, ties upwards', () => {
    fc.assert(
      fc.property(receipts, (list) => {
        const folded = list.map(([vector, fee]) => receipt({ vector: Int16Array.from(vector), fee }));
        const { sums, weight } = weightedSum(folded, 6);
        const mean = roundedMean({ sums, weight });
        expect(weight).toBe(list.reduce((sum, [, w]) => sum + BigInt(w), 0n));
        expect(mean.divisor).toBe(weight === 0n ? 1n : weight);
        for (let j = 0; j < 6; j++) {
          expect(sums[j]).toBe(list.reduce((sum, [vector, w]) => sum + BigInt(w) * BigInt(vector[j]), 0n));
          const q = BigInt(mean.quotients[j]);
          // sum / divisor − ½ < q ≤ sum / divisor + ½
          expect(2n * q * mean.divisor - 2n * sums[j] <= mean.divisor).toBe(true);
          expect(2n * sums[j] - 2n * q * mean.divisor < mean.divisor).toBe(true);
          expect(mean.remainders[j]).toBe(2n * sums[j] + mean.divisor - 2n * mean.divisor * q);
          expect(Math.abs(mean.quotients[j])).toBeLessThanOrEqual(32767);
        }
      }),
    );
  });

  it('round halves upwards on both sides of zero', () => {
    const { quotients, remainders } = roundedMean({ sums: BigInt64Array.of(3n, -3n, 1n, -1n, 2n, -2n), weight: 2n });
    expect([...quotients]).toEqual([2, -1, 1, 0, 1, -1]);
    expect([...remainders]).toEqual([0n, 0n, 0n, 0n, 2n, 2n]);
  });

  it('refuses fees that 44 bits do not hold, one quantum above the bound', () => {
    const largest = receipt({ fee: 2 ** FEE_BITS - 1 });
    const full = Array.from({ length: 2 ** (WEIGHT_BITS - FEE_BITS) }, () => largest);
    const { weight, sums } = weightedSum(full, 3);
    expect(weight).toBe((1n << 44n) - 16384n);
    expect(sums[2]).toBe(12n * weight);
    expect(() => weightedSum([...full, receipt({ fee: 16384 })], 3)).toThrow(/17592186044416 quanta together/);
    expect(weightedSum([...full, receipt({ fee: 16383 })], 3).weight).toBe((1n << 44n) - 1n);
  });

  it('fit their widths at the bounds: sums, remainders, limbs, words', () => {
    const weight = (1n << BigInt(WEIGHT_BITS)) - 1n;
    // ten thousand receipts of the largest fee fit
    expect(10_000n * ((1n << BigInt(FEE_BITS)) - 1n)).toBeLessThan(weight);
    expect(2n * weight).toBeLessThan(1n << BigInt(REMAINDER_BITS));
    const doubled = 2n * 32768n * weight;
    const right = 2n * weight * 32768n + 2n * weight + weight;
    // two vectors with equal limbs are equal while their entries differ by less than a limb's base
    expect(doubled + right).toBeLessThan(1n << BigInt(LIMB_BITS));
    let limb = 0n;
    for (let t = 0; t < LIMB_ENTRIES; t++) limb = (limb << BigInt(LIMB_BITS)) + doubled + right;
    expect(2n * limb).toBeLessThan(FIELD_MODULUS);
    expect(1n << BigInt(REMAINDER_BITS * REMAINDERS_PER_WORD)).toBeLessThan(FIELD_MODULUS);
    expect(32768n * weight).toBeLessThan(1n << 63n);
  });
});

describe('evaluations', () => {
  const gamma = 0x1234567890abcdef1234567890abcdefn ** 2n % FIELD_MODULUS;

  it('of a vector are those of its limbs', () => {
    const values = fc.array(fc.bigInt(-(1n << 59n), 1n << 59n), { minLength: 1, maxLength: 11 });
    fc.assert(
      fc.property(values, (list) => {
        const expected = list.reduce(
          (sum, x, j) => sum + x * (1n << (62n * BigInt(j % 4))) * gamma ** BigInt(Math.floor(j / 4)),
          0n,
        );
        expect(evaluateVector(BigInt64Array.from(list), gamma)).toBe(modulo(expected));
      }),
    );
  });

  it("of a step's receipts are those of fees and output hashes in turn", () => {
    const list = [receipt(), receipt({ fee: 0, outputHash: '0'.repeat(64) }), receipt({ fee: 5 })];
    const hash = BigInt(`0x${HASH}`);
    expect(evaluateReceipts(list, gamma)).toBe(modulo(7n + hash * gamma + 5n * gamma ** 4n + hash * gamma ** 5n));
    expect(evaluateReceipts([], gamma)).toBe(0n);
  });
});

describe('what is fixed before γ', () => {
  it('holds remainders, five a word', () => {
    const remainders = BigInt64Array.of(1n, 2n, 3n, (1n << 45n) - 1n, 5n, 6n);
    const words = [1n + (2n << 45n) + (3n << 90n) + (((1n << 45n) - 1n) << 135n) + (5n << 180n), 6n];
    expect(remainderCommitment(hasher, 8n, remainders)).toBe(hasher.hash([(4n << 64n) + 6n, 8n, ...words]));
    expect(() => remainderCommitment(hasher, 8n, BigInt64Array.of(0n, 1n << 45n))).toThrow(
      /Remainder 1 is 35184372088832/,
    );
    expect(() => remainderCommitment(hasher, 8n, BigInt64Array.of(-1n))).toThrow(/Remainder 0 is -1/);
  });

  const base: FoldChallengeInput = {
    chainId: 31337n,
    book: `0x${'01'.repeat(20)}`,
    epoch: 4n,
    host: `0x${'02'.repeat(20)}`,
    settlement: `0x${'03'.repeat(20)}`,
    sumCircuitId: `0x${'04'.repeat(32)}`,
    meanCircuitId: `0x${'05'.repeat(32)}`,
    accumulator: `0x${'06'.repeat(32)}`,
    queryBatchCommitment: 77n,
    position: 3n,
    remainderCommitment: 88n,
  };
  const word = (value: bigint | string): string => BigInt(value).toString(16).padStart(64, '0');

  it('is hashed word by word, and every word changes γ', () => {
    const { chainId, book, epoch, host, settlement, sumCircuitId, meanCircuitId, accumulator } = base;
    const start = [chainId, book, epoch, host].map(word).join('');
    expect(firstLink(base)).toBe(modulo(BigInt(keccak256(`0x${start}`))));
    const rest = [settlement, sumCircuitId, meanCircuitId, accumulator, 77n, 3n, 88n].map(word).join('');
    expect(foldChallenge(base)).toBe(modulo(BigInt(keccak256(`0x${start}${rest}`))));
    const changes: Partial<FoldChallengeInput>[] = [
      { chainId: 1n },
      { book: host },
      { epoch: 5n },
      { host: book },
      { settlement: book },
      { sumCircuitId: meanCircuitId },
      { meanCircuitId: sumCircuitId },
      { accumulator: sumCircuitId },
      { queryBatchCommitment: 78n },
      { position: 2n },
      { remainderCommitment: 89n },
    ];
    const points = [base, ...changes.map((change) => ({ ...base, ...change }))].map(foldChallenge);
    expect(new Set(points).size).toBe(12);
    const links = [base, ...changes.slice(0, 4).map((change) => ({ ...base, ...change }))].map(firstLink);
    expect(new Set(links).size).toBe(5);
  });
});
