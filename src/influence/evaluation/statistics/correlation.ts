/**
 * Correlation of two lists, of their values (Pearson) or of their mid-ranks (Spearman), under weights that say how often
 * each pair was drawn: what a bootstrap asks for again and again, so ranks are sorted once for all draws.
 * A constant list has no correlation; the answer is NaN, which whoever averages drops and counts. The trap: rounding can
 * leave a constant list a variance of 1e-17, and a correlation of anything, so constancy is asked of the values.
 */
import { fillRanks, type RankGroups, rankGroups } from './ranks.js';

/** Of one pair of lists. */
export interface Correlator {
  /**
   * @param weights how often each pair counts, whole numbers from 0
   * @returns in [−1, 1]; NaN where a list is constant over the pairs that count, or holds NaN
   */
  of(weights: ArrayLike<number>): number;
}

export type CorrelationKind = 'pearson' | 'spearman';

/** @param x and y equally long */
export function correlator(kind: CorrelationKind, x: ArrayLike<number>, y: ArrayLike<number>): Correlator {
  if (kind === 'pearson') return { of: (weights) => weightedPearson(x, y, weights) };
  if (hasNaN(x) || hasNaN(y)) return { of: () => Number.NaN };
  const [a, b]: readonly RankGroups[] = [rankGroups(x), rankGroups(y)];
  const [ranksA, ranksB] = [new Float64Array(x.length), new Float64Array(y.length)];
  return {
    of(weights) {
      fillRanks(a, weights, ranksA);
      fillRanks(b, weights, ranksB);
      return weightedPearson(ranksA, ranksB, weights);
    },
  };
}

export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return correlator('pearson', x, y).of(ones(x.length));
}

export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return correlator('spearman', x, y).of(ones(x.length));
}

export function ones(length: number): Uint8Array {
  return new Uint8Array(length).fill(1);
}

function hasNaN(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

function weightedPearson(x: ArrayLike<number>, y: ArrayLike<number>, weights: ArrayLike<number>): number {
  let [total, sumX, sumY] = [0, 0, 0];
  let first = -1;
  let [variesX, variesY] = [false, false];
  for (let i = 0; i < x.length; i++) {
    const w = weights[i];
    if (w === 0) continue;
    if (first < 0) first = i;
    variesX ||= x[i] !== x[first];
    variesY ||= y[i] !== y[first];
    total += w;
    sumX += w * x[i];
    sumY += w * y[i];
  }
  if (!variesX || !variesY) return Number.NaN;
  const [meanX, meanY] = [sumX / total, sumY / total];
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const w = weights[i];
    if (w === 0) continue;
    const [dx, dy] = [x[i] - meanX, y[i] - meanY];
    xx += w * dx * dx;
    yy += w * dy * dy;
    xy += w * dx * dy;
  }
  // one root, which is exact where the two lists are one; fourth powers of single precision do not leave float64
  const value = xy / Math.sqrt(xx * yy);
  return Math.max(-1, Math.min(1, value));
}
