/**
 * Per-sample losses of a classifier and of a language model: cross-entropy in nats, the mean over a sequence's tokens.
 * A target of −1 stands for none: a padded row, a token that is not asked for.
 */
import { crossEntropy, type GraphBuilder, multiply, reduceSum, reshape, type Value } from '../graph/index.js';

/** @param logits [batch, classes] @param targets [batch, 1] @returns [batch, 1] */
export function classLosses(g: GraphBuilder, logits: Value, targets: Value): Value {
  const [batch] = logits.shape;
  return reshape(g, crossEntropy(g, logits, reshape(g, targets, [batch])), [batch, 1]);
}

/** @param logits [batch, T, vocabulary] @param targets [batch, T] the next tokens @returns [batch, 1], means over T */
export function nextTokenLosses(g: GraphBuilder, logits: Value, targets: Value): Value {
  const [, tokens] = targets.shape;
  const losses = crossEntropy(g, logits, targets);
  return multiply(g, reduceSum(g, losses, [1]), g.constant([1 / tokens], [1, 1]));
}
