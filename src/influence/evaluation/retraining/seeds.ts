/**
 * Which training has which seed. Ground truth counts up from the evaluation's seed, as the protocol says (subset i has
 * seed + i); everything else starts far above, so that no model that a method sees was trained with the seed of a model
 * that judges it.
 */

/** More than there are subsets, and few enough of them fit below 2³². */
const APART = 2 ** 20;

const BASES = {
  /** Ground truth: subset i of the first set. */
  truth: 0,
  /** The same subsets once more, for the noise ceiling. */
  again: APART,
  /** The runs that methods explain or average over. */
  runs: 2 * APART,
  /** Trainings after a removal, and those they are compared with. */
  removal: 3 * APART,
} as const;

/** Of the i-th training for a purpose. */
export function trainingSeed(purpose: keyof typeof BASES, seed: number, i: number): number {
  return seed + BASES[purpose] + i;
}
