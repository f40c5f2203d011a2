/**
 * In-run influence: TracIn from initialisation, equal to first-order in-run data Shapley with every sample weighed as over
 * all shuffles. Training moves the weights by Δθ_t = −η Σ_{s≤t} μ^{t−s} g_s, so to first order an output's loss falls by
 * Σ_t ⟨∇loss_q(θ_t), −Δθ_t⟩, and each sample's part of g is its own gradient / n. The sum over steps is an integral over
 * the published states: the learning mass of the steps between two states is shared equally by both (trapezoid rule).
 * Weight decay is nobody's gradient, so its part of the change is left out.
 * Complete: Σ_i score(q, i) ≈ loss_q(initial) − loss_q(trained); how nearly is measured with every payout.
 */
import type { Engine } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { type Model, type Recipe, ratesOf, type TrainingOptions, type TrainingState } from '../../models/index.js';
import { ensembleScorer } from '../ensemble.js';
import { pathScorer, type ScoringOptions, type WeightedState } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { aboutScores, type Method, type MethodCard, type TrainedRun } from './method.js';

/**
 * Learning mass of each state, per sample: how far a constant gradient of one sample would have moved the weights.
 * @param steps step number of each state, ascending from 0
 * @param rows  number of training samples n
 */
export function stateWeights(
  steps: readonly number[],
  rows: number,
  { learningRate, momentum }: Pick<TrainingOptions, 'learningRate' | 'momentum'>,
): number[] {
  return massWeights(steps, rows, () => learningRate, momentum);
}

/** @param rate learning rate of a step, counted from 0 */
function massWeights(
  steps: readonly number[],
  rows: number,
  rate: (step: number) => number,
  momentum: number,
): number[] {
  const weights = new Array<number>(steps.length).fill(0);
  for (let c = 0; c + 1 < steps.length; c++) {
    let mass = 0;
    for (let t = steps[c]; t < steps[c + 1]; t++) mass += (rate(t) * (1 - momentum ** (t + 1))) / (1 - momentum);
    weights[c] += mass / (2 * rows);
    weights[c + 1] += mass / (2 * rows);
  }
  return weights;
}

const card: MethodCard = {
  name: 'in-run',
  source:
    'Wang et al. 2024, "Data Shapley in One Training Run", first order, over all shuffles; TracIn from initialisation',
  claim: 'how much of what training changed in the loss of the output is owed to this sample',
  scale: "nats of the output's loss, over the whole training",
  cost: 'that of grad-dot for each state',
  needs: ['checkpoints'],
  form: 'bilinear',
  additivity: 'complete',
};

export function inRun(
  engine: Engine,
  model: Model,
  states: readonly TrainingState[],
  rows: number,
  options: TrainingOptions,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  const weights = stateWeights(
    states.map((state) => state.step),
    rows,
    options,
  );
  return pathScorer(
    engine,
    model,
    states.map(({ parameters }, c) => ({ parameters, weight: weights[c] })),
    aboutScores(card),
    scoring,
  );
}

export const inRunMethod: Method = {
  ...card,
  defaults: {},
  grid: [],
  async open({ engine, model, runs, samples }, _settings, options = {}) {
    const paths = runs.map((run) => pathOf(run, samples.rows));
    const about = aboutScores(card);
    const open = (path: readonly WeightedState[], { progress }: WorkWatch): Promise<Scorer> =>
      pathScorer(engine, model, path, about, { ...options, progress });
    return ensembleScorer(about, paths, open, watchOf(options));
  },
};

/** The states of a run with their learning mass, whatever its schedule. */
function pathOf(run: TrainedRun, all: number): WeightedState[] {
  const { recipe, states } = run;
  const rows = run.rows?.length ?? all;
  const momentum = sgdMomentum(recipe, card.name);
  const steps = states.map(({ step }) => step);
  const rates = ratesOf(recipe, rows);
  if (steps[0] !== 0 || steps.length < 2 || steps[steps.length - 1] > rates.length) {
    throw new MeedError(
      `In-run influence needs states from the first step on, of a training of ${rates.length} steps; there are those of ${steps.join(', ') || 'none'}`,
      'Keep the initial weights and some states along the run, and give the run its recipe',
    );
  }
  const weights = massWeights(steps, rows, (step) => rates[step], momentum);
  return states.map(({ parameters }, c) => ({ parameters, weight: weights[c] }));
}

/**
 * The momentum of a recipe whose steps are sums of its samples' gradients.
 * @throws MeedError for other optimisers, whose steps have no such parts
 */
export function sgdMomentum({ optimiser, clip }: Recipe, method: string): number {
  if (optimiser.name !== 'sgd') {
    throw new MeedError(
      `${method} follows SGD, this run was trained with ${optimiser.name}, which divides by a running size of all gradients`,
      'Train with SGD, or choose tracin, which leaves the division out, or magic, which differentiates it',
    );
  }
  if (clip !== undefined) {
    throw new MeedError(
      `${method} follows steps of full length, this run clipped its gradients to the norm ${clip}`,
      'Train without clipping, or choose magic, which differentiates it',
    );
  }
  return optimiser.momentum;
}
