/**
 * Spectral sketch with a calibration basis (design.md section 4): the scores M [m, n] of m calibration outputs against all n
 * training samples, each row divided by its norm D, have top singular triples D⁻¹M ≈ U Σ Vᵀ. A sample's sketch is its row
 * of V, an output's sketch is its own score row times V, and their product is the score projected onto the d directions in
 * which scores vary most. The norms are taken out because an output's ranking does not depend on its scale, and a few
 * outputs with large scores would else choose the directions.
 * The encoder is D⁻¹ U Σ⁻¹ with the calibration outputs: φ_i = (scores of the calibration outputs against row i) ·
 * D⁻¹ U Σ⁻¹ is derived again for one row alone. That matters because V itself is unique only up to sign and rotation.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { openProducts, topSingular } from '../linalg/index.js';

export interface SketchBasis {
  /** D⁻¹ U Σ⁻¹: [calibration outputs, d]; zero columns beyond the numerical rank. */
  readonly encoder: Tensor;
  /** d, largest first. */
  readonly singularValues: Float64Array;
  /** Σ of the d squared singular values ÷ ‖D⁻¹M‖²: the share of the scores' variation that the sketch keeps. */
  readonly kept: number;
}

/** @param calibrationScores M [m, n] */
export async function fitBasis(
  engine: Engine,
  calibrationScores: Tensor,
  columns: number,
  seed: number,
): Promise<SketchBasis> {
  const norms = rowNorms(calibrationScores);
  const { left, values } = await topSingular(engine, dividedRows(calibrationScores, norms), columns, seed);
  const encoder = left.data.map((entry, i) => {
    const scale = values[i % columns] * norms[Math.floor(i / columns)];
    return scale === 0 ? 0 : entry / scale;
  });
  const total = norms.reduce((sum, norm) => sum + (norm === 0 ? 0 : 1), 0);
  return {
    encoder: { shape: left.shape, data: encoder },
    singularValues: values,
    kept: total === 0 ? 0 : values.reduce((sum, value) => sum + value * value, 0) / total,
  };
}

function rowNorms({ shape: [rows, columns], data }: Tensor): Float64Array {
  return Float64Array.from({ length: rows }, (_, r) => {
    let squares = 0;
    for (let c = r * columns; c < (r + 1) * columns; c++) squares += data[c] * data[c];
    return Math.sqrt(squares);
  });
}

/** Rows of zeros stay as they are. */
function dividedRows({ shape, data }: Tensor, norms: Float64Array): Tensor {
  const divided = new Float32Array(data.length);
  for (const [r, norm] of norms.entries()) {
    const [from, to] = [r * shape[1], (r + 1) * shape[1]];
    for (let c = from; c < to; c++) divided[c] = norm === 0 ? 0 : data[c] / norm;
  }
  return { shape, data: divided };
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
