/**
 * What an attribution method is. Sign, for every method: **positive = the sample helped**, it lowered the output's loss.
 * A bilinear scorer's score is an inner product of something of the sample and something of the output; only such scores
 * can be compressed to a sketch, and so proven.
 */
import type { Tensor } from '../engine/index.js';
import type { Samples } from '../models/index.js';

export interface Scorer {
  /** As the literature calls it. */
  readonly name: string;
  /** What one unit of a score means. */
  readonly scale: string;
  /**
   * Whether the scores of an output over all training samples add up to what training changed,
   * loss(initial) − loss(trained), to first order (design.md, "What a payout means").
   */
  readonly additivity: 'complete' | 'relative';
  /**
   * @param outputs samples whose target is the class that is explained
   * @param samples training samples with their labels
   * @returns [outputs, samples]
   */
  score(outputs: Samples, samples: Samples): Promise<Tensor>;
  dispose(): Promise<void>;
}
