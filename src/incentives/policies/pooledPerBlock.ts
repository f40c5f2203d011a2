/**
 * The positive part of blocks of equally many rows, pooled over the batch. Between rows and contributors: a block is
 * large enough for noise to cancel, and as large for everybody, so a name more or less changes little for a contributor of many
 * blocks. The trap: a contributor of a few blocks still gains by names, down to one a row.
 */
import { Random } from '../../foundation/index.js';
import { blockClaims } from '../claims.js';
import { type Policy, payPooled } from '../policy.js';

/** Slots hold up to 256 rows today; blocks must be small against the smallest contributor, or its last one decides. */
export const BLOCK_ROWS = 16;
/** Stands for the hash of the rows that a registry would draw after they are committed. */
const ORDER_SEED = 1;

export const pooledPerBlock: Policy = {
  card: {
    name: 'pooled per block',
    rule: `A batch is shared in proportion to the positive pooled sums of blocks of ${BLOCK_ROWS} rows, filled in an order that nobody chooses.`,
    protects: 'Noise inside a block; names, of contributors that have many blocks.',
    needs: 'QuerySum, and slots of equally many rows in the order of a hash.',
    scope: 'batch',
    settles: 'after a change of the protocol',
  },
  pay(batch) {
    const order = Random.named(ORDER_SEED, 'block order').permutation(batch.scores.rows);
    return payPooled(batch, (scores) => blockClaims(scores, batch, BLOCK_ROWS, order));
  },
};
