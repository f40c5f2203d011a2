/** Grad-dot (Charpiat et al. 2019): the product of the two gradients at the trained weights. Exact, from factors. */
import type { Engine } from '../engine/index.js';
import type { Model } from '../models/index.js';
import { pathScorer, type ScoringOptions } from './pathScorer.js';
import type { Scorer } from './scorer.js';

export function gradDot(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  scoring?: ScoringOptions,
): Promise<Scorer> {
  const about = {
    name: 'grad-dot',
    scale: 'loss per unit of learning rate at the trained weights',
    additivity: 'relative',
  } as const;
  return pathScorer(engine, model, [{ parameters, weight: 1 }], about, scoring);
}
