/**
 * Methods whose score is Σ over terms of ⟨ψ_q, ∇loss_i(θ)⟩ with ψ_q a vector for each layer: grad-dot, influence with some
 * inverse of the curvature, unrolled training. A method says what the vectors are and in which bases; how they meet the
 * samples' gradients, in whole, by layer or by position, is the same for all.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import type { Losses, Model, Samples } from '../../models/index.js';
import type { WorkWatch } from '../watch.js';
import type { Basis, BasisForm } from './bases.js';
import type { LayerShape } from './layers.js';
import { type Detail, type LayerGradients, type LayerVectors, openLayerGradients } from './layerVectors.js';

export interface VectorTerm {
  /** The weights at which the samples' gradients are taken. */
  readonly parameters: Float32Array;
  readonly bases: readonly Basis[];
  /** ψ of a block of outputs, in the bases; the sign of a score. */
  readonly vectors: LayerVectors;
}

export interface VectorPlan {
  readonly form: (layer: LayerShape) => BasisForm;
  /** Whatever must be fitted before the first output. */
  prepare(gradients: LayerGradients): Promise<VectorSource>;
}

export interface VectorSource {
  /** The terms of the block of outputs that begins at `start`; a row depends on its own output alone. */
  terms(outputs: Samples, start: number): AsyncIterable<VectorTerm>;
  dispose(): Promise<void>;
}

export interface VectorScorer {
  readonly layers: readonly LayerShape[];
  /** @returns [outputs, samples, k] for each name of the detail */
  score(outputs: Samples, samples: Samples): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface VectorScorerOptions {
  readonly target?: Losses;
  readonly detail?: Detail;
  readonly watch: WorkWatch;
}

export async function openVectorScorer(
  engine: Engine,
  model: Model,
  plan: VectorPlan,
  { target, detail, watch }: VectorScorerOptions,
): Promise<VectorScorer> {
  const gradients = await openLayerGradients(engine, model, { target, form: plan.form, detail });
  const source = await plan.prepare(gradients).catch(async (problem: unknown) => {
    await gradients.dispose();
    throw problem;
  });
  return {
    layers: gradients.layers,
    score: (outputs, samples) => scoreBlocks(gradients, source, outputs, samples, watch),
    async dispose() {
      await source.dispose();
      await gradients.dispose();
    },
  };
}

/** Scores of a source of vectors, block by block of outputs. */
export async function scoreBlocks(
  gradients: LayerGradients,
  source: Pick<VectorSource, 'terms'>,
  outputs: Samples,
  samples: Samples,
  watch: WorkWatch,
): Promise<Record<string, Tensor>> {
  const totals: Record<string, Tensor> = {};
  for (let start = 0; start < outputs.rows; start += gradients.block) {
    const rows = Math.min(gradients.block, outputs.rows - start);
    for await (const { parameters, bases, vectors } of source.terms(outputs, start)) {
      watch.throwIfCancelled();
      const parts = await gradients.products(parameters, samples, bases, vectors, watch);
      for (const [name, { shape, data }] of Object.entries(parts)) {
        const width = shape[1] * shape[2];
        totals[name] ??= {
          shape: [outputs.rows, shape[1], shape[2]],
          data: new Float32Array(outputs.rows * width),
        };
        const into = totals[name].data;
        for (let i = 0; i < rows * width; i++) into[start * width + i] += data[i];
      }
    }
    watch.progress(start + rows, outputs.rows, 'outputs');
  }
  return totals;
}

/** The one number for each pair, [outputs, samples]. Where nothing is asked no block was run, and there is nothing. */
export function wholeOf({ scores }: Readonly<Record<string, Tensor | undefined>>, outputs: Samples, samples: Samples) {
  return { shape: [outputs.rows, samples.rows], data: scores?.data ?? new Float32Array() };
}
