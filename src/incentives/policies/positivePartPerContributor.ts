/**
 * The positive part of a contributor's sum, receipt by receipt: what `FeeSplit.share` of the contracts pays, here in
 * floating point. Noise cancels inside a contributor, and no receipt can move another's fee.
 */
import { sumClaims } from '../claims.js';
import { type Policy, payByReceipt } from '../policy.js';

export const positivePartPerContributor: Policy = {
  card: {
    name: 'positive part per contributor',
    rule: "A receipt is shared in proportion to the positive sums of the contributors' row scores.",
    protects: 'Noise inside a contributor, and queries that are chosen: a receipt moves no fee but its own.',
    needs: 'Proofs of sums, as they are.',
    scope: 'receipt',
    settles: 'today',
  },
  pay: (batch) => payByReceipt(batch, (scores) => sumClaims(scores, batch)),
};
