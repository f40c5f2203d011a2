/**
 * Correlation of what contributors are paid with what they are worth, with percentile bootstrap intervals over the
 * outputs on both sides (Efron and Tibshirani 1993): receipts are drawn again for the pay, held-out outputs for the value.
 * Contributors are not drawn again, they are the whole population. The trap: a constant side has no correlation; that is
 * `undefined`, never 0 or NaN.
 */
import type { Random } from '../foundation/index.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Pearson's r. @returns undefined when either side is constant or not finite */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number | undefined {
  const n = x.length;
  const mean = (v: ArrayLike<number>): number => Array.from(v).reduce((sum, value) => sum + value, 0) / n;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) ** 2;
    yy += (y[i] - my) ** 2;
  }
  const r = xy / Math.sqrt(xx * yy);
  return Number.isFinite(r) && spreads(xx, x) && spreads(yy, y) ? Math.min(1, Math.max(-1, r)) : undefined;
}

/** Whether the squares are more than what rounding leaves of a constant. */
function spreads(squares: number, values: ArrayLike<number>): boolean {
  const largest = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return squares > values.length * (largest * 1e-12) ** 2;
}

/** Spearman's ρ: Pearson's r of the ranks, ties at their mean rank. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number | undefined {
  return pearson(ranks(x), ranks(y));
}

export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let until = from + 1;
    while (until < order.length && values[order[until]] === values[order[from]]) until++;
    for (let k = from; k < until; k++) result[order[k]] = (from + until - 1) / 2;
    from = until;
  }
  return result;
}

/** How often each of `count` things was drawn in `count` draws with replacement. */
export function resample(count: number, random: Random): Float64Array {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) times[random.below(count)]++;
  return times;
}

/** The middle 95% of the figures that there are. @returns undefined when there are fewer than half */
export function middle(figures: readonly (number | undefined)[]): Interval | undefined {
  const found = figures.filter((figure) => figure !== undefined).sort((a, b) => a - b);
  if (found.length === 0 || found.length < figures.length / 2) return undefined;
  const at = (part: number): number => {
    const place = part * (found.length - 1);
    const below = Math.floor(place);
    const above = Math.min(found.length - 1, below + 1);
    return found[below] + (place - below) * (found[above] - found[below]);
  };
  return { low: at(0.025), high: at(0.975) };
}
