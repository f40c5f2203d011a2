/**
 * Influence functions (Koh and Liang 2017, eq. 2), whichever way the inverse is applied: score(q, i) = ∇_qᵀ·(H + λI)⁻¹·∇_i / n, by
 * which the output's loss would rise if the sample were left out, to first order. The inverse is applied to the outputs'
 * gradients, of which there are fewer; samples' gradients are multiplied with the results a chunk at a time.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { type Losses, type Model, type Recipe, type Samples, selectSamples } from '../../models/index.js';
import type { OpenScorer } from '../ensemble.js';
import { gradientExtents } from '../gradients/gradientGraphs.js';
import { openGradientRows } from '../gradients/index.js';
import type { WorkWatch } from '../watch.js';

export interface InverseCurvature {
  /**
   * @param vectors [vectors, P]
   * @returns (H + λI)⁻¹·v for each; none depends on the others
   */
  solve(vectors: Tensor, watch: WorkWatch): Promise<Tensor>;
  dispose(): Promise<void>;
}

export interface InverseProblem {
  readonly engine: Engine;
  readonly model: Model;
  /** Where gradients are taken. */
  readonly parameters: Float32Array;
  /** Samples that the curvature is the mean over. */
  readonly rows: number;
  /** The scalar of an output that is explained. */
  readonly target: Losses | undefined;
}

/** @param inverse is disposed of with the scorer */
export function inverseScorer(problem: InverseProblem, inverse: InverseCurvature, watch: WorkWatch): OpenScorer {
  const { engine, model, parameters, rows, target } = problem;
  const ofSamples = openGradientRows(engine, model);
  const ofOutputs = target === undefined ? ofSamples : openGradientRows(engine, model, target);
  const { vectors: most } = gradientExtents(model);
  return {
    async score(outputs, samples) {
      const total: Tensor = {
        shape: [outputs.rows, samples.rows],
        data: new Float32Array(outputs.rows * samples.rows),
      };
      for (let first = 0; first < outputs.rows; first += most) {
        const count = Math.min(most, outputs.rows - first);
        const part: WorkWatch = {
          throwIfCancelled: watch.throwIfCancelled,
          progress: (done, all) => watch.progress(first + (count * done) / all, outputs.rows, 'outputs'),
        };
        part.throwIfCancelled();
        const gradients = await ofOutputs.all(parameters, rowsFrom(outputs, first, count));
        const solved = await inverse.solve(gradients, part);
        const products = await ofSamples.products(parameters, samples, solved, {
          throwIfCancelled: watch.throwIfCancelled,
          progress() {},
        });
        for (const [e, product] of products.data.entries()) total.data[first * samples.rows + e] = product / rows;
        watch.progress(first + count, outputs.rows, 'outputs');
      }
      return total;
    },
    async dispose() {
      await inverse.dispose();
      await ofSamples.dispose();
      if (ofOutputs !== ofSamples) await ofOutputs.dispose();
    },
  };
}

function rowsFrom(samples: Samples, first: number, count: number): Samples {
  return selectSamples(
    samples,
    Array.from({ length: count }, (_, i) => first + i),
  );
}

/**
 * What the training's own objective adds to the diagonal: SGD's weight decay is the gradient of λ/2·‖w‖². AdamW's decay is
 * no part of an objective, and adds nothing.
 */
export function ridgeOf({ optimiser }: Recipe): number {
  return optimiser.name === 'sgd' ? optimiser.weightDecay : 0;
}
