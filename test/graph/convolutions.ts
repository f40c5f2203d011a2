/** Cases of convolution, pooling and what is under them; see operators.ts. Shapes are uneven on purpose. */
import {
  averagePool,
  conv,
  convTranspose,
  differentiate,
  globalAveragePool,
  maxPool,
  multiply,
  pad,
  reduceSum,
  stridedSlice,
  unfold,
} from '../../src/graph/index.js';
import type { OperatorCase } from './operators.js';

const domain = 'real';

export const convolutionCases: readonly OperatorCase[] = [
  { name: 'StridedSlice by 2', shapes: [[2, 7, 3]], domain, build: (g, [x]) => stridedSlice(g, x, 1, 1, 7, 2) },
  { name: 'StridedSlice backwards', shapes: [[2, 7]], domain, build: (g, [x]) => stridedSlice(g, x, 1, 6, -1, -1) },
  { name: 'StridedSlice back by 3', shapes: [[8, 2]], domain, build: (g, [x]) => stridedSlice(g, x, 0, 7, 1, -3) },
  { name: 'Pad around', shapes: [[2, 3]], domain, build: (g, [x]) => pad(g, x, [1, 0], [0, 2], 0.5) },
  {
    name: 'Conv 1-D',
    shapes: [
      [2, 3, 7],
      [4, 3, 3],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w),
  },
  {
    name: 'Conv 1-D, stride that does not divide, dilation, uneven pads, groups',
    shapes: [
      [2, 4, 9],
      [2, 2, 2],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w, { strides: [3], dilations: [2], pads: [2, 1], groups: 2 }),
  },
  {
    name: 'Conv 2-D',
    shapes: [
      [2, 2, 4, 5],
      [3, 2, 3, 3],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w, { pads: [1, 1, 1, 1] }),
  },
  {
    name: 'Conv 2-D, strides, dilations, pads, groups',
    shapes: [
      [2, 4, 6, 7],
      [6, 2, 2, 3],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w, { strides: [2, 3], dilations: [2, 1], pads: [1, 0, 0, 2], groups: 2 }),
  },
  {
    name: 'Conv depthwise',
    shapes: [
      [1, 3, 4, 4],
      [3, 1, 2, 2],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w, { groups: 3 }),
  },
  {
    name: 'Conv pointwise',
    shapes: [
      [2, 3, 2, 2],
      [2, 3, 1, 1],
    ],
    domain,
    build: (g, [x, w]) => conv(g, x, w, { strides: [2, 2] }),
  },
  {
    name: 'ConvTranspose 1-D',
    shapes: [
      [2, 3, 4],
      [3, 2, 3],
    ],
    domain,
    build: (g, [x, w]) => convTranspose(g, x, w, { strides: [2], pads: [1, 0], outputPadding: [1] }),
  },
  {
    name: 'ConvTranspose 2-D, groups, dilations',
    shapes: [
      [2, 4, 2, 3],
      [4, 2, 2, 3],
    ],
    domain,
    build: (g, [x, w]) =>
      convTranspose(g, x, w, {
        strides: [3, 2],
        dilations: [2, 1],
        pads: [1, 0, 0, 1],
        groups: 2,
        outputPadding: [2, 0],
      }),
  },
  {
    name: 'Unfold',
    shapes: [[2, 2, 4, 5]],
    domain,
    build: (g, [x]) => unfold(g, x, [2, 3], { strides: [2, 1], pads: [1, 0, 0, 1], dilations: [1, 2] }),
  },
  {
    name: 'Unfold tiles with a rest',
    shapes: [[1, 2, 5, 7]],
    domain,
    build: (g, [x]) => unfold(g, x, [2, 3], { strides: [2, 3] }),
  },
  {
    name: 'MaxPool tiles',
    shapes: [[2, 2, 4, 6]],
    domain,
    build: (g, [x]) => maxPool(g, x, [2, 2], { strides: [2, 2] }),
  },
  {
    name: 'MaxPool overlapping',
    shapes: [[1, 2, 5, 6]],
    domain,
    build: (g, [x]) => maxPool(g, x, [3, 2], { strides: [2, 1], pads: [1, 0, 1, 1] }),
  },
  {
    name: 'MaxPool 1-D dilated',
    shapes: [[2, 2, 8]],
    domain,
    build: (g, [x]) => maxPool(g, x, [3], { dilations: [2] }),
  },
  {
    name: 'MaxPool, its gradient',
    shapes: [
      [2, 2, 5, 4],
      [2, 2, 3, 4],
    ],
    domain,
    build: (g, [x, w]) => {
      const y = maxPool(g, x, [2, 3], { strides: [2, 1], pads: [1, 1, 0, 1] });
      return differentiate(g, reduceSum(g, multiply(g, multiply(g, y, y), w), [0, 1, 2, 3]), [x])[0];
    },
  },
  {
    name: 'AveragePool without padding',
    shapes: [[1, 2, 5, 6]],
    domain,
    build: (g, [x]) => averagePool(g, x, [3, 2], { strides: [2, 2], pads: [1, 0, 1, 0] }),
  },
  {
    name: 'AveragePool with padding',
    shapes: [[1, 2, 5]],
    domain,
    build: (g, [x]) => averagePool(g, x, [3], { pads: [1, 1], countIncludePad: 'included' }),
  },
  { name: 'GlobalAveragePool', shapes: [[2, 3, 4, 2]], domain, build: (g, [x]) => globalAveragePool(g, x) },
];
