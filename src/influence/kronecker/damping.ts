/**
 * Damping of a layer's curvature relative to its mean eigenvalue, 0.1 of it unless told (Grosse et al. 2023),
 * because layers differ in scale by orders of magnitude.
 * The trap: a layer whose curvature is zero (a model that is sure of everything in float32, a dead unit) has no inverse; its
 * directions are left out, as by the pseudo-inverse, and where that is all of them it is said instead.
 */
import { MeedError } from '../../foundation/index.js';
import type { LayerShape } from '../layers/layers.js';

/** The usual share of the mean eigenvalue. */
export const USUAL_DAMPING = 0.1;

/**
 * λ of each layer; 0 where the layer has no curvature.
 * @param means mean eigenvalue of each layer
 * @throws MeedError when the share is not positive, or no layer has any curvature
 */
export function dampingsOf(layers: readonly LayerShape[], means: readonly number[], share: number): number[] {
  if (!(share > 0 && Number.isFinite(share))) {
    throw new MeedError(
      `A damping of ${share} was asked for`,
      `Give a positive share of the mean eigenvalue, ${USUAL_DAMPING} unless you know better`,
    );
  }
  const bad = means.findIndex((mean) => !Number.isFinite(mean));
  if (bad >= 0) {
    throw new MeedError(
      `The curvature of the layer "${layers[bad].parameters[0]}" is not finite`,
      'Use the weights of a training that did not diverge',
    );
  }
  if (means.every((mean) => !hasInverse(share * mean))) {
    throw new MeedError(
      'The curvature is zero in every layer: the model is sure of every sample',
      'Choose an earlier epoch, whose predictions still vary',
    );
  }
  return means.map((mean) => (hasInverse(share * mean) ? share * mean : 0));
}

export function meanOf(eigenvalues: Float64Array): number {
  return eigenvalues.reduce((sum, value) => sum + value, 0) / eigenvalues.length;
}

/** 1 ÷ (eigenvalue + λ); zeros where λ is 0. */
export function dampedInverse(eigenvalues: Float64Array, damping: number): Float32Array {
  return Float32Array.from(eigenvalues, (value) => (damping === 0 ? 0 : 1 / (value + damping)));
}

/** Whether 1 ÷ λ is a float32. */
function hasInverse(damping: number): boolean {
  return Number.isFinite(Math.fround(1 / damping)) && damping > 0;
}
