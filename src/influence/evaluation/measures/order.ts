/** Samples in the order of a list of scores; equal scores by number, so that the order is one order. */
import { MeedError } from '../../../foundation/index.js';

/** @returns row numbers, the largest score first @throws MeedError when a score is NaN, which has no place */
export function descending(scores: ArrayLike<number>): Uint32Array {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isNaN(scores[i])) continue;
    throw new MeedError(`The score of sample ${i} is NaN`, 'Choose a larger damping, or another method');
  }
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  return order.sort((a, b) => (scores[a] > scores[b] ? -1 : scores[a] < scores[b] ? 1 : a - b));
}
