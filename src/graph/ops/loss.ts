/** Losses of a prediction. A class id outside 0 … C−1, −1 by convention, stands for "no target": its loss is 0. */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, sameShape, type Value } from '../graph.js';
import { multiply, negate } from './elementwise.js';
import { oneHot } from './gather.js';
import { reduceSum } from './reduce.js';
import { reshape } from './shape.js';
import { logSoftmax } from './softmax.js';

/** −log softmax(logits)[id], in nats. @param logits [..., C] @param ids [...] @returns [...] */
export function crossEntropy(g: GraphBuilder, logits: Value, ids: Value): Value {
  const last = logits.shape.length - 1;
  if (!sameShape(logits.shape.slice(0, last), ids.shape)) {
    throw new MeedError(
      `Logits of shape [${logits.shape}] and class ids of shape [${ids.shape}] do not belong together`,
      'Give one id for each row of logits',
    );
  }
  const chosen = multiply(g, oneHot(g, ids, logits.shape[last]), logSoftmax(g, logits));
  return reshape(g, negate(g, reduceSum(g, chosen, [last])), ids.shape);
}
