import {
  gather,
  gatherElements,
  multiply,
  oneHot,
  pad,
  scatterAdd,
  slice,
  split,
  stridedSlice,
  tile,
  trilu,
} from '../../../src/graph/index.js';
import type { OperatorCase } from './operatorCase.js';

export const placementCases: readonly OperatorCase[] = [
  {
    name: 'Gather rows, one of them twice',
    shapes: [
      [4, 3],
      [2, 2],
    ],
    domain: 'real',
    fixed: { 1: [0, 3, 3, -2] },
    build: (g, [table, ids]) => gather(g, table, ids, 0),
  },
  {
    name: 'Gather along the middle axis',
    shapes: [
      [2, 3, 2],
      [2, 2],
    ],
    domain: 'real',
    fixed: { 1: [2, 0, 2, 1] },
    build: (g, [x, ids]) => gather(g, x, ids, 1),
  },
  {
    name: 'Gather one along the last axis',
    shapes: [[2, 3], []],
    domain: 'real',
    fixed: { 1: [1] },
    build: (g, [x, id]) => gather(g, x, id, 1),
  },
  {
    name: 'ScatterAdd',
    shapes: [
      [2, 2],
      [2, 2, 3],
    ],
    domain: 'real',
    fixed: { 0: [1, 3, 1, -5] },
    build: (g, [ids, updates]) => scatterAdd(g, ids, updates, 5),
  },
  {
    name: 'ScatterAdd of single entries',
    shapes: [[4], [4]],
    domain: 'real',
    fixed: { 0: [1, 0, 1, 1] },
    build: (g, [ids, updates]) => scatterAdd(g, ids, updates, 3),
  },
  {
    name: 'GatherElements',
    shapes: [
      [2, 3, 2],
      [2, 4, 1],
    ],
    domain: 'real',
    fixed: { 1: [2, 0, 2, -3, 1, 1, 0, 2] },
    build: (g, [x, ids]) => gatherElements(g, x, ids, 1),
  },
  {
    name: 'oneHot with ids outside',
    shapes: [
      [2, 2],
      [2, 2, 3],
    ],
    domain: 'real',
    fixed: { 0: [0, -1, 3, 2] },
    build: (g, [ids, x]) => multiply(g, oneHot(g, ids, 3), x),
  },
  { name: 'Slice at the end', shapes: [[3, 4]], domain: 'real', build: (g, [x]) => slice(g, x, 0, 1, 3) },
  {
    name: 'Pad',
    shapes: [[2, 3]],
    domain: 'real',
    build: (g, [x]) => pad(g, x, [1, 0], [0, 2], 0.5),
  },
  {
    name: 'StridedSlice',
    shapes: [[2, 7]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 1, 1, 6, 2),
  },
  {
    name: 'StridedSlice that ends inside a step',
    shapes: [[6, 2]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 0, 0, 6, 4),
  },
  {
    name: 'StridedSlice backwards to the first',
    shapes: [[2, 7]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 1, 6, -1, -3),
  },
  {
    name: 'StridedSlice backwards within',
    shapes: [[2, 7, 2]],
    domain: 'real',
    build: (g, [x]) => stridedSlice(g, x, 1, 5, 2, -2),
  },
  {
    name: 'split',
    shapes: [[2, 5]],
    domain: 'real',
    build: (g, [x]) => {
      const [a, b, c] = split(g, x, 1, [2, 1, 2]);
      return multiply(g, multiply(g, a, b), c);
    },
  },
  { name: 'tile', shapes: [[2, 3, 1]], domain: 'real', build: (g, [x]) => tile(g, x, [2, 1, 3]) },
  { name: 'trilu, lower', shapes: [[2, 3, 3]], domain: 'real', build: (g, [x]) => trilu(g, x, 'lower', 0) },
  { name: 'trilu, upper', shapes: [[3, 4]], domain: 'real', build: (g, [x]) => trilu(g, x, 'upper', 1) },
];
