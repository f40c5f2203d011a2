/** What every summary must satisfy, whatever was trained on whatever: money balances, figures exist, curves are whole. */
import { expect } from 'vitest';
import type { Summary } from '../../../src/report/index.js';

export function expectBalanced({ fees, payouts, completeness, identities, audit, contributors }: Summary): void {
  const parts = [fees.contributors, fees.dust, fees.platform, fees.modelOwner, fees.stakers].map(BigInt);
  expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(BigInt(fees.total));
  expect(parts.every((part) => part >= 0n)).toBe(true);
  expect(payouts.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(fees.contributors));
  expect(payouts).toHaveLength(contributors);
  expect(new Set(payouts.map(({ address }) => address)).size).toBe(contributors);
  expect(payouts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);

  for (const figure of Object.values(completeness)) expect(Number.isFinite(figure)).toBe(true);
  expect(completeness.sumOverMagnitude).toBeGreaterThanOrEqual(0);
  expect(completeness.sumOverMagnitude).toBeLessThanOrEqual(1);
  expect(completeness.ratio).toBeCloseTo(completeness.scoreSum / completeness.lossFall, 9);

  expect(identities.length).toBeGreaterThan(0);
  for (const { contributor, points } of identities) {
    const rows = payouts.find((payout) => payout.contributor === contributor)?.rows ?? 0;
    const counts = points.map((point) => point.identities);
    expect(counts).toEqual([...new Set([1, 4, 16, rows].filter((count) => count <= rows))].toSorted((a, b) => a - b));
    for (const { share } of points) expect(share >= 0 && share <= 1).toBe(true);
  }
  expect(audit.passed).toBe(true);
  expect(audit.checks.every((check) => check.passed)).toBe(true);
}
