/** At least one case for every operator, for the tests of gradients and of engines. */
import {
  add,
  concat,
  divide,
  exp,
  expand,
  log,
  logSoftmax,
  matmul,
  multiply,
  negate,
  reduceSum,
  relu,
  reshape,
  slice,
  subtract,
  transpose,
} from '../../src/graph/index.js';
import { elementwiseCases } from './cases/elementwise.js';
import type { OperatorCase } from './cases/operatorCase.js';
import { placementCases } from './cases/placement.js';
import { reductionCases } from './cases/reduction.js';

export { differentiated, feedsOf, type OperatorCase } from './cases/operatorCase.js';

import { convolutionCases } from './convolutions.js';

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
  ...elementwiseCases,
  ...placementCases,
  ...reductionCases,
];
