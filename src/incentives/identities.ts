/**
 * Pay against the number of names. A contributor deals its rows to k identities, all others stay as they are; either
 * blindly, in the order that the rows have, or informed, sorted by what each row earned in an earlier batch, so that its
 * good rows stand apart from its bad ones. Merging is two contributors under one name.
 * The trap: pay before splitting may be nothing, and then any pay is infinitely more. A gain is therefore against the
 * pay before, or a tenth of what the rows would earn if all rows earned alike, whichever is more.
 */
import type { Policy } from './policy.js';
import type { ScoredBatch } from './scoredBatch.js';

export interface IdentityPoint {
  readonly identities: number;
  /** Part of the fees. */
  readonly share: number;
}

export interface IdentityCurve {
  readonly contributor: number;
  readonly dealing: 'blind' | 'informed';
  /** Part of all rows that the contributor has. */
  readonly rowShare: number;
  /** Ascending from one identity. */
  readonly points: readonly IdentityPoint[];
  /** Most that any number of identities earns ÷ what one earns. */
  readonly gain: number;
}

/** Part of the pay of average rows below which pay before splitting counts as this. */
export const FLOOR = 0.1;

/**
 * @param order the contributor's rows in the order in which they are dealt
 */
export function identityCurve(
  policy: Policy,
  batch: ScoredBatch,
  contributor: number,
  order: readonly number[],
  dealing: IdentityCurve['dealing'],
): IdentityCurve {
  const total = batch.totalFee();
  const points = identityCounts(order.length).map((identities): IdentityPoint => {
    const owners = batch.owners.slice();
    // the first part keeps the contributor's name, the others are new ones after all that there are
    for (let part = 1; part < identities; part++) {
      const [from, until] = [part, part + 1].map((k) => Math.floor((order.length * k) / identities));
      for (const row of order.slice(from, until)) owners[row] = batch.identities + part - 1;
    }
    const pay = policy.pay(batch.withOwners(owners, batch.identities + identities - 1));
    let own = pay[contributor];
    for (let c = batch.identities; c < pay.length; c++) own += pay[c];
    return { identities, share: own / total };
  });
  const rowShare = order.length / batch.owners.length;
  const before = Math.max(points[0]?.share ?? 0, FLOOR * rowShare);
  const most = points.reduce((max, { share }) => Math.max(max, share), points[0]?.share ?? 0);
  return { contributor, dealing, rowShare, points, gain: order.length === 0 ? 1 : Math.max(most / before, 1) };
}

/** 1, 2, 4, 8 … and one a row. */
export function identityCounts(rows: number): number[] {
  const counts: number[] = [];
  for (let k = 1; k < rows; k *= 2) counts.push(k);
  if (rows > 0) counts.push(rows);
  return counts;
}

/** The rows of a contributor, in their order or by falling score. */
export function rowsInOrder(owners: Int32Array, contributor: number, scores?: ArrayLike<number>): number[] {
  const rows: number[] = [];
  for (let row = 0; row < owners.length; row++) if (owners[row] === contributor) rows.push(row);
  return scores ? rows.sort((a, b) => scores[b] - scores[a] || a - b) : rows;
}

/** Most that two contributors under one name earn ÷ what both earn apart. */
export function mergeGain(policy: Policy, batch: ScoredBatch): number {
  const apart = policy.pay(batch);
  const counts = new Float64Array(batch.identities);
  for (const owner of batch.owners) counts[owner] += 1 / batch.owners.length;
  const total = batch.totalFee();
  let most = 1;
  for (let a = 0; a < batch.identities; a++) {
    for (let b = a + 1; b < batch.identities; b++) {
      const owners = batch.owners.map((owner) => (owner === b ? a : owner));
      const together = policy.pay(batch.withOwners(owners, batch.identities))[a] / total;
      const before = Math.max((apart[a] + apart[b]) / total, FLOOR * (counts[a] + counts[b]));
      if (before > 0) most = Math.max(most, together / before);
    }
  }
  return most;
}
