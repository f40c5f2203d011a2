/** One case per operator: a graph over named inputs, with values away from kinks. Used by gradient and engine tests. */
import {
  add,
  concat,
  divide,
  exp,
  expand,
  type GraphBuilder,
  log,
  logSoftmax,
  matmul,
  multiply,
  negate,
  reduceSum,
  relu,
  reshape,
  type Shape,
  slice,
  subtract,
  transpose,
  type Value,
} from '../../src/graph/index.js';
import { convolutionCases } from './convolutions.js';

export interface OperatorCase {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** Lower bound of the inputs' magnitude and whether they must be positive. */
  readonly domain: 'real' | 'positive';
  build(g: GraphBuilder, inputs: readonly Value[]): Value;
}

export const operatorCases: readonly OperatorCase[] = [
  {
    name: 'MatMul',
    shapes: [
      [3, 4],
      [4, 2],
    ],
    domain: 'real',
    build: (g, [a, b]) => matmul(g, a, b),
  },
  { name: 'Add broadcast', shapes: [[3, 4], [4]], domain: 'real', build: (g, [a, b]) => add(g, a, b) },
  {
    name: 'Add both stretched',
    shapes: [
      [3, 1],
      [1, 4],
    ],
    domain: 'real',
    build: (g, [a, b]) => add(g, a, b),
  },
  {
    name: 'Sub',
    shapes: [
      [2, 3],
      [2, 1],
    ],
    domain: 'real',
    build: (g, [a, b]) => subtract(g, a, b),
  },
  { name: 'Mul', shapes: [[2, 3], [3]], domain: 'real', build: (g, [a, b]) => multiply(g, a, b) },
  { name: 'Mul square', shapes: [[2, 3]], domain: 'real', build: (g, [a]) => multiply(g, a, a) },
  {
    name: 'Div',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    domain: 'positive',
    build: (g, [a, b]) => divide(g, a, b),
  },
  { name: 'Neg', shapes: [[5]], domain: 'real', build: (g, [a]) => negate(g, a) },
  { name: 'Exp', shapes: [[2, 3]], domain: 'real', build: (g, [a]) => exp(g, a) },
  { name: 'Log', shapes: [[2, 3]], domain: 'positive', build: (g, [a]) => log(g, a) },
  { name: 'Relu', shapes: [[4, 3]], domain: 'real', build: (g, [a]) => relu(g, a) },
  { name: 'ReduceSum', shapes: [[2, 3, 4]], domain: 'real', build: (g, [a]) => reduceSum(g, a, [0, 2]) },
  { name: 'Expand', shapes: [[3, 1]], domain: 'real', build: (g, [a]) => expand(g, a, [2, 3, 4]) },
  { name: 'Reshape', shapes: [[2, 6]], domain: 'real', build: (g, [a]) => reshape(g, a, [3, 4]) },
  { name: 'Transpose', shapes: [[2, 3, 4]], domain: 'real', build: (g, [a]) => transpose(g, a, [2, 0, 1]) },
  { name: 'Slice', shapes: [[3, 5]], domain: 'real', build: (g, [a]) => slice(g, a, 1, 1, 4) },
  {
    name: 'Concat',
    shapes: [
      [2, 3],
      [2, 2],
    ],
    domain: 'real',
    build: (g, [a, b]) => concat(g, [a, b], 1),
  },
  { name: 'LogSoftmax', shapes: [[3, 5]], domain: 'real', build: (g, [a]) => logSoftmax(g, a) },
  ...convolutionCases,
];
