/** The rows' equal parts: no score at all. What every rule that reads scores must beat at telling good rows from bad. */

import { type Policy, shareOut } from '../policy.js';
import { countRows } from '../scoredBatch.js';

export const equalPerRow: Policy = {
  card: {
    name: 'equal per row',
    rule: 'Every row earns the same.',
    protects: 'Identities and chosen queries, which nothing depends on; against worthless rows it does nothing.',
    needs: 'Nothing.',
    scope: 'receipt',
    settles: 'after a change of the protocol',
  },
  pay(batch) {
    const pay = new Float64Array(batch.identities);
    shareOut(pay, batch.totalFee(), Float64Array.from(countRows(batch.owners, batch.identities)));
    return pay;
  },
};
