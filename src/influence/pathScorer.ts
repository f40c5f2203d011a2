/**
 * Gradient products summed over chosen training states: score(q, i) = Σ_c w_c ⟨∇loss_q(θ_c), ∇loss_i(θ_c)⟩.
 * Grad-dot is one state; TracIn (Pruthi et al. 2020) and first-order in-run data Shapley (Wang et al. 2024) are many.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { type Progress, silent } from '../foundation/index.js';
import type { Model } from '../models/index.js';
import { openFactors } from './factors.js';
import { openKernel } from './gradientKernel.js';
import type { Scorer } from './scorer.js';

export interface WeightedState {
  readonly parameters: Float32Array;
  readonly weight: number;
}

export async function pathScorer(
  engine: Engine,
  model: Model,
  states: readonly WeightedState[],
  about: Pick<Scorer, 'name' | 'scale' | 'additivity'>,
  progress: Progress = silent,
): Promise<Scorer> {
  const source = await openFactors(engine, model);
  const kernel = openKernel(engine);
  return {
    ...about,
    async score(outputs, samples) {
      let total: Tensor = {
        shape: [outputs.rows, samples.rows],
        data: new Float32Array(outputs.rows * samples.rows),
      };
      for (const [c, { parameters, weight }] of states.entries()) {
        if (weight === 0) continue;
        const right = await source.factors(parameters, samples);
        const left = await source.factors(parameters, outputs);
        total = await kernel.accumulate(total, weight, left, right);
        progress(c + 1, states.length, 'states');
      }
      return total;
    },
    async dispose() {
      await source.dispose();
      await kernel.dispose();
    },
  };
}
