/** A lower confidence bound of each contributor's pooled sum: both ways of not paying for luck at once. */
import { lowerBoundClaims } from '../claims.js';
import { type Policy, payPooled } from '../policy.js';
import { BOUND_DEVIATIONS } from './lowerConfidenceBound.js';

export const pooledLowerBound: Policy = {
  card: {
    name: 'pooled lower bound',
    rule: "A batch is shared in proportion to the positive sums of the contributors' pooled row scores less one standard error.",
    protects: 'Noise and wrong labels under one name; merging pays more than splitting where rows are alike.',
    needs: 'QuerySum, and proofs of sums of squares.',
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay: (batch) => payPooled(batch, (scores) => lowerBoundClaims(scores, batch, BOUND_DEVIATIONS)),
};
