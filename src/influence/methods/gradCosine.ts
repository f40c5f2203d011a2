/**
 * Grad-cosine: grad-dot with both gradients normalised by the norm of the whole gradient (Charpiat et al. 2019), so that
 * samples of large loss do not come first everywhere. Self-scores are 1 and say nothing about labels.
 * The trap: a perfectly fitted sample has no gradient and so no direction; its cosines are 0, not 0/0.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import type { Model, Samples } from '../../models/index.js';
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { openNorms } from '../gradientNorms.js';
import { openTogether } from '../openTogether.js';
import type { ScoringOptions } from '../pathScorer.js';
import { watchOf } from '../watch.js';
import { gradDot } from './gradDot.js';
import { aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, stateAt } from './runStates.js';

const card: MethodCard = {
  name: 'grad-cosine',
  source: 'Charpiat et al. 2019, "Input similarity from the neural network perspective", the normalised product',
  claim: 'how nearly a step on this sample points where the loss of the output falls fastest, whatever its length',
  scale: 'cosine of the angle between the two gradients, −1 to 1',
  cost: 'that of grad-dot and the norms of n + m gradients, from factors',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

export const gradCosine: Method<{ readonly epoch: number | string }> = {
  ...card,
  defaults: { epoch: LAST },
  grid: [],
  async open({ engine, model, runs, samples }, { epoch }, options = {}) {
    const states = runs.map((run) => stateAt(run, epoch, samples.rows).parameters);
    return ensembleScorer(
      aboutScores(card),
      states,
      (state, { progress }) => cosines(engine, model, state, { ...options, progress }),
      watchOf(options),
    );
  },
};

/** A squared norm below it is rounding of float32. */
const LEAST_SQUARE = 1e-30;

async function cosines(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  options: ScoringOptions,
): Promise<OpenScorer> {
  return openTogether(async (keep) => {
    const products = await keep(gradDot(engine, model, parameters, options));
    const ofSamples = await keep(openNorms(engine, model));
    const ofOutputs = options.target === undefined ? ofSamples : await keep(openNorms(engine, model, options.target));
    return {
      async score(outputs: Samples, samples: Samples): Promise<Tensor> {
        const { shape, data } = await products.score(outputs, samples);
        const left = await ofOutputs.norms(parameters, outputs);
        const right = await ofSamples.norms(parameters, samples);
        const scores = data.map((product, i) => {
          const [a, b] = [left[Math.floor(i / samples.rows)], right[i % samples.rows]];
          if (a ** 2 < LEAST_SQUARE || b ** 2 < LEAST_SQUARE) return 0;
          const cosine = product / a / b;
          if (Number.isFinite(cosine)) return Math.max(-1, Math.min(1, cosine));
          throw new MeedError(
            `Gradients of the norms ${a} and ${b} have no cosine in float32`,
            'Check the training for divergence (lower the learning rate)',
          );
        });
        return { shape, data: scores };
      },
      async dispose() {
        await products.dispose();
        await ofSamples.dispose();
        if (ofOutputs !== ofSamples) await ofOutputs.dispose();
      },
    };
  });
}
