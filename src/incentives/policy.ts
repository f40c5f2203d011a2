/**
 * A payout policy: scores of a batch of receipts in, pay of each identity out. It is one function and the card that says
 * what it is; adding one is a file in `policies/` and a line in its index. Fees here are the contributors' part of what
 * was paid, the pool of the contract's `FeeSplit`.
 * The trap: a policy may pay less than the fees (nobody's score is positive) but never more, or it would pay with other
 * people's money.
 */
import type { ScoredBatch } from './scoredBatch.js';

export interface PolicyCard {
  readonly name: string;
  /** What it pays, one sentence. */
  readonly rule: string;
  /** What it protects against, one sentence. */
  readonly protects: string;
  /** What the protocol must have for it: what a proof binds, what is posted. */
  readonly needs: string;
  /** Whether what one receipt pays depends on that receipt alone. */
  readonly scope: 'receipt' | 'batch';
  /** Which of them can be settled by the contracts as they are. */
  readonly settles: 'today' | 'after a change of the protocol';
}

export interface Policy {
  readonly card: PolicyCard;
  /** @returns pay of each identity, in units of the fees; Σ pay ≤ Σ fees */
  pay(batch: ScoredBatch): Float64Array;
}

/** Adds to each identity its part of `pool`, in proportion to what is positive; nothing when nothing is. */
export function shareOut(pay: Float64Array, pool: number, claims: Float64Array): void {
  let positive = 0;
  for (const claim of claims) if (claim > 0) positive += claim;
  if (!(positive > 0)) return;
  for (let c = 0; c < claims.length; c++) if (claims[c] > 0) pay[c] += pool * (claims[c] / positive);
}

/** The pay of a policy that looks at each receipt alone. @param claims of one receipt's row scores, one an identity */
export function payByReceipt(batch: ScoredBatch, claims: (scores: Float32Array) => Float64Array): Float64Array {
  const pay = new Float64Array(batch.identities);
  for (let q = 0; q < batch.scores.receipts; q++) {
    if (batch.fees[q] > 0) shareOut(pay, batch.fees[q], claims(batch.scores.of(q)));
  }
  return pay;
}

/** The pay of a policy that looks at the pooled scores. */
export function payPooled(batch: ScoredBatch, claims: (scores: Float64Array) => Float64Array): Float64Array {
  const pay = new Float64Array(batch.identities);
  shareOut(pay, batch.totalFee(), claims(batch.pooled()));
  return pay;
}
