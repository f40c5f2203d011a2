/**
 * In-run influence: TracIn from initialisation, equal to first-order in-run data Shapley with every sample weighed as over
 * all shuffles. Training moves the weights by Δθ_t = −η Σ_{s≤t} μ^{t−s} g_s, so to first order an output's loss falls by
 * Σ_t ⟨∇loss_q(θ_t), −Δθ_t⟩, and each sample's part of g is its own gradient / n. The sum over steps is an integral over
 * the published states: the learning mass of the steps between two states is shared equally by both (trapezoid rule).
 * Complete: Σ_i score(q, i) ≈ loss_q(initial) − loss_q(trained); how nearly is measured with every payout.
 */
import type { Engine } from '../../engine/index.js';
import type { Model, TrainingOptions, TrainingState } from '../../models/index.js';
import { pathScorer, type ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';

/**
 * Learning mass of each state, per sample.
 * @param steps step number of each state, ascending from 0
 * @param rows  number of training samples n
 */
export function stateWeights(
  steps: readonly number[],
  rows: number,
  { learningRate, momentum }: Pick<TrainingOptions, 'learningRate' | 'momentum'>,
): number[] {
  const weights = new Array<number>(steps.length).fill(0);
  for (let c = 0; c + 1 < steps.length; c++) {
    let mass = 0;
    for (let t = steps[c]; t < steps[c + 1]; t++) mass += (learningRate * (1 - momentum ** (t + 1))) / (1 - momentum);
    weights[c] += mass / (2 * rows);
    weights[c + 1] += mass / (2 * rows);
  }
  return weights;
}

export function inRun(
  engine: Engine,
  model: Model,
  states: readonly TrainingState[],
  rows: number,
  options: TrainingOptions,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  const weights = stateWeights(
    states.map((state) => state.step),
    rows,
    options,
  );
  return pathScorer(
    engine,
    model,
    states.map(({ parameters }, c) => ({ parameters, weight: weights[c] })),
    { name: 'in-run', scale: "nats of the output's loss, over the whole training", additivity: 'complete' },
    scoring,
  );
}
