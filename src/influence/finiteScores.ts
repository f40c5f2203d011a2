/**
 * The last look at a matrix of scores: a number that is not finite has no place in a ranking or a payout, and would spread
 * through every sum. Weights that diverged make such numbers, and so does a curvature all but singular under a damping
 * that is too small for float32.
 */
import type { Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';

/** @throws MeedError naming the first output and sample whose score is not finite */
export function finiteScores(method: string, scores: Tensor): Tensor {
  const { data } = scores;
  // 0 · x is NaN for all that is not finite: one sum is quicker than a question for each score
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += 0 * data[i];
  if (zero === 0) return scores;
  let at = 0;
  while (at < data.length && Number.isFinite(data[at])) at++;
  const [, samples] = scores.shape;
  throw new MeedError(
    `${method} gives output ${Math.floor(at / samples)} and sample ${at % samples} the score ${scores.data[at]}`,
    'Check the training for divergence (lower the learning rate), or raise the damping',
  );
}
