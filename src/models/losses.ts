/**
 * Per-sample losses: cross-entropy in nats of a classifier and of a language model, the squared error of a regression.
 * The trap: a sequence's loss is the mean over the tokens that are asked for, not over its length, or a sample would
 * weigh less the more of it is prompt or padding. A target of −1 stands for none: a padded row, a token that is not
 * asked for.
 */
import {
  crossEntropy,
  divide,
  type GraphBuilder,
  greaterOrEqual,
  maximum,
  reduceSum,
  reshape,
  scalar,
  squaredError,
  type Value,
} from '../graph/index.js';

/** @param logits [batch, classes] @param targets [batch, 1] @returns [batch, 1] */
export function classLosses(g: GraphBuilder, logits: Value, targets: Value): Value {
  const [batch] = logits.shape;
  return reshape(g, crossEntropy(g, logits, reshape(g, targets, [batch])), [batch, 1]);
}

/**
 * @param logits  [batch, T, vocabulary]
 * @param targets [batch, T] the next tokens, −1 where none is asked for
 * @returns [batch, 1], means over the tokens asked for; 0 where none is
 */
export function nextTokenLosses(g: GraphBuilder, logits: Value, targets: Value): Value {
  return meanOfAsked(g, crossEntropy(g, logits, targets), targets);
}

/**
 * Σ (y − target)² over the outputs, neither halved nor averaged.
 * @param y [batch, outputs] @param targets [batch, outputs] @returns [batch, 1]
 */
export function squaredLosses(g: GraphBuilder, y: Value, targets: Value): Value {
  return reshape(g, squaredError(g, y, targets), [y.shape[0], 1]);
}

/** @param values [batch, T], 0 where the target is −1 @returns [batch, 1] */
export function meanOfAsked(g: GraphBuilder, values: Value, targets: Value): Value {
  const asked = reduceSum(g, greaterOrEqual(g, targets, scalar(g, 0)), [1]);
  return divide(g, reduceSum(g, values, [1]), maximum(g, asked, scalar(g, 1)));
}
