/**
 * The positive part of every row. Names do not enter, so no number of them changes anybody's pay; but a row of noise
 * helps half of the outputs by chance, and is paid for them.
 */
import { rowClaims } from '../claims.js';
import { type Policy, payByReceipt } from '../policy.js';

export const positivePartPerRow: Policy = {
  card: {
    name: 'positive part per row',
    rule: 'A receipt is shared in proportion to the positive scores of the rows.',
    protects: 'Identities: pay does not depend on the names that rows stand under.',
    needs: 'Proofs of row scores instead of sums.',
    scope: 'receipt',
    settles: 'after a change of the protocol',
  },
  pay: (batch) => payByReceipt(batch, (scores) => rowClaims(scores, batch)),
};
