/**
 * What splitting into identities would earn (design.md, "the incentive side"). The positive part is taken per identity
 * and receipt, so a contributor whose rows help some outputs and harm others gains by separating them. Computed on the
 * proven integers: a row's score is its int8 sketch times the int16 query.
 */
import type { AttributionIndex } from './attributionIndex.js';
import type { Receipts } from './receipts.js';

/** Rows [start, end) of one contributor. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** ⟨row, query⟩ for every receipt and training row: receipts × n, exact integers. */
export function rowScores(index: AttributionIndex, receipts: Receipts): Float64Array {
  const d = index.options.instance.columns;
  const n = index.rows.length / d;
  const count = receipts.receipts.length;
  const scores = new Float64Array(count * n);
  for (let q = 0; q < count; q++) {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += receipts.queries[q * d + j] * index.rows[i * d + j];
      scores[q * n + i] = sum;
    }
  }
  return scores;
}

/** The contributors' row ranges, from their slots. */
export function contributorRanges(index: AttributionIndex, contributors: number): RowRange[] {
  return Array.from({ length: contributors }, (_, c) => {
    const own = index.slots.filter((slot) => slot.contributor === c);
    return { start: own[0]?.start ?? 0, end: own[own.length - 1]?.end ?? 0 };
  });
}

/**
 * Part of the contributors' pay that one contributor gets with its rows split evenly over `identities`, each receipt
 * weighing its fee.
 */
export function shareWithIdentities(
  scores: Float64Array,
  fees: readonly bigint[],
  ranges: readonly RowRange[],
  contributor: number,
  identities: number,
): number {
  const n = scores.length / fees.length;
  let earned = 0;
  let paid = 0;
  for (const [q, fee] of fees.entries()) {
    const sum = ({ start, end }: RowRange): number => {
      let total = 0;
      for (let i = start; i < end; i++) total += scores[q * n + i];
      return Math.max(0, total);
    };
    const own = split(ranges[contributor], identities).reduce((total, part) => total + sum(part), 0);
    const others = ranges.reduce((total, range, c) => (c === contributor ? total : total + sum(range)), 0);
    if (own + others === 0) continue;
    earned += (Number(fee) * own) / (own + others);
    paid += Number(fee);
  }
  return paid === 0 ? 0 : earned / paid;
}

function split({ start, end }: RowRange, parts: number): RowRange[] {
  const at = (k: number): number => start + Math.floor(((end - start) * k) / parts);
  return Array.from({ length: parts }, (_, k) => ({ start: at(k), end: at(k + 1) }));
}
