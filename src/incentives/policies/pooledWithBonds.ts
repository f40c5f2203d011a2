/**
 * Signed pay: a contributor whose rows harmed the batch is charged, up to a bond of so many times its rows' part of the
 * fees. Where no bond is exhausted pay is linear in the scores, and a linear rule is indifferent to splitting and merging.
 * The trap: if the sums nearly cancel, parts of their total are as large as one likes; so charges stop at the bond, and
 * what is shared is the fees and the charges, in proportion to the positive sums. Pay is negative for who is charged.
 */

import { type Policy, shareOut } from '../policy.js';
import { countRows, sumByIdentity } from '../scoredBatch.js';

/** Times the fees that the rows would earn if all rows earned alike. */
export const BOND_MULTIPLE = 1;

export const pooledWithBonds: Policy = {
  card: {
    name: 'pooled with bonds',
    rule: 'A batch is shared by the pooled sums with their signs: who harmed pays into the pool, up to a bond in proportion to its rows.',
    protects: 'Noise and wrong labels, which are charged; splitting and merging while no bond is exhausted.',
    needs: 'QuerySum, and bonds of contributors that a settlement may charge.',
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay(batch) {
    const { owners, identities } = batch;
    const sums = sumByIdentity(batch.pooled(), owners, identities);
    const total = sums.reduce((sum, value) => sum + value, 0);
    const pay = new Float64Array(identities);
    if (!(total > 0)) return pay;
    const fees = batch.totalFee();
    const counts = countRows(owners, identities);
    let pool = fees;
    for (const [c, sum] of sums.entries()) {
      if (sum >= 0) continue;
      const charge = Math.min((fees * -sum) / total, (BOND_MULTIPLE * fees * counts[c]) / owners.length);
      pay[c] = -charge;
      pool += charge;
    }
    shareOut(pay, pool, sums);
    return pay;
  },
};
