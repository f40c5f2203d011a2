/**
 * Scores of groups. Influence is additive, so a group of rows is one vector, their sum, and its score is one inner
 * product, exact: a whole number below 2⁵³, or it is refused rather than rounded.
 */
import { MeedError } from '../../foundation/index.js';
import { QUERY_MAX } from './bounds.js';
import type { ContributorSum, RowSum } from './sketchStore.js';

export interface GroupScore {
  readonly contributor: string;
  readonly rows: number;
  /** Positive: its rows together helped. */
  readonly score: number;
}

/**
 * Σ over the group's rows of ⟨row, query⟩.
 * @throws MeedError when the query has another width or the score is beyond 2⁵³
 */
export function groupScore({ sum }: RowSum, query: Int16Array): number {
  requireQuery(query, sum.length);
  const magnitude = sum.reduce((total, x) => total + Math.abs(x), 0);
  if (magnitude * QUERY_MAX <= Number.MAX_SAFE_INTEGER) {
    let score = 0;
    for (let j = 0; j < sum.length; j++) score += sum[j] * query[j];
    return score;
  }
  const exact = sum.reduce((total, x, j) => total + BigInt(x) * BigInt(query[j]), 0n);
  const score = Number(exact);
  if (Number.isSafeInteger(score)) return score;
  throw new MeedError(`A group's score is ${exact}, beyond what a number holds exactly`, 'Ask for smaller groups');
}

/** The contributors with the highest scores, ties in the order of their names (by code unit). */
export function topContributors(sums: readonly ContributorSum[], query: Int16Array, count: number): GroupScore[] {
  return sums
    .filter(({ rows }) => rows > 0)
    .map((group) => ({ contributor: group.contributor, rows: group.rows, score: groupScore(group, query) }))
    .sort((a, b) => b.score - a.score || (a.contributor < b.contributor ? -1 : 1))
    .slice(0, count);
}

/** @throws MeedError when a query has another width or holds −32768 */
export function requireQuery(query: Int16Array, width: number): void {
  if (query.length !== width) {
    throw new MeedError(`A query has ${query.length} entries, the store ${width} columns`, 'Use this index’s encoder');
  }
  const at = query.indexOf(-QUERY_MAX - 1);
  if (at < 0) return;
  throw new MeedError(`A query holds −32768 in column ${at}`, 'Quantise queries to −32767 … 32767');
}
