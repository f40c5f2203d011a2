/**
 * A training cut into equal segments of steps, each with its published states and its learning mass: how far a constant
 * gradient would have moved the weights, Σ η_t ÷ (1 − μ) with the terminal velocity of momentum.
 * The trap: the state before the first step belongs to no segment, since gradients there are not those of a segment.
 */
import { MeedError } from '../../foundation/index.js';
import { ratesOf } from '../../models/index.js';
import { ridgeOf } from '../curvature/inverseScorer.js';
import { sgdMomentum } from './inRun.js';
import type { TrainedRun } from './method.js';

export interface Segment {
  /** In the order of steps, one at least. */
  readonly states: readonly Float32Array[];
  readonly mass: number;
  /** What the curvature has beside the loss', of weight decay. */
  readonly decay: number;
}

/**
 * @param all rows of the attribution, where the run does not say which it used
 * @throws MeedError when a segment has no state, or the optimiser's steps are not sums of gradients
 */
export function segmentsOf({ states, recipe, rows }: TrainedRun, count: number, all: number): Segment[] {
  const momentum = sgdMomentum(recipe, 'source');
  const last = states.at(-1)?.step ?? 0;
  const rates = ratesOf(recipe, rows?.length ?? all);
  if (last < 1 || last > rates.length) {
    throw new MeedError(
      `The run's last state is of step ${last}, its recipe has ${rates.length} steps`,
      'Give the states of a training with its own recipe and rows',
    );
  }
  return Array.from({ length: count }, (_, s) => {
    const [from, to] = [(last * s) / count, (last * (s + 1)) / count];
    const inside = states.filter(({ step }) => step > from && step <= to);
    if (inside.length === 0) {
      throw new MeedError(
        `Segment ${s + 1} of ${count}, steps ${Math.floor(from) + 1} to ${Math.floor(to)}, has no state`,
        'Keep a state in every segment, or choose fewer segments',
      );
    }
    let mass = 0;
    for (let t = Math.floor(from); t < Math.floor(to); t++) mass += rates[t] / (1 - momentum);
    return { states: inside.map(({ parameters }) => parameters), mass, decay: ridgeOf(recipe) };
  });
}
