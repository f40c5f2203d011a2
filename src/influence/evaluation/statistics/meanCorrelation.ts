/**
 * The mean over queries of a correlation over something else (subsets, left-out samples), its interval, and the paired
 * difference of two such means. A query without a correlation (one of its lists is constant) is dropped and counted; in
 * a difference a query is dropped as soon as one of the two methods has none, or they would be means of other queries.
 */
import { type BootstrapOptions, bootstrap, type Estimate, meanOf, percentileInterval } from './bootstrap.js';
import { type Correlator, ones } from './correlation.js';

export interface MeanCorrelation extends Estimate {
  /** NaN where a query has none. */
  readonly perQuery: Float64Array;
  /** Queries without a correlation. */
  readonly dropped: number;
}

/** @param correlators one a query @param items how many each correlates over */
export function meanCorrelation(
  correlators: readonly Correlator[],
  items: number,
  options: BootstrapOptions = {},
): MeanCorrelation {
  const all = ones(items);
  const perQuery = Float64Array.from(correlators, (one) => one.of(all));
  const replicates = bootstrap(
    [correlators.length, items],
    (queries, drawn) => weightedMean(queries, (q) => correlators[q].of(drawn)),
    options,
  );
  return {
    value: meanOf(perQuery),
    ...percentileInterval(replicates, options),
    perQuery,
    dropped: perQuery.filter(Number.isNaN).length,
  };
}

export interface Difference extends Estimate {
  /** Share of the replicates in which the first is larger. */
  readonly above: number;
  /** Queries that one of the two has no correlation for. */
  readonly dropped: number;
}

/** First less second, of the same queries and the same items. */
export function pairedDifference(
  first: readonly Correlator[],
  second: readonly Correlator[],
  items: number,
  options: BootstrapOptions = {},
): Difference {
  const gap = (q: number, weights: ArrayLike<number>): number => first[q].of(weights) - second[q].of(weights);
  const all = ones(items);
  const perQuery = Float64Array.from(first, (_, q) => gap(q, all));
  const replicates = bootstrap(
    [first.length, items],
    (queries, drawn) => weightedMean(queries, (q) => gap(q, drawn)),
    options,
  );
  const known = replicates.filter((value) => !Number.isNaN(value));
  return {
    value: meanOf(perQuery),
    ...percentileInterval(replicates, options),
    above: known.length === 0 ? Number.NaN : known.filter((value) => value > 0).length / known.length,
    dropped: perQuery.filter(Number.isNaN).length,
  };
}

/** Asks only for the queries that were drawn. */
function weightedMean(counts: Uint32Array, value: (q: number) => number): number {
  let [sum, total] = [0, 0];
  for (let q = 0; q < counts.length; q++) {
    if (counts[q] === 0) continue;
    const one = value(q);
    if (Number.isNaN(one)) continue;
    sum += counts[q] * one;
    total += counts[q];
  }
  return total === 0 ? Number.NaN : sum / total;
}
