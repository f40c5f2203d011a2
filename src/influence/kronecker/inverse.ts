/** Outputs' gradients times the damped inverse of a Kronecker-factored curvature, for every run of an ensemble. */

import { MeedError } from '../../foundation/index.js';
import type { Samples } from '../../models/index.js';
import type { Basis } from '../layers/bases.js';
import type { LayerShape } from '../layers/layers.js';
import type { LayerGradients } from '../layers/layerVectors.js';
import type { VectorSource } from '../layers/plan.js';
import { scaledVectors } from '../layers/scaled.js';
import { dampedInverse, dampingsOf, meanOf } from './damping.js';
import type { KroneckerCurvature } from './fit.js';

/** A run's weights and the curvature at them. */
export interface CurvedState {
  readonly parameters: Float32Array;
  readonly curvature: KroneckerCurvature;
}

/** A curvature of those layers alone, in their order. */
export function curvatureOf(curvature: KroneckerCurvature, layers: readonly LayerShape[]): KroneckerCurvature {
  const places = layers.map(({ parameters: [first] }) => {
    const place = curvature.layers.findIndex(({ parameters }) => parameters[0] === first);
    if (place < 0) throw new MeedError(`There is no curvature of the layer "${first}"`, 'Fit it with the same model');
    return place;
  });
  return {
    layers,
    bases: places.map((place): Basis => curvature.bases[place]),
    eigenvalues: places.map((place) => curvature.eigenvalues[place]),
  };
}

/**
 * ψ = (F + λ)⁻¹ ∇_q / n, averaged over the states.
 * @param damping share of each layer's mean eigenvalue
 * @param rows number of training samples n
 */
export function inverseSource(
  gradients: LayerGradients,
  states: readonly CurvedState[],
  damping: number,
  rows: number,
): VectorSource {
  const inverses = states.map(({ parameters, curvature: whole }) => {
    const { bases, eigenvalues } = curvatureOf(whole, gradients.layers);
    const dampings = dampingsOf(gradients.layers, eigenvalues.map(meanOf), damping);
    return { parameters, bases, factors: eigenvalues.map((values, l) => dampedInverse(values, dampings[l])) };
  });
  return {
    async *terms(outputs: Samples, start: number) {
      for (const { parameters, bases, factors } of inverses) {
        const gradient = await gradients.ofOutputs(parameters, outputs, start, bases);
        yield { parameters, bases, vectors: scaledVectors(gradient, factors, 1 / (rows * states.length)) };
      }
    },
    async dispose() {},
  };
}
