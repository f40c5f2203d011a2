/**
 * The score of one row against one query as RowOpening publishes it (docs/protocol.md, "RowOpening"): offset to a positive
 * number, since a negative one in a field is a large one. |score| ≤ 256 · 127 · 32768 < 2^30.
 */

import { MeedError } from '../../foundation/index.js';
import { ROW_ENTRY_MAX } from './constants.js';

/** Added to a row's score before it is published. */
export const ROW_SCORE_OFFSET = 2n ** 30n;

/**
 * ⟨row, query⟩ + 2^30, exact.
 * @throws MeedError when the vectors differ in length, or the row leaves [−127, 127]
 */
export function publishedRowScore(row: ArrayLike<number>, query: ArrayLike<number>): bigint {
  if (row.length !== query.length) {
    throw new MeedError(
      `A row of ${row.length} columns meets a query of ${query.length}`,
      'Take rows and queries of one index',
    );
  }
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    if (!Number.isInteger(row[j]) || Math.abs(row[j]) > ROW_ENTRY_MAX) {
      throw new MeedError(`The row entry ${row[j]} is not an integer in [−127, 127]`, 'Dispute the row with RowRange');
    }
    sum += row[j] * query[j];
  }
  return BigInt(sum) + ROW_SCORE_OFFSET;
}
