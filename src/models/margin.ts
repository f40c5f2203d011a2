/**
 * The margin of a class as the scalar that is explained: TRAK's model output function log(p/(1 − p)) (Park et al. 2023,
 * section 3.3, multi-class), which unlike the loss does not flatten where the model is sure. The sign is a loss's: it is
 * negated, so that lower is better and a positive influence means that the sample helped.
 * The trap: computed from p it is infinite as soon as p rounds to 1. From the logits it is log Σ_{c ≠ y} exp z_c − z_y,
 * finite whatever they are; the own logit is left out of the sum, not subtracted from it.
 */
import { MeedError } from '../foundation/index.js';
import {
  type GraphBuilder,
  logSumExp,
  multiply,
  oneHot,
  reduceSum,
  reshape,
  scalar,
  subtract,
  type Value,
  where,
} from '../graph/index.js';
import { meanOfAsked } from './losses.js';

/** exp of it is 0 beside any logit, and it is no infinity, whose products are NaN. */
const LEFT_OUT = -1e30;

/**
 * @param logits  [batch, classes], or [batch, T, vocabulary] of a sequence
 * @param targets [batch, 1] or [batch, T] ids; −1 stands for none, whose margin is 0
 * @returns [batch, 1]; of a sequence the mean over the tokens asked for
 * @throws MeedError when there are fewer than two classes
 */
export function marginLosses(g: GraphBuilder, logits: Value, targets: Value): Value {
  const places = logits.shape.slice(0, -1);
  const classes = logits.shape[places.length];
  if (classes < 2)
    throw new MeedError('One class has no margin', 'Ask for the margin of a model of two classes or more');
  const own = oneHot(g, reshape(g, targets, places), classes);
  const others = logSumExp(g, where(g, own, scalar(g, LEFT_OUT), logits), [places.length]);
  const last = [places.length];
  const margins = subtract(g, others, reduceSum(g, multiply(g, own, logits), last));
  // a place without a target has no own class
  const asked = multiply(g, margins, reduceSum(g, own, last));
  return meanOfAsked(g, reshape(g, asked, targets.shape), targets);
}
