/**
 * How the row scores of an identity become what it may claim, for one receipt or for a pooled batch alike. The idea:
 * where the positive part is taken decides who gains by which lie. Taken of each row, names do not matter but noise is
 * paid for its lucky half; taken of a sum, noise cancels but splitting separates luck from harm.
 */
import { countRows, type ScoredBatch, sumByIdentity } from './scoredBatch.js';

export function rowClaims(scores: ArrayLike<number>, { owners, identities }: ScoredBatch): Float64Array {
  const claims = new Float64Array(identities);
  for (let i = 0; i < owners.length; i++) if (scores[i] > 0) claims[owners[i]] += scores[i];
  return claims;
}

export function sumClaims(scores: ArrayLike<number>, { owners, identities }: ScoredBatch): Float64Array {
  return sumByIdentity(scores, owners, identities);
}

/**
 * Σ score − z · √(n · s²), s² the sample variance of the identity's row scores: the lower end of an interval of the sum,
 * were the rows drawn at random. √n is concave, so parts lose more than the whole. One row has no variance and claims
 * nothing.
 */
export function lowerBoundClaims(
  scores: ArrayLike<number>,
  { owners, identities }: ScoredBatch,
  deviations: number,
): Float64Array {
  const counts = countRows(owners, identities);
  const sums = sumByIdentity(scores, owners, identities);
  const squares = new Float64Array(identities);
  for (let i = 0; i < owners.length; i++) squares[owners[i]] += (scores[i] - sums[owners[i]] / counts[owners[i]]) ** 2;
  return sums.map((sum, c) => {
    const n = counts[c];
    return n < 2 ? 0 : sum - deviations * Math.sqrt((n * squares[c]) / (n - 1));
  });
}

/**
 * Σ over blocks of `rows` rows of the positive part of the block's sum. A block is filled with an identity's rows in the
 * order of a hash of their positions, which nobody chooses, so that an owner cannot sort its rows into blocks. The last
 * block is the smaller one.
 */
export function blockClaims(
  scores: ArrayLike<number>,
  { owners, identities }: ScoredBatch,
  rows: number,
  order: Uint32Array,
): Float64Array {
  const claims = new Float64Array(identities);
  const sums = new Float64Array(identities);
  const filled = new Int32Array(identities);
  for (const i of order) {
    const c = owners[i];
    sums[c] += scores[i];
    filled[c]++;
    if (filled[c] < rows) continue;
    claims[c] += Math.max(0, sums[c]);
    sums[c] = 0;
    filled[c] = 0;
  }
  return claims.map((claim, c) => claim + Math.max(0, sums[c]));
}
