import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { mergeGain, rowsInOrder } from '../../src/incentives/identities.js';
import { identityCurve, POLICIES, type Policy, ReceiptScores, ScoredBatch } from '../../src/incentives/index.js';
import { shareWithIdentities } from '../../src/prover/index.js';
import { refusal } from '../data/fixture.js';
import { batchOf, randomBatch, total } from './world.js';

function policy(name: string): Policy {
  const found = POLICIES.find(({ card }) => card.name === name);
  if (!found) throw new Error(`no policy ${name}`);
  return found;
}

/** Rules that no name enters: pay is a sum over rows of something of the row alone. */
const NAMELESS = ['positive part per row', 'pooled per row', 'equal per row'];

describe('payout policies', () => {
  const batch = randomBatch({ receipts: 7, rows: 60, owners: 5 });

  it('have cards of their own', () => {
    expect(new Set(POLICIES.map(({ card }) => card.name)).size).toBe(POLICIES.length);
    for (const { card } of POLICIES)
      for (const text of [card.rule, card.protects, card.needs]) expect(text).toMatch(/\.$/);
  });

  for (const one of POLICIES) {
    const { name, scope } = one.card;
    it(`${name} never pays more than the fees, and only bonds pay less than nothing`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        const other = randomBatch({ receipts: 5, rows: 40, owners: 6, seed });
        const pay = one.pay(other);
        expect(pay.length).toBe(6);
        expect(pay.every(Number.isFinite)).toBe(true);
        expect(total(pay)).toBeLessThanOrEqual(other.totalFee() * (1 + 1e-12));
        if (name !== 'pooled with bonds') expect(Math.min(...pay)).toBeGreaterThanOrEqual(0);
      }
    });

    it(`${name} does not depend on the order of identities`, () => {
      const reversed = batch.withOwners(
        batch.owners.map((owner) => batch.identities - 1 - owner),
        batch.identities,
      );
      const [pay, turned] = [one.pay(batch), one.pay(reversed)];
      for (const c of pay.keys()) expect(turned[batch.identities - 1 - c]).toBeCloseTo(pay[c], 10);
    });

    it(`${name} does not depend on the unit of the scores`, () => {
      const larger = new ScoredBatch(
        new ReceiptScores(
          batch.scores.values.map((score) => score * 8),
          batch.scores.receipts,
          batch.scores.rows,
        ),
        batch.fees,
        batch.owners,
        batch.identities,
      );
      const [pay, scaled] = [one.pay(batch), one.pay(larger)];
      for (const c of pay.keys()) expect(scaled[c]).toBeCloseTo(pay[c], 9);
    });

    it(`${name} gives nobody anything when no score is positive, unless it reads none`, () => {
      const sad = batchOf(
        [
          [-1, -2, -3, 0],
          [0, 0, 0, 0],
        ],
        [0, 0, 1, 1],
      );
      expect(total(one.pay(sad))).toBeCloseTo(name === 'equal per row' ? 2 : 0, 12);
    });

    if (scope === 'receipt') {
      it(`${name} pays receipt by receipt: batches add up, and no query earns more than its own fee`, () => {
        const single = (q: number) => batch.withFees(batch.fees.map((fee, other) => (other === q ? fee : 0)));
        const apart = Array.from(batch.fees, (_, q) => one.pay(single(q)));
        const pay = one.pay(batch);
        for (const c of pay.keys()) {
          expect(pay[c]).toBeCloseTo(total(apart.map((own) => own[c])), 10);
          for (const q of apart.keys()) expect(apart[q][c]).toBeLessThanOrEqual(batch.fees[q] * (1 + 1e-12));
        }
      });
    }
  }

  it('of rows are exactly indifferent to names, and those of sums are not', () => {
    for (const one of POLICIES) {
      const curves = [0, 1, 2].map((c) => identityCurve(one, batch, c, rowsInOrder(batch.owners, c), 'blind'));
      const merged = mergeGain(one, batch);
      if (NAMELESS.includes(one.card.name)) {
        for (const { points } of curves) for (const { share } of points) expect(share).toBeCloseTo(points[0].share, 12);
        expect(merged).toBeCloseTo(1, 12);
      }
    }
    const sums = identityCurve(
      policy('positive part per contributor'),
      batch,
      0,
      rowsInOrder(batch.owners, 0),
      'blind',
    );
    expect(sums.gain).toBeGreaterThan(1.2);
  });

  it('share by hand-worked numbers', () => {
    const hand = batchOf([[3, -1, 1, 1]], [0, 0, 1, 1], [12]);
    const pays = (name: string) => Array.from(policy(name).pay(hand));
    expect(pays('positive part per row')[0]).toBeCloseTo((12 * 3) / 5, 12);
    expect(pays('positive part per contributor')).toEqual([6, 6]);
    // variance of 3 and −1 is 8: the bound of the first is 2 − √(2 · 8) < 0, the second has none
    expect(pays('lower confidence bound')).toEqual([0, 12]);
    expect(pays('pooled per batch')).toEqual([6, 6]);
    expect(pays('equal per row')).toEqual([6, 6]);
    // sums 2 and −1: all of the fee and the charge, which is a whole fee but stops at the bond, half of the fees
    const harmful = batchOf([[1, 1, -0.5, -0.5]], [0, 0, 1, 1], [12]);
    expect(Array.from(policy('pooled with bonds').pay(harmful))).toEqual([18, -6]);
    expect(Array.from(policy('pooled per batch').pay(harmful))).toEqual([12, 0]);
  });

  it('with bonds are linear, and so indifferent to names, while no bond is exhausted', () => {
    const random = new Random(3);
    const mild = Array.from({ length: 4 }, () => Array.from({ length: 24 }, () => 1 + 0.2 * random.normal()));
    const owners = Array.from({ length: 24 }, (_, i) => Math.floor(i / 8));
    const one = policy('pooled with bonds');
    const { points } = identityCurve(one, batchOf(mild, owners), 1, [8, 9, 10, 11, 12, 13, 14, 15], 'blind');
    for (const { share } of points) expect(share).toBeCloseTo(points[0].share, 12);
  });

  it('pool by unit length: a receipt is worth its fee however long its scores', () => {
    const short = batchOf(
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [0, 1, 2],
    );
    const long = batchOf(
      [
        [100, 0, 0],
        [0, 1, 0],
      ],
      [0, 1, 2],
    );
    expect(policy('pooled per batch').pay(long)).toEqual(policy('pooled per batch').pay(short));
    expect(policy('pooled in nats').pay(long)[0]).toBeCloseTo((2 * 100) / 101, 12);
  });

  it('per contributor are what the protocol pays on its integers', () => {
    const rows = 12;
    const random = new Random(5);
    const scores = Float64Array.from({ length: 3 * rows }, () => random.below(2001) - 1000);
    const ranges = [
      { start: 0, end: 5 },
      { start: 5, end: 9 },
      { start: 9, end: 12 },
    ];
    const owners = Array.from({ length: rows }, (_, i) => ranges.findIndex(({ end }) => i < end));
    const batched = batchOf(
      [0, 1, 2].map((q) => Array.from(scores.subarray(q * rows, (q + 1) * rows))),
      owners,
      [1, 2, 3],
    );
    for (const contributor of [0, 1, 2]) {
      const order = rowsInOrder(batched.owners, contributor);
      const { points } = identityCurve(policy('positive part per contributor'), batched, contributor, order, 'blind');
      for (const { identities, share } of points) {
        expect(share).toBeCloseTo(shareWithIdentities(scores, [1n, 2n, 3n], ranges, contributor, identities), 12);
      }
    }
  });

  it('refuse scores, fees and owners that do not fit', async () => {
    const scores = new ReceiptScores(Float32Array.of(1, 2), 1, 2);
    expect(await refusal(() => new ReceiptScores(Float32Array.of(1, Number.NaN), 1, 2))).toContain(
      'The score of receipt 0 and row 1 is NaN',
    );
    expect(await refusal(() => new ReceiptScores(Float32Array.of(1, 2, 3), 1, 2))).toContain(
      '3 scores were given for 1',
    );
    expect(await refusal(() => new ScoredBatch(scores, Float64Array.of(-1), Int32Array.of(0, 0), 1))).toContain('fees');
    expect(await refusal(() => new ScoredBatch(scores, Float64Array.of(1), Int32Array.of(0, 2), 2))).toContain(
      'among them 2',
    );
  });
});
