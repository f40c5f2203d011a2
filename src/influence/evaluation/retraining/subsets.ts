/** Random subsets of the samples, subset i drawn without replacement by seed + i (the dattri protocol), and their masks. */
import type { Tensor } from '../../../engine/index.js';
import { MeedError, Random } from '../../../foundation/index.js';

export interface SubsetChoice {
  readonly count: number;
  /** Share of the samples in a subset, in (0, 1]; the protocol says a half. */
  readonly fraction: number;
  readonly seed: number;
}

/** @returns row numbers in ascending order, floor(fraction · n) in each subset @throws MeedError when there would be none */
export function drawSubsets(rows: number, { count, fraction, seed }: SubsetChoice): Uint32Array[] {
  const size = Math.floor(rows * fraction);
  if (!Number.isInteger(count) || count < 1 || !(fraction <= 1) || !(size >= 1)) {
    throw new MeedError(
      `${count} subsets of the share ${fraction} of ${rows} samples were asked for`,
      'Ask for at least one subset, and a share up to 1 that leaves a sample in it',
    );
  }
  return Array.from({ length: count }, (_, i) =>
    Random.named(seed + i, 'subset')
      .permutation(rows)
      .slice(0, size)
      .sort(),
  );
}

/** [subsets, samples] of 0 and 1. */
export function masksOf(subsets: readonly Uint32Array[], rows: number): Tensor {
  const data = new Float32Array(subsets.length * rows);
  for (const [k, subset] of subsets.entries()) for (const row of subset) data[k * rows + row] = 1;
  return { shape: [subsets.length, rows], data };
}
