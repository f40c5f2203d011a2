/**
 * Percentile intervals by the bootstrap over two crossed samples: queries and subsets (or queries and training samples)
 * are each drawn anew with replacement, independently of each other, and the figure is computed of what was drawn
 * (Owen 2007, "The pigeonhole bootstrap", which shows that it errs on the side of caution: noise that belongs to single
 * pairs is counted about three times). Drawing only one of the two would call a figure sure that rests on few of the other.
 * The draws depend on the seed and the two extents alone, so that two figures with the same seed are computed of the same
 * draws, and the differences of their replicates are those of a paired bootstrap.
 */
import { MeedError, Random } from '../../../foundation/index.js';

export interface BootstrapOptions {
  /** Draws; 1,000 unless told. */
  readonly replicates?: number;
  /** Of the draws; 1 unless told. */
  readonly seed?: number;
  /** Share of the replicates that the interval holds; 0.95 unless told. */
  readonly level?: number;
}

/** Both ends NaN where no replicate has a figure. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A figure with its interval. */
export interface Estimate extends Interval {
  readonly value: number;
}

export const DEFAULT_REPLICATES = 1000;
const DEFAULT_LEVEL = 0.95;

/** How often each was drawn. @param into overwritten */
export function drawCounts(random: Random, into: Uint32Array): Uint32Array {
  into.fill(0);
  for (let i = 0; i < into.length; i++) into[random.below(into.length)]++;
  return into;
}

/**
 * @param extents how many there are of the two
 * @param figure  of how often each was drawn; the counts are overwritten after it returns
 * @returns one figure a replicate, NaN where there is none
 */
export function bootstrap(
  extents: readonly [number, number],
  figure: (rowCounts: Uint32Array, columnCounts: Uint32Array) => number,
  options: BootstrapOptions = {},
): Float64Array {
  return Float64Array.from(bootstrapDraws(extents, figure, options));
}

/** The same for anything that is computed of a draw, such as several figures. */
export function bootstrapDraws<T>(
  [rows, columns]: readonly [number, number],
  figure: (rowCounts: Uint32Array, columnCounts: Uint32Array) => T,
  { replicates = DEFAULT_REPLICATES, seed = 1 }: BootstrapOptions = {},
): T[] {
  if (!Number.isInteger(replicates) || replicates < 1) {
    throw new MeedError(`${replicates} bootstrap replicates were asked for`, 'Ask for a whole number of at least 1');
  }
  const [rowCounts, columnCounts] = [new Uint32Array(rows), new Uint32Array(columns)];
  const rowRandom = Random.named(seed, 'bootstrap/rows');
  const columnRandom = Random.named(seed, 'bootstrap/columns');
  return Array.from({ length: replicates }, () =>
    figure(drawCounts(rowRandom, rowCounts), drawCounts(columnRandom, columnCounts)),
  );
}

/** The middle `level` of the replicates that have a figure. */
export function percentileInterval(
  replicates: Float64Array,
  { level = DEFAULT_LEVEL }: BootstrapOptions = {},
): Interval {
  if (!(level > 0 && level < 1)) {
    throw new MeedError(`An interval of the level ${level} was asked for`, 'Give a share between 0 and 1');
  }
  const finite = replicates.filter((value) => !Number.isNaN(value)).sort();
  return { low: quantile(finite, (1 - level) / 2), high: quantile(finite, (1 + level) / 2) };
}

/** Linear between the two nearest. @param sorted ascending */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  const [low, high] = [sorted[below], sorted[above]];
  return low === high ? low : low + (at - below) * (high - low);
}

/** Mean of the values that are numbers, each counted as often as it was drawn; NaN when there is none. */
export function meanOf(values: ArrayLike<number>, counts?: ArrayLike<number>): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const count = counts ? counts[i] : 1;
    if (count === 0 || Number.isNaN(values[i])) continue;
    sum += count * values[i];
    total += count;
  }
  return total === 0 ? Number.NaN : sum / total;
}
