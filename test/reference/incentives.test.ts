import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RowRange, shareWithIdentities } from '../../src/prover/incentives.js';
import { splitPool } from '../../src/prover/reference/index.js';

interface Market {
  readonly scores: Float64Array;
  readonly fees: readonly bigint[];
  readonly ranges: readonly RowRange[];
}

const market: fc.Arbitrary<Market> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 4 }))
  .chain(([sizes, receipts]) => {
    const rows = sizes.reduce((a, b) => a + b, 0);
    let start = 0;
    const ranges = sizes.map((size) => {
      const range = { start, end: start + size };
      start += size;
      return range;
    });
    return fc.record({
      scores: fc
        .array(fc.integer({ min: -1_000_000, max: 1_000_000 }), {
          minLength: rows * receipts,
          maxLength: rows * receipts,
        })
        .map((list) => Float64Array.from(list)),
      fees: fc.array(fc.bigInt(1n, 1_000_000n), { minLength: receipts, maxLength: receipts }),
      ranges: fc.constant(ranges),
    });
  });

/** Each receipt's fee split exactly over identities; returns what the first `own` of them get, and what all get. */
function split(scores: readonly bigint[][], fees: readonly bigint[], own: number): [bigint, bigint] {
  const unit = 10n ** 30n; // so that dust is far below the tolerance
  let [mine, all] = [0n, 0n];
  for (const [q, fee] of fees.entries()) {
    const { shares, dust } = splitPool(fee * unit, scores[q]);
    if (dust === fee * unit) continue;
    mine += shares.slice(0, own).reduce((a, b) => a + b, 0n);
    all += fee * unit;
  }
  return [mine, all];
}

/** The contributor's rows cut as evenly as whole rows allow, then the others: sums of each, per receipt. */
function identities({ scores, fees, ranges }: Market, contributor: number, parts: number): bigint[][] {
  const n = scores.length / fees.length;
  const { start, end } = ranges[contributor];
  const bounds = Array.from({ length: parts + 1 }, (_, k) => start + Math.floor(((end - start) * k) / parts));
  const cuts = bounds.slice(1).map((to, k) => ({ start: bounds[k], end: to }));
  return fees.map((_, q) =>
    [...cuts, ...ranges.filter((_, c) => c !== contributor)].map((range) => {
      const rows = Array.from(scores.subarray(q * n + range.start, q * n + range.end));
      return BigInt(rows.reduce((a, b) => a + b, 0));
    }),
  );
}

describe('the share of a contributor with many identities', () => {
  it('is what the integer split pays them together', () => {
    fc.assert(
      fc.property(market, fc.nat(3), fc.integer({ min: 1, max: 12 }), (m, which, parts) => {
        const contributor = which % m.ranges.length;
        const [mine, all] = split(identities(m, contributor, parts), m.fees, parts);
        const exact = all === 0n ? 0 : Number((mine * 10n ** 15n) / all) / 1e15;
        expect(shareWithIdentities(m.scores, m.fees, m.ranges, contributor, parts)).toBeCloseTo(exact, 11);
      }),
    );
  });

  it('sums to one over the contributors when each has one identity', () => {
    fc.assert(
      fc.property(market, (m) => {
        const shares = m.ranges.map((_, c) => shareWithIdentities(m.scores, m.fees, m.ranges, c, 1));
        const total = shares.reduce((a, b) => a + b, 0);
        const paid = identities(m, 0, 1).some((scores) => scores.some((score) => score > 0n));
        expect(total).toBeCloseTo(paid ? 1 : 0, 11);
      }),
    );
  });

  it('never falls when an identity is split further', () => {
    fc.assert(
      fc.property(
        market,
        fc.nat(3),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 2, max: 4 }),
        (m, which, parts, more) => {
          const contributor = which % m.ranges.length;
          const before = shareWithIdentities(m.scores, m.fees, m.ranges, contributor, parts);
          expect(shareWithIdentities(m.scores, m.fees, m.ranges, contributor, parts * more)).toBeGreaterThanOrEqual(
            before - 1e-12,
          );
        },
      ),
    );
  });

  it('gains nothing when all its rows agree in sign', () => {
    const m = {
      scores: Float64Array.of(1, 2, 3, 6),
      fees: [5n],
      ranges: [
        { start: 0, end: 3 },
        { start: 3, end: 4 },
      ],
    };
    for (const parts of [1, 2, 3, 50]) expect(shareWithIdentities(m.scores, m.fees, m.ranges, 0, parts)).toBe(0.5);
    // and a row that harms stops costing once it stands alone
    const mixed = { ...m, scores: Float64Array.of(6, -6, 0, 6) };
    expect(shareWithIdentities(mixed.scores, m.fees, m.ranges, 0, 1)).toBe(0);
    expect(shareWithIdentities(mixed.scores, m.fees, m.ranges, 0, 3)).toBe(0.5);
  });
});
