/**
 * Scores by position of a training sequence: a layer's gradient is a sum over positions, so each position has its part, and
 * the parts add up to the whole with what has no positions (a norm's scale receives one gradient for a sequence).
 * Of an output, a position is asked for by its target: see `spanTargets`.
 * The trap: a position is where weights were used, not which token was predicted; the token at t is read there, and the
 * loss of token t + 1 begins there, but through attention later losses reach it too.
 */
import type { Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { add, type GraphBuilder, reduceSum, reshape, type Value } from '../graph/index.js';
import type { Samples } from '../models/index.js';
import { byPosition, type Detail, dots, openVectorScorer } from './layers/index.js';
import type { Attribution, Settings, VectorMethod } from './methods/index.js';
import type { ScoringOptions } from './pathScorer.js';
import { watchOf } from './watch.js';

export interface TokenScores {
  /** [outputs, samples, T]; positive = the sample helped there */
  readonly positions: Tensor;
  /** [outputs, samples]: of parameters whose gradient has no positions; zeros where all have. */
  readonly rest: Tensor;
}

/**
 * @param method grad-dot, K-FAC, EK-FAC, DataInf, ASTRA, SOURCE
 * @throws MeedError when the model reads no sequences, and as the method does when it is opened
 */
export async function tokenScores<S extends Settings>(
  method: Pick<VectorMethod<S>, 'plan'>,
  attribution: Attribution,
  settings: S,
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions = {},
): Promise<TokenScores> {
  const { engine, model } = attribution;
  if (model.objective !== 'next-token') {
    throw new MeedError(
      `Scores by token were asked of a model of the objective ${model.objective}`,
      'Ask a language model, or ask for scores by layer',
    );
  }
  const [length] = model.targetShape;
  const watch = watchOf(options);
  const plan = method.plan(attribution, settings, watch);
  const detail = detailOf(length);
  const scorer = await openVectorScorer(engine, model, plan, { target: options.target, detail, watch });
  try {
    const { positions, rest } = await scorer.score(outputs, samples);
    const pairs = [outputs.rows, samples.rows];
    return {
      positions: positions ?? { shape: [...pairs, length], data: new Float32Array(pairs[0] * pairs[1] * length) },
      rest: { shape: pairs, data: rest?.data ?? new Float32Array(pairs[0] * pairs[1]) },
    };
  } finally {
    await scorer.dispose();
  }
}

/** A layer that is used k times at each position has k·T of them, use after use. */
function detailOf(length: number): Detail {
  return (g, products) => {
    const placed = products.filter(({ layer }) => layer.positions % length === 0);
    const others = products.filter(({ layer }) => layer.positions % length !== 0);
    const sum = (parts: readonly Value[]): Value => parts.reduce((total, part) => add(g, total, part));
    const positions = placed.map(({ factors, vectors }) => {
      const each = dots(g, byPosition(g, factors), vectors);
      return foldUses(g, each, factors.left.shape[0], length);
    });
    const rest = others.map(({ factors, vectors }) => dots(g, factors, vectors));
    return {
      ...(positions.length > 0 && { positions: sum(positions) }),
      ...(rest.length > 0 && { rest: sum(rest) }),
    };
  };
}

/** [M, n·k·T] → [M, n·T] */
function foldUses(g: GraphBuilder, each: Value, samples: number, length: number): Value {
  const [count, columns] = each.shape;
  const uses = columns / (samples * length);
  const summed = reduceSum(g, reshape(g, each, [count, samples, uses, length]), [2]);
  return reshape(g, summed, [count, samples * length]);
}
