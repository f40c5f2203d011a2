import {
  add,
  argMax,
  batchNormInference,
  centre,
  crossEntropy,
  dropout,
  groupNorm,
  layerNorm,
  logSoftmax,
  logSumExp,
  multiply,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reduceSumSquare,
  rmsNorm,
  rotary,
  scaledDotProduct,
  softmax,
  squaredError,
  variance,
} from '../../../src/graph/index.js';
import type { OperatorCase } from './operatorCase.js';

const ROTATION = {
  shapes: [
    [2, 3, 4],
    [3, 2],
    [3, 2],
  ],
  domain: 'real',
} as const;

const HEADS = [
  [2, 3, 4],
  [2, 3, 4],
  [2, 3, 2],
];

export const reductionCases: readonly OperatorCase[] = [
  { name: 'ReduceMean', shapes: [[2, 3, 4]], domain: 'real', build: (g, [x]) => reduceMean(g, x, [0, 2]) },
  { name: 'ReduceSumSquare', shapes: [[2, 3]], domain: 'real', build: (g, [x]) => reduceSumSquare(g, x, [1]) },
  { name: 'ReduceMax', shapes: [[2, 3, 4]], domain: 'real', build: (g, [x]) => reduceMax(g, x, [0, 2]) },
  { name: 'ReduceMin', shapes: [[2, 3, 4]], domain: 'real', build: (g, [x]) => reduceMin(g, x, [1]) },
  { name: 'ReduceLogSumExp', shapes: [[2, 3, 4]], domain: 'real', build: (g, [x]) => logSumExp(g, x, [0, 2]) },
  { name: 'Centre', shapes: [[2, 3, 4]], domain: 'real', build: (g, [x]) => centre(g, x, [0, 2]) },
  { name: 'centre over no axis', shapes: [[2, 3]], domain: 'real', build: (g, [x]) => add(g, x, centre(g, x, [])) },
  { name: 'variance', shapes: [[2, 5]], domain: 'real', build: (g, [x]) => variance(g, x, [1]) },
  {
    name: 'a sum met by a product',
    shapes: [[2, 3], [3]],
    domain: 'real',
    build: (g, [x, w]) => reduceSum(g, multiply(g, multiply(g, x, w), add(g, x, w)), [1]),
  },
  { name: 'Softmax', shapes: [[3, 5]], domain: 'real', build: (g, [x]) => softmax(g, x) },
  { name: 'Softmax, middle axis', shapes: [[2, 3, 2]], domain: 'real', build: (g, [x]) => softmax(g, x, 1) },
  { name: 'LogSoftmax, first axis', shapes: [[3, 2, 2]], domain: 'real', build: (g, [x]) => logSoftmax(g, x, 0) },
  {
    name: 'ArgMax',
    shapes: [[2, 3, 2]],
    domain: 'real',
    build: (g, [x]) => multiply(g, argMax(g, x, 1), x),
  },
  {
    name: 'ArgMax of equals',
    shapes: [[2, 4], [2]],
    domain: 'real',
    fixed: { 0: [1, 3, 3, 0, 2, 2, 2, 2] },
    build: (g, [x, weight]) => multiply(g, argMax(g, x, 1), weight),
  },
  {
    name: 'layerNorm',
    shapes: [[3, 5], [5], [5]],
    domain: 'real',
    build: (g, [x, scale, bias]) => layerNorm(g, x, -1, scale, bias),
  },
  {
    name: 'layerNorm over two axes',
    shapes: [
      [2, 2, 3],
      [2, 3],
    ],
    domain: 'real',
    build: (g, [x, scale]) => layerNorm(g, x, 1, scale, undefined, 1e-2),
  },
  { name: 'rmsNorm', shapes: [[3, 4], [4]], domain: 'real', build: (g, [x, scale]) => rmsNorm(g, x, scale) },
  {
    name: 'groupNorm',
    shapes: [[2, 4, 3], [4], [4]],
    domain: 'real',
    build: (g, [x, scale, bias]) => groupNorm(g, x, 2, scale, bias),
  },
  {
    name: 'batchNormInference',
    shapes: [[2, 3, 2], [3], [3], [3], [3]],
    domain: 'positive',
    build: (g, [x, scale, bias, mean, spread]) => batchNormInference(g, x, scale, bias, mean, spread),
  },
  {
    name: 'attention',
    shapes: HEADS,
    domain: 'real',
    build: (g, [q, k, v]) => scaledDotProduct(g, q, k, v, { causal: 'full' }),
  },
  {
    name: 'causal attention',
    shapes: HEADS,
    domain: 'real',
    build: (g, [q, k, v]) => scaledDotProduct(g, q, k, v, { causal: 'causal', scale: 0.7 }),
  },
  {
    name: 'masked attention of two queries to three keys, one row of the mask empty',
    shapes: [
      [2, 2, 4],
      [3, 4],
      [2, 3, 2],
      [2, 1, 3],
    ],
    domain: 'real',
    fixed: { 3: [1, 0, 1, 0, 0, 0] },
    build: (g, [q, k, v, mask]) => scaledDotProduct(g, q, k, v, { causal: 'causal', mask }),
  },
  { name: 'rotary, halves', ...ROTATION, build: (g, [x, cos, sin]) => rotary(g, x, cos, sin, 'halves') },
  { name: 'rotary, interleaved', ...ROTATION, build: (g, [x, cos, sin]) => rotary(g, x, cos, sin, 'interleaved') },
  {
    name: 'crossEntropy with an ignored id',
    shapes: [
      [2, 3, 4],
      [2, 3],
    ],
    domain: 'real',
    fixed: { 1: [0, 3, -1, 2, 2, 1] },
    build: (g, [logits, ids]) => crossEntropy(g, logits, ids),
  },
  {
    name: 'squaredError',
    shapes: [
      [3, 2],
      [3, 2],
    ],
    domain: 'real',
    build: (g, [y, target]) => squaredError(g, y, target),
  },
  {
    name: 'dropout',
    shapes: [
      [2, 4],
      [2, 4],
    ],
    domain: 'real',
    fixed: { 1: [1, 0, 1, 1, 0, 0, 1, 1] },
    build: (g, [x, mask]) => dropout(g, x, mask, 0.25),
  },
];
