/**
 * Scores by layer: how much of a score each weight matrix (with its bias) carries. They add up to the whole, because
 * layers are orthogonal parts of a gradient and the methods are sums over them. For methods that are plans of vectors.
 */
import type { Tensor } from '../engine/index.js';
import type { Samples } from '../models/index.js';
import { type Detail, dots, openVectorScorer, wholeOf } from './layers/index.js';
import type { Attribution, Settings, VectorMethod } from './methods/index.js';
import type { ScoringOptions } from './pathScorer.js';
import { watchOf } from './watch.js';

export interface LayerScores {
  /** Names of the layer's parameters. */
  readonly parameters: readonly string[];
  /** [outputs, samples]; positive = the sample helped */
  readonly scores: Tensor;
}

const byLayer: Detail = (g, products) =>
  Object.fromEntries(products.map(({ factors, vectors }, l) => [`layer ${l}`, dots(g, factors, vectors)] as const));

/**
 * @param method grad-dot, K-FAC, EK-FAC, DataInf, ASTRA, SOURCE
 * @returns one for each layer, in the model's order
 * @throws MeedError as the method does when it is opened
 */
export async function layerScores<S extends Settings>(
  method: Pick<VectorMethod<S>, 'plan'>,
  attribution: Attribution,
  settings: S,
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions = {},
): Promise<LayerScores[]> {
  const { engine, model } = attribution;
  const watch = watchOf(options);
  const plan = method.plan(attribution, settings, watch);
  const scorer = await openVectorScorer(engine, model, plan, { target: options.target, detail: byLayer, watch });
  try {
    const parts = await scorer.score(outputs, samples);
    return scorer.layers.map(({ parameters }, l) => {
      return { parameters, scores: wholeOf({ scores: parts[`layer ${l}`] }, outputs, samples) };
    });
  } finally {
    await scorer.dispose();
  }
}
