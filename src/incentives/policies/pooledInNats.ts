/**
 * Pooled like `pooledPerBatch`, but receipts keep the lengths of their scores: one that training changed much weighs more.
 * With a complete method the pooled sums are nats of loss, so this is the rule whose expectation is closest to Shapley's
 * value; and the one that invites queries whose scores are long.
 */
import { type Policy, shareOut } from '../policy.js';
import { sumByIdentity } from '../scoredBatch.js';

export const pooledInNats: Policy = {
  card: {
    name: 'pooled in nats',
    rule: "A batch is shared in proportion to the positive sums of the contributors' row scores as they are, weighed by fees alone.",
    protects: 'Noise; and it follows what training changed, where outputs that hardly changed count little.',
    needs: 'QuerySum without its norm check, which is what keeps one query from outweighing all others.',
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay(batch) {
    const { owners, identities, scores, fees } = batch;
    const sums = new Float64Array(identities);
    for (let q = 0; q < scores.receipts; q++) {
      if (fees[q] === 0) continue;
      const own = sumByIdentity(scores.of(q), owners, identities);
      for (let c = 0; c < identities; c++) sums[c] += fees[q] * own[c];
    }
    const pay = new Float64Array(identities);
    shareOut(pay, batch.totalFee(), sums);
    return pay;
  },
};
