/**
 * Spectral sketch with a calibration basis (design.md section 4): the scores M [m, n] of m calibration outputs against all n
 * training samples have top singular triples M ≈ U Σ Vᵀ. A sample's sketch is its row of V, an output's sketch is its own
 * score row times V, and their product is the score projected onto the d directions in which scores vary most.
 * The encoder is U Σ⁻¹ with the calibration outputs: φ_i = (scores of the calibration outputs against row i) · U Σ⁻¹ is
 * derived again for one row alone. That matters because V itself is unique only up to sign and rotation.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { openProducts, topSingular } from '../linalg/index.js';

export interface SketchBasis {
  /** U Σ⁻¹: [calibration outputs, d]; zero columns beyond the numerical rank. */
  readonly encoder: Tensor;
  /** d, largest first. */
  readonly singularValues: Float64Array;
  /** Σ of the d squared singular values ÷ ‖M‖²: the share of the scores' variation that the sketch keeps. */
  readonly kept: number;
}

/** @param calibrationScores M [m, n] */
export async function fitBasis(
  engine: Engine,
  calibrationScores: Tensor,
  columns: number,
  seed: number,
): Promise<SketchBasis> {
  const { left, values } = await topSingular(engine, calibrationScores, columns, seed);
  const encoder = left.data.map((entry, i) => {
    const value = values[i % columns];
    return value === 0 ? 0 : entry / value;
  });
  const total = calibrationScores.data.reduce((sum, score) => sum + score * score, 0);
  return {
    encoder: { shape: left.shape, data: encoder },
    singularValues: values,
    kept: total === 0 ? 0 : values.reduce((sum, value) => sum + value * value, 0) / total,
  };
}

/**
 * φ: sketches of training samples [n, d].
 * @param calibrationScores [m, n] of the calibration outputs against these samples
 */
export async function sketchSamples(engine: Engine, basis: SketchBasis, calibrationScores: Tensor): Promise<Tensor> {
  const products = openProducts(engine);
  try {
    return await products.multiply('aTb', calibrationScores, basis.encoder);
  } finally {
    await products.dispose();
  }
}

/** ψ: sketches of outputs [outputs, d] from their score rows [outputs, n] and the samples' sketches [n, d]. */
export async function sketchOutputs(engine: Engine, scores: Tensor, sketches: Tensor): Promise<Tensor> {
  const products = openProducts(engine);
  try {
    return await products.multiply('ab', scores, sketches);
  } finally {
    await products.dispose();
  }
}
