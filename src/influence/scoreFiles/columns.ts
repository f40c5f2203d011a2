/**
 * How a table holds a matrix. Wide: one list column, whose row i is the matrix' row i. Long: one row of the table for
 * each entry, in the columns query (or receipt, as Meed's own score files call it), row and score, in any order, each
 * entry once. A table that is neither could mean anything and is refused.
 */
import { MeedError } from '../../foundation/index.js';

/** Name of the list column that is written; any name is read. */
export const WIDE_COLUMN = 'scores';
const QUERY_NAMES = ['query', 'receipt'];

export type TableLayout =
  | { readonly kind: 'wide'; readonly column: string }
  | { readonly kind: 'long'; readonly query: string; readonly row: string; readonly score: string };

/**
 * @param columns the names of a table's columns
 * @param lists   those of them that hold lists
 * @throws MeedError naming the columns when they are of neither layout
 */
export function layoutOfTable(path: string, columns: readonly string[], lists: readonly string[]): TableLayout {
  const query = QUERY_NAMES.find((name) => columns.includes(name));
  if (query !== undefined && columns.includes('row') && columns.includes('score')) {
    return { kind: 'long', query, row: 'row', score: 'score' };
  }
  if (lists.length === 1) return { kind: 'wide', column: lists[0] };
  throw new MeedError(
    `${path} has the columns ${columns.join(', ')}, which do not say where the scores are`,
    'Give one list column, a matrix row in each of its rows, or the columns query, row, score',
  );
}
