/** Gradient products at chosen states as a plan of vectors: what grad-dot and its sums over states are by layer and position. */
import type { WeightedState } from '../pathScorer.js';
import { OWN_COORDINATES } from './bases.js';
import type { VectorPlan } from './plan.js';
import { scaledVectors } from './scaled.js';

export function pathPlan(states: readonly WeightedState[]): VectorPlan {
  return {
    form: () => OWN_COORDINATES,
    prepare: async (gradients) => ({
      async *terms(outputs, start) {
        const bases = gradients.layers.map(() => ({}));
        for (const { parameters, weight } of states) {
          const asked = await gradients.ofOutputs(parameters, outputs, start, bases);
          const ones = asked.map(({ shape }) => new Float32Array(shape[1]).fill(1));
          yield { parameters, bases, vectors: scaledVectors(asked, ones, weight) };
        }
      },
      async dispose() {},
    }),
  };
}
