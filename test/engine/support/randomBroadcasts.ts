/**
 * Cases of the broadcasting operators with random shapes: an output shape, and for each operand the axes that it is
 * stretched along and how many leading ones it leaves out. Sampled once from a seed, so that a process of its own can run
 * them and a failure names its shapes.
 */
import fc from 'fast-check';
import { add, divide, matmul, multiply, type Shape, subtract } from '../../../src/graph/index.js';
import type { OperatorCase } from '../../graph/operators.js';

const SEED = 4;
const CASES_EACH = 8;

const shapes = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
  .chain((shape) => fc.tuple(operandOf(shape), operandOf(shape)));

function operandOf(shape: Shape): fc.Arbitrary<number[]> {
  const flags = fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length });
  return fc
    .tuple(flags, fc.integer({ min: 0, max: shape.length }))
    .map(([stretched, dropped]) => shape.map((extent, i) => (stretched[i] ? 1 : extent)).slice(dropped));
}

const products = fc
  .tuple(shapes, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .map(([[a, b], m, k, n]): [number[], number[]] => [
    [...a.slice(0, 2), m, k],
    [...b.slice(0, 2), k, n],
  ])
  .filter(([a, b]) => broadcast(a.slice(0, -2), b.slice(0, -2)));

function broadcast(a: Shape, b: Shape): boolean {
  const places = Math.min(a.length, b.length);
  return Array.from({ length: places }, (_, i) => [a[a.length - 1 - i], b[b.length - 1 - i]]).every(
    ([x, y]) => x === y || x === 1 || y === 1,
  );
}

export function randomBroadcasts(): OperatorCase[] {
  const operators = [
    ['Add', add, shapes, 'real'],
    ['Sub', subtract, shapes, 'real'],
    ['Mul', multiply, shapes, 'real'],
    ['Div', divide, shapes, 'positive'],
    ['MatMul', matmul, products, 'real'],
  ] as const;
  return operators.flatMap(([name, operator, arbitrary, domain]) =>
    fc.sample(arbitrary, { seed: SEED, numRuns: CASES_EACH }).map(([a, b], i) => ({
      name: `${name} ${i}: [${a}] and [${b}]`,
      shapes: [a, b],
      domain,
      build: (g, [x, y]): ReturnType<typeof operator> => operator(g, x, y),
    })),
  );
}
