/**
 * Losses per sample, and dropout. Cross-entropy is one operator, because its gradient (softmax − one-hot)·dy is shorter
 * than what its parts would give, and its value needs no log-softmax written out.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, type Shape, sameShape, sizeOf, type Value } from '../graph.js';
import { isSampleAxis } from '../sampleLayout.js';
import { greaterOrEqual } from './compare.js';
import { multiply, subtract } from './elementwise.js';
import { oneHot, placeOf, tfjsWithin } from './gather.js';
import { reduceSumSquare } from './reduce.js';
import { reshape } from './shape.js';
import { scalar } from './sharedConstant.js';
import { emitLogSoftmax, softmax } from './softmax.js';

const INT64 = 7;

const CROSS_ENTROPY: Operator = {
  name: 'CrossEntropy',
  shape: ([logits, ids]) => {
    if (logits.length === 0 || !sameShape(logits.slice(0, -1), ids)) {
      throw new MeedError(`Logits [${logits}] have no cross-entropy with ids [${ids}]`, 'Give [.., C] and [..]');
    }
    return ids;
  },
  lower: (sink, [logits, ids], { inputs }) => {
    const last = inputs[0].shape.length - 1;
    const zero = sink.scalar(0);
    const axis = sink.int64([last]);
    const counting = sink.emit('Max', [ids, zero]);
    // WebGPU casts to int64 but moves none
    const places =
      sink.provider === 'webgpu'
        ? sink.emit('Cast', [sink.emit('Unsqueeze', [counting, axis])], { to: INT64 })
        : sink.emit('Unsqueeze', [sink.emit('Cast', [counting], { to: INT64 }), axis]);
    const logarithms = emitLogSoftmax(sink, logits, last);
    const picked = sink.emit('GatherElements', [logarithms, places], { axis: last });
    const loss = sink.emit('Neg', [sink.emit('Squeeze', [picked, axis])]);
    const counted = sink.emit('Cast', [sink.emit('GreaterOrEqual', [ids, zero])], { to: sink.element });
    sink.emit('Mul', [loss, counted]);
  },
  interpret: ([logits, ids]) => {
    const classes = logits.shape[logits.shape.length - 1];
    return ids.data.map((id, row) => {
      if (id < 0) return 0;
      const values = logits.data.subarray(row * classes, (row + 1) * classes);
      const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const total = values.reduce((sum, value) => sum + Math.exp(value - max), 0);
      return max + Math.log(total) - values[placeOf(id, classes)];
    });
  },
  tfjs: (tf, [logits, ids]) => {
    const classes = logits.shape[logits.rank - 1];
    const counting = tf.reshape(tf.maximum(tf.cast(ids, 'int32'), tf.scalar(0, 'int32')), [-1]);
    const lines = tf.range(0, ids.size * classes, classes, 'int32');
    const flat = tfjsWithin(tf, counting, classes, tf.add(lines, counting));
    const picked = tf.reshape(tf.gather(tf.reshape(logits, [-1]), flat), ids.shape);
    return tf.mul(tf.sub(tf.logSumExp(logits, -1), picked), tf.cast(tf.greaterEqual(ids, 0), 'float32'));
  },
  gradient: (g, { inputs: [logits, ids] }, dy) => {
    const classes = logits.shape[logits.shape.length - 1];
    const error = subtract(g, softmax(g, logits), oneHot(g, ids, classes));
    const counted = multiply(g, dy, greaterOrEqual(g, ids, scalar(g, 0)));
    return [multiply(g, error, reshape(g, counted, [...ids.shape, 1])), undefined];
  },
  samples: ({ output }, [logits, ids]) => {
    if (logits === 'mixed' || ids === 'mixed') return 'mixed';
    if (!isSampleAxis(logits)) return ids;
    if (logits.axis === output.shape.length) return 'mixed';
    if (isSampleAxis(ids) && (ids.axis !== logits.axis || ids.per !== logits.per)) return 'mixed';
    return logits;
  },
};

/**
 * −log of the probability that softmax(logits) gives to the id.
 * @param logits [.., C]
 * @param ids [..], whole numbers below C; a negative one is ignored: its loss is 0
 * @returns [..]
 */
export function crossEntropy(g: GraphBuilder, logits: Value, ids: Value): Value {
  return g.apply(CROSS_ENTROPY, [logits, ids]);
}

/** Σ (y − target)² over all but the first axis: [n, ..] → [n]. */
export function squaredError(g: GraphBuilder, y: Value, target: Value): Value {
  const [n, ...rest]: Shape = y.shape;
  const flat = reshape(g, subtract(g, y, target), [n, sizeOf(rest)]);
  return reshape(g, reduceSumSquare(g, flat, [1]), [n]);
}

/**
 * x·mask/(1 − rate).
 * @param mask 1 keeps, 0 drops; broadcasts against x
 * @param rate the share that is dropped, 0 ≤ rate < 1
 */
export function dropout(g: GraphBuilder, x: Value, mask: Value, rate: number): Value {
  if (!(rate >= 0 && rate < 1)) throw new MeedError(`A dropout rate is not ${rate}`, 'Give one from 0 to below 1');
  return rate === 0 ? multiply(g, x, mask) : multiply(g, x, multiply(g, mask, scalar(g, 1 / (1 - rate))));
}
