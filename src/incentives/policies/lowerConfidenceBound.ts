/**
 * The positive part of a lower confidence bound of each contributor's sum, receipt by receipt (design.md, "What a payout
 * means"). Uncertainty grows with √rows, so splitting adds to it and merging takes from it.
 */
import { lowerBoundClaims } from '../claims.js';
import { type Policy, payByReceipt } from '../policy.js';

/** Standard errors that are taken off. */
export const BOUND_DEVIATIONS = 1;

export const lowerConfidenceBound: Policy = {
  card: {
    name: 'lower confidence bound',
    rule: "A receipt is shared in proportion to the positive sums of the contributors' row scores less one standard error.",
    protects: 'Noise under one name; merging pays more than splitting where rows are alike.',
    needs: 'Proofs of sums and of sums of squares.',
    scope: 'receipt',
    settles: 'after a change of the protocol',
  },
  pay: (batch) => payByReceipt(batch, (scores) => lowerBoundClaims(scores, batch, BOUND_DEVIATIONS)),
};
