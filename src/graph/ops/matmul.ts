/** The matrix product of two matrices: [m, k] × [k, n] → [m, n]. */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { transpose } from './shape.js';

const MATMUL: Operator = {
  name: 'MatMul',
  shape: ([a, b]) => {
    if (a.length !== 2 || b.length !== 2 || a[1] !== b[0]) {
      throw new MeedError(`The matrices [${a}] and [${b}] do not multiply`, 'Give [m, k] and [k, n]');
    }
    return [a[0], b[1]];
  },
  lower: (sink, inputs) => void sink.emit('MatMul', inputs),
  interpret: ([a, b]) => {
    const [m, k] = a.shape;
    const n = b.shape[1];
    const product = new Float64Array(m * n);
    for (let i = 0; i < m; i++) {
      for (let l = 0; l < k; l++) {
        const x = a.data[i * k + l];
        for (let j = 0; j < n; j++) product[i * n + j] += x * b.data[l * n + j];
      }
    }
    return product;
  },
  gradient: (builder, { inputs: [a, b] }, dy) => [
    matmul(builder, dy, transpose(builder, b)),
    matmul(builder, transpose(builder, a), dy),
  ],
};

export function matmul(builder: GraphBuilder, a: Value, b: Value): Value {
  return builder.apply(MATMUL, [a, b]);
}
