/**
 * LiSSA (Agarwal et al. 2017; Koh and Liang 2017): influence functions with the inverse as a series over random batches. The
 * scale must exceed the largest curvature; "auto" is twice its estimate over all samples, by a few power iterations.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import type { Model, Samples } from '../../models/index.js';
import { openCurvature } from '../curvature/curvatureProducts.js';
import { inverseScorer, ridgeOf } from '../curvature/inverseScorer.js';
import { lissaSeries } from '../curvature/lissaSeries.js';
import { inner } from '../curvature/vectors.js';
import { ensembleScorer } from '../ensemble.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { SOLVE_WIDTH } from './cgInfluence.js';
import { DAMPINGS, KINDS } from './explicitInfluence.js';
import { aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, stateAt } from './runStates.js';
import { amountOf } from './settings.js';
import { countOf, wordOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'lissa',
  source:
    'Agarwal et al. 2017, "Second-Order Stochastic Optimization for Machine Learning in Linear Time"; Koh and Liang 2017, section 3',
  claim: 'how much the loss of the output would rise if the model were trained to its optimum without this sample',
  scale: "nats of the output's loss",
  cost: 'repeats × depth × m products with the curvature of a batch; m·n·P multiplications',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

const AUTO = 'auto';

export interface LissaSettings {
  readonly [name: string]: number | string;
  readonly damping: number;
  readonly curvature: string;
  readonly scale: number | string;
  readonly depth: number;
  readonly repeats: number;
  readonly batch: number;
  readonly epoch: number | string;
}

export const lissa: Method<LissaSettings> = {
  ...card,
  defaults: {
    damping: 0.01,
    curvature: 'gauss-newton',
    scale: AUTO,
    depth: 100,
    repeats: 1,
    batch: 256,
    epoch: LAST,
  },
  grid: DAMPINGS.map((damping) => ({ damping })),
  async open({ engine, model, runs, samples, seed }, settings, options = {}) {
    const kind = wordOf('curvature', settings.curvature, KINDS);
    const damping = amountOf('damping', settings.damping, 0);
    const series = {
      depth: countOf('depth', settings.depth, 1),
      repeats: countOf('repeats', settings.repeats, 1),
      batch: countOf('batch', settings.batch, 1),
      width: SOLVE_WIDTH,
      seed,
    };
    const asked = settings.scale === AUTO ? undefined : amountOf('scale', settings.scale, Number.MIN_VALUE);
    return ensembleScorer(
      aboutScores(card),
      runs,
      async (run, part) => {
        const { parameters } = stateAt(run, settings.epoch, samples.rows);
        const total = damping + ridgeOf(run.recipe);
        const scale = asked ?? (await twiceLargest(engine, model, parameters, samples, kind, total, seed, part));
        const curvature = await openCurvature(engine, model, { kind, damping: total, width: SOLVE_WIDTH });
        const apply = (batch: Samples, v: Tensor): Promise<Tensor> => curvature.apply(parameters, batch, v, part);
        return inverseScorer(
          { engine, model, parameters, rows: samples.rows, target: options.target },
          {
            solve: (vectors, own) => lissaSeries(apply, samples, vectors, { ...series, scale }, own),
            dispose: () => curvature.dispose(),
          },
          part,
        );
      },
      watchOf(options),
    );
  },
};

const POWER_STEPS = 10;

/** 2·(λ_max + damping), from below by the Rayleigh quotient of a power iteration. */
async function twiceLargest(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
  kind: 'hessian' | 'gauss-newton',
  damping: number,
  seed: number,
  watch: WorkWatch,
): Promise<number> {
  const curvature = await openCurvature(engine, model, { kind });
  try {
    const random = Random.named(seed, 'power iteration');
    let vector = Float32Array.from({ length: model.parameterCount }, () => random.normal());
    let largest = 0;
    for (let step = 0; step < POWER_STEPS; step++) {
      const length = Math.sqrt(inner(vector, vector));
      if (length === 0) break;
      const unit = vector.map((value) => value / length);
      const image = await curvature.apply(parameters, samples, { shape: [1, unit.length], data: unit }, watch);
      largest = Math.max(largest, Math.abs(inner(unit, image.data)));
      vector = Float32Array.from(image.data);
    }
    const scale = 2 * (largest + damping);
    if (scale > 0) return scale;
    throw new MeedError('The curvature is zero, and so is the damping', 'Give a damping above 0');
  } finally {
    await curvature.dispose();
  }
}
