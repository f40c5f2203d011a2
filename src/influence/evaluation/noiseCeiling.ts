/**
 * What the best possible predictor could reach. Retrainings of one subset with another seed differ, and nobody can
 * predict the seed; so two independent sets of retrainings of the same subsets are correlated. If both are the same
 * signal with independent noise, their correlation is the share of the variance that is signal, and the correlation of
 * the signal itself with one noisy set is its square root (the attenuation of Spearman 1904). It is exact for Pearson's
 * correlation and a good guide for ranks.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { columnOf, LEAST_SUBSETS } from './lds.js';
import { type BootstrapOptions, correlator, type Estimate, meanCorrelation } from './statistics/index.js';

export interface NoiseCeiling extends Estimate {
  /** Mean over queries of Spearman's correlation between the two sets, of which `value` is the square root. */
  readonly correlation: Estimate;
  /** Queries whose truth is constant in one of the sets. */
  readonly dropped: number;
}

/**
 * @param first  [subsets, queries]
 * @param second the same subsets and queries, trained with other seeds
 * @returns value 0 where the two sets do not agree at all
 * @throws MeedError when their shapes differ
 */
export function noiseCeiling(first: Tensor, second: Tensor, options: BootstrapOptions = {}): NoiseCeiling {
  const [subsets, queries] = first.shape;
  if (subsets !== second.shape[0] || queries !== second.shape[1] || subsets < LEAST_SUBSETS) {
    throw new MeedError(
      `Retrainings of the shape [${first.shape}] were compared with others of the shape [${second.shape}]`,
      `Give [subsets, queries] of the same subsets and queries, at least ${LEAST_SUBSETS} subsets`,
    );
  }
  const correlators = Array.from({ length: queries }, (_, q) =>
    correlator('spearman', columnOf(first, q), columnOf(second, q)),
  );
  const { value, low, high, dropped } = meanCorrelation(correlators, subsets, options);
  return { value: root(value), low: root(low), high: root(high), correlation: { value, low, high }, dropped };
}

function root(correlation: number): number {
  return correlation < 0 ? 0 : Math.sqrt(correlation);
}
