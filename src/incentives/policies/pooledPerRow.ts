/**
 * The positive part of every row's pooled score. As with single receipts names do not enter; unlike there, a row is only
 * paid for what it helped over the whole batch, so a wrong label's harm takes away its luck.
 */
import { rowClaims } from '../claims.js';
import { type Policy, payPooled } from '../policy.js';

export const pooledPerRow: Policy = {
  card: {
    name: 'pooled per row',
    rule: 'A batch is shared in proportion to the positive pooled scores of the rows.',
    protects: 'Identities wholly, wrong labels mostly.',
    needs: 'QuerySum, and proofs of row scores instead of sums.',
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay: (batch) => payPooled(batch, (scores) => rowClaims(scores, batch)),
};
