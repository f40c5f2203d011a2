/**
 * Cases whose shapes WebGPU's kernels compute in vectors, tiles and groups, which those of operators.ts are too small for:
 * channels in twos, threes and fours and just beside, groups of several filters, batches of 8, rows of 64 and 65.
 * Of ONNX's Conv and ConvTranspose as they stand, ONNX Runtime 1.30 computes the first six and the first four here, or their
 * gradients, wrongly or not at all on WebGPU; see src/graph/ops/convLowering.ts.
 */
import {
  averagePool,
  type ConvOptions,
  conv,
  convTranspose,
  groupNorm,
  logSoftmax,
  matmul,
  maxPool,
  reduceMax,
  reduceSum,
  rmsNorm,
  type Shape,
  scaledDotProduct,
  softmax,
  transpose,
} from '../../../src/graph/index.js';
import type { OperatorCase } from '../../graph/operators.js';

interface Convolution {
  readonly x: Shape;
  readonly w: Shape;
  readonly options?: ConvOptions;
}

const CONVOLUTIONS: readonly Convolution[] = [
  { x: [8, 6, 9], w: [8, 6, 3], options: { pads: [1, 1] } },
  { x: [2, 9, 7, 6], w: [4, 9, 2, 3], options: { strides: [2, 1], pads: [1, 0, 0, 2], dilations: [1, 2] } },
  { x: [2, 4, 9], w: [10, 2, 3], options: { groups: 2 } },
  { x: [3, 6, 8, 7], w: [12, 3, 2, 2], options: { groups: 2, strides: [2, 2], pads: [1, 1, 0, 0] } },
  { x: [2, 4, 4, 3, 4], w: [6, 2, 2, 2, 2], options: { groups: 2, pads: [1, 0, 0, 0, 1, 0] } },
  { x: [2, 3, 5, 4, 5], w: [4, 3, 2, 2, 2], options: { strides: [2, 1, 2] } },
  { x: [8, 8, 9], w: [16, 8, 3], options: { strides: [2], pads: [1, 1] } },
  { x: [8, 4, 8, 8], w: [8, 4, 3, 3], options: { pads: [1, 1, 1, 1] } },
  { x: [2, 8, 9, 9], w: [8, 1, 3, 3], options: { groups: 8 } },
  { x: [4, 12, 8, 8], w: [16, 12, 1, 1] },
];

const TRANSPOSED: readonly Convolution[] = [
  { x: [2, 4, 5], w: [4, 1, 3], options: { groups: 2, strides: [2] } },
  { x: [3, 12, 4, 3], w: [12, 1, 2, 3], options: { groups: 3, strides: [2, 2], pads: [1, 0, 0, 1] } },
  { x: [2, 3, 3, 2, 3], w: [3, 4, 2, 2, 2], options: { strides: [2, 2, 2] } },
  { x: [8, 6, 9], w: [6, 8, 3], options: { pads: [1, 1] } },
  { x: [8, 8, 5, 5], w: [8, 16, 3, 3], options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
];

const domain = 'real';

const named = (kind: string, { x, w, options }: Convolution): string =>
  `${kind} of [${x}] with [${w}] ${JSON.stringify(options ?? {})}`;

export const wideCases: readonly OperatorCase[] = [
  ...CONVOLUTIONS.map(
    (one): OperatorCase => ({
      name: named('Conv', one),
      shapes: [one.x, one.w],
      domain,
      build: (g, [x, w]) => conv(g, x, w, one.options),
    }),
  ),
  ...TRANSPOSED.map(
    (one): OperatorCase => ({
      name: named('ConvTranspose', one),
      shapes: [one.x, one.w],
      domain,
      build: (g, [x, w]) => convTranspose(g, x, w, one.options),
    }),
  ),
  {
    name: 'MaxPool of 8 channels',
    shapes: [[8, 8, 9, 8]],
    domain,
    build: (g, [x]) => maxPool(g, x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'MaxPool over three axes',
    shapes: [[2, 4, 4, 5, 4]],
    domain,
    build: (g, [x]) => maxPool(g, x, [2, 2, 2], { strides: [2, 2, 2] }),
  },
  {
    name: 'AveragePool of 8 channels',
    shapes: [[8, 8, 9, 8]],
    domain,
    build: (g, [x]) => averagePool(g, x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  ...[
    [
      [64, 64],
      [64, 64],
    ],
    [
      [33, 65],
      [65, 31],
    ],
    [
      [3, 8, 16],
      [16, 12],
    ],
    [
      [2, 3, 9, 6],
      [3, 6, 4],
    ],
  ].map(
    (shapes): OperatorCase => ({
      name: `MatMul of [${shapes[0]}] and [${shapes[1]}]`,
      shapes,
      domain,
      build: (g, [a, b]) => matmul(g, a, b),
    }),
  ),
  ...[
    [8, 64],
    [3, 65],
    [2, 130],
  ].flatMap((shape): OperatorCase[] => [
    { name: `Softmax of [${shape}]`, shapes: [shape], domain, build: (g, [x]) => softmax(g, x) },
    { name: `LogSoftmax of [${shape}]`, shapes: [shape], domain, build: (g, [x]) => logSoftmax(g, x) },
    { name: `ReduceSum of [${shape}]`, shapes: [shape], domain, build: (g, [x]) => reduceSum(g, x, [0]) },
    { name: `ReduceMax of [${shape}]`, shapes: [shape], domain, build: (g, [x]) => reduceMax(g, x, [1]) },
  ]),
  { name: 'Softmax of columns', shapes: [[4, 64, 8]], domain, build: (g, [x]) => softmax(g, x, 1) },
  { name: 'ReduceSum of a middle axis', shapes: [[4, 64, 12]], domain, build: (g, [x]) => reduceSum(g, x, [1]) },
  {
    name: 'RMS normalisation of rows of 64',
    shapes: [[8, 64], [64]],
    domain,
    build: (g, [x, scale]) => rmsNorm(g, x, scale),
  },
  {
    name: 'GroupNorm of 12 channels',
    shapes: [[3, 12, 4, 4], [12], [12]],
    domain,
    build: (g, [x, scale, bias]) => groupNorm(g, x, 3, scale, bias),
  },
  { name: 'Transpose of tiles', shapes: [[3, 33, 34]], domain, build: (g, [x]) => transpose(g, x, [0, 2, 1]) },
  {
    name: 'Attention of 17 places',
    shapes: [
      [2, 2, 17, 8],
      [2, 2, 17, 8],
      [2, 2, 17, 8],
    ],
    domain,
    build: (g, [q, k, v]) => scaledDotProduct(g, q, k, v, { causal: 'causal' }),
  },
];
