import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitFee, splitPool, sumByContributor } from '../../src/prover/reference/index.js';

const amount = fc.oneof(fc.bigInt(0n, 10n ** 27n), fc.bigInt(0n, 50n));
const policy = fc.tuple(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000)).map(([platformBps, a, b]) => ({
  platformBps,
  betaBps: Math.min(a, b),
  gammaBps: Math.max(a, b) - Math.min(a, b),
  deltaBps: 10_000 - Math.max(a, b),
}));
const score = fc.oneof(fc.bigInt(-(1n << 46n), 1n << 46n), fc.bigInt(-2n, 2n));
const sum = (list: readonly bigint[]): bigint => list.reduce((total, x) => total + x, 0n);

describe('the fee', () => {
  it('is split to the last unit, each part rounded down and the pool keeping the rest', () => {
    fc.assert(
      fc.property(amount, policy, (fee, parts) => {
        const { platform, modelOwner, stakers, pool } = splitFee(fee, parts);
        expect(sum([platform, modelOwner, stakers, pool])).toBe(fee);
        const net = fee - platform;
        for (const [part, of, bps] of [
          [platform, fee, parts.platformBps],
          [modelOwner, net, parts.betaBps],
          [stakers, net, parts.gammaBps],
        ] as const) {
          // part = ⌊of · bps / 10⁴⌋, said without a division
          expect(part * 10_000n <= of * BigInt(bps) && (part + 1n) * 10_000n > of * BigInt(bps)).toBe(true);
        }
        const exact = net * BigInt(parts.deltaBps);
        expect(pool * 10_000n >= exact && pool * 10_000n < exact + 20_000n).toBe(true);
      }),
    );
  });

  it('is not split by a policy whose parts are not parts', () => {
    const fair = { platformBps: 100, betaBps: 3000, gammaBps: 1000, deltaBps: 6000 };
    for (const wrong of [
      { ...fair, deltaBps: 5999 },
      { ...fair, deltaBps: 6001 },
      { ...fair, platformBps: 10_001 },
      { ...fair, platformBps: -1 },
      { ...fair, betaBps: -1000, gammaBps: 5000 },
      { ...fair, betaBps: 3000.5, gammaBps: 999.5 },
    ]) {
      expect(() => splitFee(100n, wrong)).toThrow(/fee policy/);
    }
  });
});

describe('the pool', () => {
  it('goes to the positive scores in proportion, rounded down, and the dust is named', () => {
    fc.assert(
      fc.property(amount, fc.array(score, { maxLength: 12 }), (pool, scores) => {
        const { shares, dust } = splitPool(pool, scores);
        expect(sum(shares) + dust).toBe(pool);
        const total = sum(scores.filter((s) => s > 0n));
        for (const [c, share] of shares.entries()) {
          const positive = scores[c] > 0n ? scores[c] : 0n;
          if (total === 0n) expect(share).toBe(0n);
          else expect(share * total <= pool * positive && (share + 1n) * total > pool * positive).toBe(true);
        }
        // rounding loses less than one unit a payee
        const payees = BigInt(scores.filter((s) => s > 0n).length);
        expect(total === 0n ? dust === pool : dust < payees).toBe(true);
      }),
    );
  });

  it('does not depend on the order of contributors, nor on the unit of the scores', () => {
    fc.assert(
      fc.property(amount, fc.array(score, { maxLength: 8 }), fc.bigInt(1n, 1000n), (pool, scores, unit) => {
        const { shares, dust } = splitPool(pool, scores);
        expect(splitPool(pool, scores.toReversed())).toEqual({ shares: shares.toReversed(), dust });
        expect(
          splitPool(
            pool,
            scores.map((s) => s * unit),
          ),
        ).toEqual({ shares, dust });
      }),
    );
  });

  it('is all dust when nobody helped', () => {
    expect(splitPool(77n, [-1n, 0n, -5n])).toEqual({ shares: [0n, 0n, 0n], dust: 77n });
    expect(splitPool(77n, [])).toEqual({ shares: [], dust: 77n });
    expect(splitPool(0n, [3n, 4n])).toEqual({ shares: [0n, 0n], dust: 0n });
  });

  it('pays nobody less for a higher score of its own', () => {
    fc.assert(
      fc.property(
        amount,
        fc.array(score, { minLength: 1, maxLength: 6 }),
        fc.bigInt(0n, 1n << 40n),
        (pool, scores, more) => {
          const higher = scores.with(0, scores[0] + more);
          expect(splitPool(pool, higher).shares[0] >= splitPool(pool, scores).shares[0]).toBe(true);
        },
      ),
    );
  });
});

describe('sums by contributor', () => {
  it('add the slots of each contributor and leave unused ones out', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 1, maxLength: 7 }),
        fc.infiniteStream(score),
        (queries, owners, stream) => {
          const scores = BigInt64Array.from({ length: owners.length * queries }, () => stream.next().value);
          const sums = sumByContributor(scores, owners, 4, queries);
          for (let c = 0; c < 4; c++) {
            for (let q = 0; q < queries; q++) {
              const own = owners.flatMap((owner, k) => (owner === c ? [scores[k * queries + q]] : []));
              expect(sums[c * queries + q]).toBe(sum(own));
            }
          }
        },
      ),
    );
  });
});
