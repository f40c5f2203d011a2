/**
 * The positive part of each contributor's sum over the whole batch, fee-weighted: the column of a `QuerySum`. What
 * averages out over outputs is not paid; but a receipt now moves the fees
 * of the others in its batch.
 */
import { sumClaims } from '../claims.js';
import { type Policy, payPooled } from '../policy.js';

export const pooledPerBatch: Policy = {
  card: {
    name: 'pooled per batch',
    rule: "A batch is shared in proportion to the positive sums of the contributors' pooled row scores.",
    protects: 'Noise and wrong labels under one name, more than receipt by receipt.',
    needs: "Batches of one host's receipts folded by QuerySum.",
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay: (batch) => payPooled(batch, (scores) => sumClaims(scores, batch)),
};
