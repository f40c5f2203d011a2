/**
 * Ranks with ties. Equal values share the mean of the ranks that they cover (mid-ranks), or a result would depend on the
 * order in which equal values happen to stand. The groups of equal values are found once, because resampling changes how
 * often a value counts and not which are equal.
 */

/** Positions in ascending order of their values, and where each group of equal values begins in it. */
export interface RankGroups {
  readonly order: Uint32Array;
  /** Start of every group, and the length of the order at the end. */
  readonly starts: Uint32Array;
}

/** @param values none of them NaN */
export function rankGroups(values: ArrayLike<number>): RankGroups {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i);
  // not the difference, which of two infinities is NaN
  order.sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b));
  const starts: number[] = [];
  for (let k = 0; k < order.length; k++) if (k === 0 || values[order[k]] !== values[order[k - 1]]) starts.push(k);
  starts.push(order.length);
  return { order, starts: Uint32Array.from(starts) };
}

/**
 * The mid-rank of each value, from 1, in the sample in which value i stands `weights[i]` times.
 * @param into written at the values' positions
 */
export function fillRanks({ order, starts }: RankGroups, weights: ArrayLike<number>, into: Float64Array): void {
  let below = 0;
  for (let group = 0; group + 1 < starts.length; group++) {
    let here = 0;
    for (let k = starts[group]; k < starts[group + 1]; k++) here += weights[order[k]];
    const rank = below + (here + 1) / 2;
    for (let k = starts[group]; k < starts[group + 1]; k++) into[order[k]] = rank;
    below += here;
  }
}

/** Mid-ranks from 1 in ascending order. @param values none of them NaN */
export function midRanks(values: ArrayLike<number>): Float64Array {
  const ranks = new Float64Array(values.length);
  fillRanks(rankGroups(values), new Uint8Array(values.length).fill(1), ranks);
  return ranks;
}
