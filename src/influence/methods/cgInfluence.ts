/**
 * Influence functions with the inverse by conjugate gradients (Martens 2010; Koh and Liang 2017, section 3), for models whose
 * curvature matrix cannot be held: it is met only in exact products. Each output is one solve.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import { type Samples, selectSamples } from '../../models/index.js';
import { conjugateGradients } from '../curvature/conjugateGradients.js';
import { type CurvatureProducts, openCurvature } from '../curvature/curvatureProducts.js';
import { inverseScorer, ridgeOf } from '../curvature/inverseScorer.js';
import { ensembleScorer } from '../ensemble.js';
import { watchOf } from '../watch.js';
import { DAMPINGS, KINDS } from './explicitInfluence.js';
import { aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, stateAt } from './runStates.js';
import { amountOf } from './settings.js';
import { countOf, wordOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'cg',
  source: 'Koh and Liang 2017, "Understanding Black-box Predictions via Influence Functions", section 3; Martens 2010',
  claim: 'how much the loss of the output would rise if the model were trained to its optimum without this sample',
  scale: "nats of the output's loss",
  cost: 'iterations × m products with the curvature, each a few passes over its samples; m·n·P multiplications; m·P numbers in blocks',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

/** Curvature of every sample. */
const ALL = 'all';

export interface CgSettings {
  readonly [name: string]: number | string;
  readonly damping: number;
  readonly curvature: string;
  readonly iterations: number;
  /** Residual relative to the gradient at which a solve ends. */
  readonly tolerance: number;
  /** Samples that the curvature is the mean over, drawn at random, or "all". */
  readonly rows: number | string;
  readonly epoch: number | string;
}

/** Vectors of one product: more share a run, fewer waste less where few outputs are asked for. */
export const SOLVE_WIDTH = 8;

export const cgInfluence: Method<CgSettings> = {
  ...card,
  defaults: {
    damping: 0.01,
    curvature: 'gauss-newton',
    iterations: 20,
    tolerance: 1e-3,
    rows: ALL,
    epoch: LAST,
  },
  grid: DAMPINGS.map((damping) => ({ damping })),
  async open({ engine, model, runs, samples, seed }, settings, options = {}) {
    const kind = wordOf('curvature', settings.curvature, KINDS);
    const damping = amountOf('damping', settings.damping, 0);
    const steps = {
      iterations: countOf('iterations', settings.iterations, 1),
      tolerance: amountOf('tolerance', settings.tolerance, 0),
      width: SOLVE_WIDTH,
    };
    const some = someOf(samples, settings.rows, seed);
    const watch = watchOf(options);
    return ensembleScorer(
      aboutScores(card),
      runs,
      async (run, part) => {
        const { parameters } = stateAt(run, settings.epoch, samples.rows);
        const total = damping + ridgeOf(run.recipe);
        const curvature: CurvatureProducts = await openCurvature(engine, model, {
          kind,
          damping: total,
          width: SOLVE_WIDTH,
        });
        const apply = (vectors: Tensor): Promise<Tensor> => curvature.apply(parameters, some, vectors, part);
        return inverseScorer(
          { engine, model, parameters, rows: samples.rows, target: options.target },
          {
            async solve(vectors, own) {
              const { solutions, residuals } = await conjugateGradients(apply, vectors, steps, own);
              const short = residuals.filter((residual) => residual > steps.tolerance);
              if (short.length > 0) {
                options.notice?.(
                  `cg: ${short.length} of ${residuals.length} solves ended after ${steps.iterations} steps with residuals up to ${Math.max(...short).toPrecision(2)}`,
                );
              }
              return solutions;
            },
            dispose: () => curvature.dispose(),
          },
          part,
        );
      },
      watch,
    );
  },
};

/** @throws MeedError when the setting is neither "all" nor a number of samples that there are */
export function someOf(samples: Samples, rows: number | string, seed: number): Samples {
  if (rows === ALL) return samples;
  if (typeof rows !== 'number' || !Number.isInteger(rows) || rows < 1 || rows > samples.rows) {
    throw new MeedError(
      `The setting rows is ${rows}, there are ${samples.rows} samples`,
      `Give "${ALL}" or a whole number from 1 to ${samples.rows}`,
      { exitCode: 2 },
    );
  }
  const order = Random.named(seed, 'curvature rows').permutation(samples.rows);
  return selectSamples(samples, order.subarray(0, rows));
}
