/**
 * The numbers within which a store's integer arithmetic is exact: every inner product of a row and a query is below
 * 128·32767·512 < 2³¹, so int32 holds it, and a segment's sum over rows is at most 127·2²⁰ < 2³¹.
 */

/** Rows hold [−127, 127]; the −128 that eight bits admit is refused. */
export const ROW_MAX = 127;
/** Queries hold [−32767, 32767]. */
export const QUERY_MAX = 32767;
/** Columns of a row. */
export const MOST_COLUMNS = 512;
/** Rows of one segment: longer appends become several. */
export const MOST_SEGMENT_ROWS = 2 ** 20;
/** Row numbers are 32 bits in the scan. */
export const MOST_ROWS = 2 ** 32 - 1;
/** Bytes in which files are read and checked. */
export const BLOCK_BYTES = 2 ** 18;
/** Bytes of sums by contributor that a segment may need; one with more contributors ends earlier. */
export const MOST_SUMS_BYTES = 2 ** 26;
