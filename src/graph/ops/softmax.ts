/** Log-softmax over the last axis, computed with the maximum subtracted so that no exponential overflows. */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { exp, multiply, subtract } from './elementwise.js';
import { reduceSum } from './reduce.js';

const LOG_SOFTMAX: Operator = {
  name: 'LogSoftmax',
  shape: ([x]) => {
    if (x.length === 0) throw new MeedError('A scalar has no last axis for a softmax', 'Reshape it first');
    return x;
  },
  lower: (sink, inputs) => void sink.emit('LogSoftmax', inputs, { axis: -1 }),
  interpret: ([x]) => {
    const width = x.shape[x.shape.length - 1];
    const result = new Float64Array(x.data.length);
    for (let row = 0; row < x.data.length; row += width) {
      const values = x.data.subarray(row, row + width);
      const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const total = max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
      for (let j = 0; j < width; j++) result[row + j] = values[j] - total;
    }
    return result;
  },
  tfjs: (tf, [x]) => tf.logSoftmax(x),
  samples: samplesUnless(({ output }) => [output.shape.length - 1]),
  gradient: (builder, { output }, dy) => {
    const total = reduceSum(builder, dy, [output.shape.length - 1]);
    return [subtract(builder, dy, multiply(builder, exp(builder, output), total))];
  },
};

export function logSoftmax(builder: GraphBuilder, x: Value): Value {
  return builder.apply(LOG_SOFTMAX, [x]);
}
