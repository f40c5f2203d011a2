/** Grad-dot (Charpiat et al. 2019): the product of the two gradients at the trained weights. Exact, from factors. */
import type { Engine } from '../../engine/index.js';
import type { Model } from '../../models/index.js';
import { pathPlan } from '../layers/index.js';
import { pathScorer, type ScoringOptions, type WeightedState } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { type Attribution, aboutScores, type MethodCard } from './method.js';
import { LAST, statesAt } from './runStates.js';
import type { VectorMethod } from './vectorMethod.js';

const card: MethodCard = {
  name: 'grad-dot',
  source:
    'Charpiat et al. 2019, "Input similarity from the neural network perspective"; TracIn (Pruthi et al. 2020) with one checkpoint',
  claim: 'how much a small step on this sample, from the trained weights, would lower the loss of the output',
  scale: 'loss per unit of learning rate at the trained weights',
  cost: 'for each run one pass over n + m samples, and m·n products of factors; no P numbers a sample are held',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

export function gradDot(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  return pathScorer(engine, model, [{ parameters, weight: 1 }], aboutScores(card), scoring);
}

export const gradDotMethod: VectorMethod<{ readonly epoch: number | string }> = {
  ...card,
  defaults: { epoch: LAST },
  grid: [],
  open: (attribution, { epoch }, options) =>
    pathScorer(attribution.engine, attribution.model, meanOver(attribution, epoch), aboutScores(card), options),
  plan: (attribution, { epoch }) => pathPlan(meanOver(attribution, epoch)),
};

/** Each run's state, so that products of several runs are averaged. */
function meanOver(attribution: Attribution, epoch: number | string): WeightedState[] {
  const { length } = attribution.runs;
  return statesAt(attribution, epoch).map(({ parameters }) => ({ parameters, weight: 1 / length }));
}
