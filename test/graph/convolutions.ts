/** Cases of convolution, pooling and the strided slices under them; see operators.ts. */
import { pad, stridedSlice } from '../../src/graph/index.js';
import type { OperatorCase } from './operators.js';

export const convolutionCases: readonly OperatorCase[] = [
  { name: 'StridedSlice', shapes: [[2, 7, 3]], domain: 'real', build: (g, [x]) => stridedSlice(g, x, 1, 1, 7, 2) },
  {
    name: 'StridedSlice backwards',
    shapes: [[2, 7]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 1, 6, -1, -1),
  },
  {
    name: 'StridedSlice back by 3',
    shapes: [[8, 2]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 0, 7, 1, -3),
  },
  { name: 'Pad', shapes: [[2, 3]], domain: 'real', build: (g, [x]) => pad(g, x, [1, 0], [0, 2], 0.5) },
];
