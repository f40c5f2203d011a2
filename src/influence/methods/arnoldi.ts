/**
 * Arnoldi influence (Schioppa et al. 2022): the curvature by its eigenpairs of largest magnitude, so that a sample is as many
 * numbers as there are pairs: score(q, i) = Σ_k (u_k·∇_q)(u_k·∇_i) ÷ (μ_k + λ) ÷ n. What lies outside of the pairs is left out.
 * The trap: at a saddle some of the largest are negative, and dividing by them turns the sign of what they explain; they are
 * left out as well, and a run whose pairs are all negative is refused.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import type { Losses, Model } from '../../models/index.js';
import { openCurvature } from '../curvature/curvatureProducts.js';
import { ridgeOf } from '../curvature/inverseScorer.js';
import { type RitzPairs, ritzVectors } from '../curvature/ritzVectors.js';
import { rowsFrom } from '../curvature/vectors.js';
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { openGradientRows } from '../gradients/index.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { someOf } from './cgInfluence.js';
import { DAMPINGS, KINDS } from './explicitInfluence.js';
import { aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, stateAt } from './runStates.js';
import { amountOf } from './settings.js';
import { countOf, wordOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'arnoldi',
  source: 'Schioppa et al. 2022, "Scaling Up Influence Functions", algorithm 1 and section 3',
  claim:
    'how much the loss of the output would rise without this sample, as far as the sharpest directions of the loss tell',
  scale: "nats of the output's loss",
  cost: 'iterations products with the curvature, iterations²·P multiplications; then rank numbers a sample',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

export interface ArnoldiSettings {
  readonly [name: string]: number | string;
  readonly damping: number;
  readonly curvature: string;
  /** Vectors of the Krylov space. */
  readonly iterations: number;
  /** Pairs kept, the largest. */
  readonly rank: number;
  /** Samples that the curvature is the mean over, drawn at random, or "all". */
  readonly rows: number | string;
  readonly epoch: number | string;
}

export const arnoldi: Method<ArnoldiSettings> = {
  ...card,
  defaults: { damping: 0.01, curvature: 'hessian', iterations: 100, rank: 50, rows: 'all', epoch: LAST },
  grid: DAMPINGS.map((damping) => ({ damping })),
  async open({ engine, model, runs, samples, seed }, settings, options = {}) {
    const kind = wordOf('curvature', settings.curvature, KINDS);
    const damping = amountOf('damping', settings.damping, 0);
    const krylov = {
      size: model.parameterCount,
      iterations: countOf('iterations', settings.iterations, 1),
      rank: countOf('rank', settings.rank, 1),
      seed,
    };
    const some = someOf(samples, settings.rows, seed);
    return ensembleScorer(
      aboutScores(card),
      runs,
      async (run, part) => {
        const { parameters } = stateAt(run, settings.epoch, samples.rows);
        const curvature = await openCurvature(engine, model, { kind });
        try {
          const apply = (v: Tensor): Promise<Tensor> => curvature.apply(parameters, some, v, part);
          const pairs = positive(await ritzVectors(engine, apply, krylov, part));
          const divisors = pairs.values.map((value) => (value + damping + ridgeOf(run.recipe)) * samples.rows);
          return scorerWithin(engine, model, parameters, pairs.vectors, divisors, options.target, part);
        } finally {
          await curvature.dispose();
        }
      },
      watchOf(options),
    );
  },
};

/** Of the largest, below which a value is rounding of float32. */
const NOISE = 1e-6;

function positive({ values, vectors }: RitzPairs): RitzPairs {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const kept = Array.from(values.keys()).filter((k) => values[k] > NOISE * largest);
  if (kept.length === 0) {
    throw new MeedError(
      `None of the ${values.length} largest eigenvalues of the curvature is positive; the largest has the size ${largest}`,
      'Choose the curvature gauss-newton, more pairs (rank), or a run that is trained further',
    );
  }
  const length = vectors.shape[1];
  const data = new Float32Array(kept.length * length);
  for (const [to, from] of kept.entries()) data.set(rowsFrom(vectors, from, 1).data, to * length);
  return { values: Float64Array.from(kept, (k) => values[k]), vectors: { shape: [kept.length, length], data } };
}

function scorerWithin(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  directions: Tensor,
  divisors: Float64Array,
  target: Losses | undefined,
  watch: WorkWatch,
): OpenScorer {
  const ofSamples = openGradientRows(engine, model);
  const ofOutputs = target === undefined ? ofSamples : openGradientRows(engine, model, target);
  return {
    async score(outputs, samples) {
      const left = (await ofOutputs.products(parameters, outputs, directions, watch)).data;
      const right = (await ofSamples.products(parameters, samples, directions, watch)).data;
      const scores = new Float32Array(outputs.rows * samples.rows);
      const row = new Float64Array(samples.rows);
      for (let q = 0; q < outputs.rows; q++) {
        row.fill(0);
        for (const [k, divisor] of divisors.entries()) {
          const factor = left[k * outputs.rows + q] / divisor;
          for (let i = 0; i < row.length; i++) row[i] += factor * right[k * samples.rows + i];
        }
        scores.set(row, q * samples.rows);
      }
      return { shape: [outputs.rows, samples.rows], data: scores };
    },
    async dispose() {
      await ofSamples.dispose();
      if (ofOutputs !== ofSamples) await ofOutputs.dispose();
    },
  };
}
