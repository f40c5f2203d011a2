/** Captured factors against the gradient of each sample's own loss, differentiated apart in float64. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  add,
  capture,
  concat,
  conv,
  crossEntropy,
  differentiate,
  divide,
  exp,
  expand,
  type FactorBlock,
  floor,
  GraphBuilder,
  gather,
  gatherElements,
  interpret,
  materialise,
  matmul,
  multiply,
  negate,
  reduceMean,
  reduceSum,
  reduceSumSquare,
  relu,
  reshape,
  type Shape,
  sizeOf,
  slice,
  softmax,
  sqrt,
  stridedSlice,
  subtract,
  tanh,
  transpose,
  trilu,
  type Value,
} from '../../src/graph/index.js';
import { blockNorms, blockProducts, blockProjection, sumBlocks } from '../../src/influence/index.js';

const N = 3;

interface Case {
  readonly name: string;
  readonly parameters: readonly Shape[];
  /** Per sample. */
  readonly x: Shape;
  /** Whole numbers below this instead of reals. */
  readonly below?: number;
  readonly kinds: readonly string[];
  output(g: GraphBuilder, parameters: readonly Value[], x: Value): Value;
}

const cases: readonly Case[] = [
  {
    name: 'linear layers with biases',
    parameters: [[4, 5], [5], [5, 2], [2]],
    x: [4],
    kinds: ['outer', 'direct', 'outer', 'direct'],
    output: (g, [w, b, v, c], x) => add(g, matmul(g, relu(g, add(g, matmul(g, x, w), b)), v), c),
  },
  {
    name: 'a linear layer over positions, flattened and not',
    parameters: [
      [4, 5],
      [5, 3],
    ],
    x: [6, 4],
    kinds: ['outer', 'outer'],
    output: (g, [w, v], x) => matmul(g, reshape(g, matmul(g, reshape(g, x, [N * 6, 4]), w), [N, 6, 5]), v),
  },
  {
    name: 'a weight on the left',
    parameters: [[5, 4]],
    x: [4, 6],
    kinds: ['outer'],
    output: (g, [w], x) => matmul(g, w, x),
  },
  {
    name: 'samples on the last axis',
    parameters: [[5, 4]],
    x: [4],
    kinds: ['outer'],
    output: (g, [w], x) => transpose(g, matmul(g, w, transpose(g, x))),
  },
  {
    name: 'weights with an axis of one in front, on either side',
    parameters: [
      [1, 4, 5],
      [1, 1, 3, 6],
    ],
    x: [2, 6, 4],
    kinds: ['outer', 'outer'],
    output: (g, [w, v], x) => matmul(g, v, tanh(g, matmul(g, x, w))),
  },
  {
    name: 'a weight for each head',
    parameters: [[2, 4, 3]],
    x: [2, 6, 4],
    kinds: ['outer'],
    output: (g, [w], x) => matmul(g, x, w),
  },
  {
    name: 'an embedding, positions and scales',
    parameters: [[7, 4], [5, 4], [4], [4, 1]],
    x: [5],
    below: 7,
    kinds: ['rows', 'direct', 'direct', 'outer'],
    output: (g, [e, p, s, w], x) => matmul(g, exp(g, multiply(g, add(g, gather(g, e, x, 0), p), s)), w),
  },
  {
    name: 'a head tied to the embedding',
    parameters: [[7, 4]],
    x: [5],
    below: 7,
    kinds: ['outer'],
    output: (g, [e], x) => matmul(g, exp(g, gather(g, e, x, 0)), transpose(g, e)),
  },
  {
    name: 'one embedding used twice',
    parameters: [[7, 4]],
    x: [5],
    below: 7,
    kinds: ['rows'],
    output: (g, [e], x) => {
      const other = gather(g, e, subtract(g, g.constant([6], [1]), x), 0);
      return multiply(g, gather(g, e, x, 0), other);
    },
  },
  {
    name: 'a joint projection that is split',
    parameters: [[4, 6]],
    x: [5, 4],
    kinds: ['outer', 'outer'],
    output: (g, [w], x) => multiply(g, matmul(g, x, slice(g, w, 1, 0, 3)), exp(g, matmul(g, x, slice(g, w, 1, 3, 6)))),
  },
  {
    name: 'a layer used twice',
    parameters: [[4, 4]],
    x: [4],
    kinds: ['outer'],
    output: (g, [w], x) => matmul(g, relu(g, matmul(g, x, w)), w),
  },
  {
    name: 'a bias that is repeated before it is used',
    parameters: [
      [4, 6],
      [1, 2],
    ],
    x: [4],
    kinds: ['outer', 'direct'],
    output: (g, [w, b], x) =>
      exp(g, add(g, matmul(g, x, w), reshape(g, expand(g, reshape(g, b, [1, 1, 2]), [1, 3, 2]), [6]))),
  },
  {
    name: 'a weight used in two shapes that overlap',
    parameters: [[4, 4]],
    x: [4],
    kinds: ['direct'],
    output: (g, [w], x) => {
      const narrow = matmul(g, reshape(g, matmul(g, x, w), [N, 2, 2]), reshape(g, w, [2, 8]));
      return reshape(g, narrow, [N, 16]);
    },
  },
  {
    name: 'a triangle of a weight',
    parameters: [[5, 5]],
    x: [5],
    kinds: ['direct'],
    output: (g, [w], x) => matmul(g, x, trilu(g, w, 'lower')),
  },
  {
    name: 'weight normalisation: a direction and a length for each column',
    parameters: [[4, 5], [5], [5, 2]],
    x: [6, 4],
    kinds: ['direct', 'direct', 'outer'],
    output: (g, [v, length, w], x) => {
      const normed = multiply(g, v, divide(g, length, sqrt(g, reduceSumSquare(g, v, [0]))));
      return matmul(g, relu(g, matmul(g, x, normed)), w);
    },
  },
  {
    name: 'a low-rank adapter beside its weight',
    parameters: [
      [4, 5],
      [4, 2],
      [2, 5],
    ],
    x: [3, 4],
    kinds: ['outer', 'outer', 'outer'],
    output: (g, [w, a, b], x) => exp(g, matmul(g, x, add(g, w, multiply(g, matmul(g, a, b), g.constant([0.3], []))))),
  },
  {
    name: 'weights that are joined, and then transposed and used twice',
    parameters: [
      [4, 2],
      [4, 3],
    ],
    x: [4],
    kinds: ['outer', 'outer'],
    output: (g, [a, b], x) => {
      const w = concat(g, [a, b], 1);
      return matmul(g, exp(g, matmul(g, x, w)), transpose(g, w));
    },
  },
  {
    name: 'square weights, one scaled by rows, one by columns, transposed, joined and taken from each other',
    parameters: [
      [4, 4],
      [4, 4],
      [4, 2],
    ],
    x: [2, 4],
    kinds: ['outer', 'outer', 'outer'],
    output: (g, [a, b, c], x) => {
      const byRow = multiply(g, g.constant([1, -2, 3, 0.5], [4, 1]), a);
      const byColumn = divide(g, b, g.constant([2, 1, -0.5, 4], [4]));
      const w = concat(g, [transpose(g, subtract(g, byRow, byColumn)), negate(g, transpose(g, c))], 0);
      return matmul(g, x, transpose(g, w));
    },
  },
  {
    name: 'weights scaled by entries or stretched, which keep no factors',
    parameters: [
      [4, 4],
      [1, 4],
    ],
    x: [4],
    kinds: ['direct', 'direct'],
    output: (g, [w, row], x) => {
      const mask = g.constant(
        Float64Array.from({ length: 16 }, (_, i) => i % 3),
        [4, 4],
      );
      return matmul(g, x, add(g, multiply(g, w, mask), row));
    },
  },
  {
    name: 'a weight used as it is and as a function of itself',
    parameters: [[4, 4]],
    x: [4],
    kinds: ['direct'],
    output: (g, [w], x) => matmul(g, relu(g, matmul(g, x, w)), softmax(g, transpose(g, w), 0)),
  },
  {
    name: 'functions for which there is no vectorising rule: rows by number, taken backwards',
    parameters: [[5, 3], [6]],
    x: [4],
    kinds: ['direct', 'direct'],
    output: (g, [w, c], x) => {
      const rows = exp(g, gather(g, w, g.constant([4, 0, 0, -2], [4]), 0));
      const chosen = gatherElements(
        g,
        stridedSlice(g, w, 0, 4, 0, -1),
        g.constant([2, 0, 1, 1, 2, 0, 0, 2], [4, 2]),
        1,
      );
      const joined = multiply(g, concat(g, [rows, chosen], 1), reshape(g, stridedSlice(g, c, 0, 4, -1, -1), [1, 5]));
      return matmul(g, x, joined);
    },
  },
  {
    name: 'a masked and scaled kernel of a convolution, and its normed bias',
    parameters: [
      [2, 3, 3, 3],
      [2, 1, 1],
    ],
    x: [3, 5, 4],
    kinds: ['direct', 'direct'],
    output: (g, [w, b], x) => {
      const kept = g.constant(
        Float64Array.from({ length: 9 }, (_, i) => (i < 5 ? 2 : 0)),
        [3, 3],
      );
      return add(g, conv(g, x, multiply(g, w, kept)), divide(g, b, reduceSum(g, exp(g, b), [0])));
    },
  },
  {
    name: 'an embedding with a bounded table',
    parameters: [[7, 4]],
    x: [5],
    below: 7,
    kinds: ['direct'],
    output: (g, [e], x) => exp(g, gather(g, tanh(g, e), x, 0)),
  },
];

function losses(g: GraphBuilder, y: Value): Value {
  const squares = reduceSum(g, multiply(g, y, y), y.shape.map((_, axis) => axis).slice(1));
  return reshape(g, squares, [N]);
}

function setUp({ name, parameters: shapes, x: xShape, below, output }: Case) {
  const random = Random.named(5, name);
  const g = new GraphBuilder();
  const parameters = shapes.map((shape, p) => g.input(`p${p}`, shape));
  const x = g.input('x', [N, ...xShape]);
  const each = losses(g, output(g, parameters, x));
  const numbers = (shape: Shape) => Float64Array.from({ length: sizeOf(shape) }, () => 0.7 * random.normal());
  const feeds: Record<string, Float64Array> = Object.fromEntries(shapes.map((shape, p) => [`p${p}`, numbers(shape)]));
  feeds.x = below ? numbers([N, ...xShape]).map(() => random.below(below)) : numbers([N, ...xShape]);
  const blocks = capture(g, { losses: each, batch: [x], parameters });
  return { g, parameters, each, blocks, feeds };
}

/** [sample][parameter]: the gradient of one entry of the losses. */
function apart(of: Case): Float64Array[][] {
  const { g, parameters, each, feeds } = setUp(of);
  const outputs: Record<string, Value> = {};
  for (let i = 0; i < N; i++) {
    const gradients = differentiate(g, slice(g, each, 0, i, i + 1), parameters);
    for (const [p, gradient] of gradients.entries()) outputs[`g${i}.${p}`] = gradient;
  }
  const result = interpret(g.build(outputs), feeds);
  return Array.from({ length: N }, (_, i) => parameters.map((_, p) => result[`g${i}.${p}`].data));
}

const dot = (a: Float64Array[], b: Float64Array[]) =>
  a.reduce((sum, part, p) => sum + part.reduce((total, entry, i) => total + entry * b[p][i], 0), 0);

describe('captured factors', () => {
  for (const of of cases) {
    it(`give the products and norms of ${of.name}`, () => {
      const { g, blocks, feeds } = setUp(of);
      expect(blocks.map(({ term }) => term.kind)).toEqual(of.kinds);
      const products = sumBlocks(
        g,
        blocks.map(({ term }) => blockProducts(g, term, term)),
      );
      const norms = sumBlocks(
        g,
        blocks.map(({ term }) => blockNorms(g, term)),
      );
      const result = interpret(g.build({ products, norms }), feeds);
      const exact = apart(of);
      for (let i = 0; i < N; i++) {
        expect(result.norms.data[i] / dot(exact[i], exact[i])).toBeCloseTo(1, 9);
        for (let j = 0; j < N; j++) {
          const scale = Math.sqrt(dot(exact[i], exact[i]) * dot(exact[j], exact[j]));
          expect(result.products.data[i * N + j] / scale).toBeCloseTo(dot(exact[i], exact[j]) / scale, 9);
        }
      }
    });
  }

  it('written out are the gradients themselves, where a parameter has one use', () => {
    const of = cases[0];
    const { g, blocks, feeds } = setUp(of);
    const outputs = Object.fromEntries(blocks.map(({ term }: FactorBlock, b) => [`b${b}`, materialise(g, term)]));
    const result = interpret(g.build(outputs), feeds);
    const exact = apart(of);
    for (const [b, { parameter }] of blocks.entries()) {
      for (let i = 0; i < N; i++) {
        const size = sizeOf(of.parameters[parameter]);
        for (const [e, entry] of exact[i][parameter].entries()) {
          expect(result[`b${b}`].data[i * size + e]).toBeCloseTo(entry, 10);
        }
      }
    }
  });

  it('project as the gradients do', () => {
    const of = cases[1];
    const { g, blocks, feeds } = setUp(of);
    const random = new Random(4);
    for (const { term, parameter } of blocks) {
      if (term.kind !== 'outer') throw new Error('a linear layer has outer factors');
      const [r, c] = of.parameters[parameter];
      const matrix = (rows: number) => Float64Array.from({ length: rows * 2 }, () => random.normal());
      const [p, q] = [matrix(r), matrix(c)];
      const projected = blockProjection(g, term, g.constant(p, [r, 2]), g.constant(q, [c, 2]));
      const result = interpret(g.build({ projected, whole: materialise(g, term) }), feeds);
      for (let i = 0; i < N; i++) {
        for (const k of [0, 1, 2, 3]) {
          let sum = 0;
          for (let e = 0; e < r * c; e++) {
            const [row, column] = [Math.floor(e / c), e % c];
            sum += p[row * 2 + (k >> 1)] * result.whole.data[i * r * c + e] * q[column * 2 + (k & 1)];
          }
          expect(result.projected.data[i * 4 + k]).toBeCloseTo(sum, 8);
        }
      }
    }
  });

  it('have no block for a parameter that the losses do not depend on', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [N, 2]);
    const [w, unused] = [g.input('w', [2, 2]), g.input('unused', [2, 2])];
    const blocks = capture(g, { losses: losses(g, matmul(g, x, w)), batch: [x], parameters: [unused, w] });
    expect(blocks.map(({ parameter }) => parameter)).toEqual([1]);
  });
});

describe('capture refuses, by name,', () => {
  const refusal = (build: (g: GraphBuilder, x: Value, w: Value) => Value): (() => unknown) => {
    const g = new GraphBuilder();
    const x = g.input('x', [N, 4]);
    const w = g.input('w', [4, 5]);
    return () => capture(g, { losses: build(g, x, w), batch: [x], parameters: [w] });
  };

  it('batch normalisation in training mode', () => {
    expect(
      refusal((g, x, w) => {
        const y = matmul(g, x, w);
        g.label = 'bn1/mean';
        const mean = multiply(g, reduceSum(g, y, [0]), g.constant([1 / N], [1, 1]));
        g.label = undefined;
        return losses(g, subtract(g, y, mean));
      }),
    ).toThrow(/ReduceSum "bn1\/mean" mixes the samples/);
  });

  it('a product over the batch', () => {
    expect(refusal((g, x, w) => losses(g, matmul(g, matmul(g, x, transpose(g, x)), matmul(g, x, w))))).toThrow(
      /MatMul mixes the samples/,
    );
  });

  it('a slice of the batch', () => {
    expect(refusal((g, x, w) => losses(g, expand(g, matmul(g, slice(g, x, 0, 0, 1), w), [N, 5])))).toThrow(
      /Slice mixes the samples/,
    );
  });

  it('samples mixed before or after a function of parameters', () => {
    const centred = (g: GraphBuilder, x: Value): Value => subtract(g, x, reduceMean(g, x, [0]));
    expect(refusal((g, x, w) => losses(g, matmul(g, centred(g, x), exp(g, w))))).toThrow(
      /ReduceMean mixes the samples/,
    );
    expect(refusal((g, x, w) => losses(g, softmax(g, matmul(g, x, exp(g, w)), 0)))).toThrow(
      /Softmax mixes the samples/,
    );
  });

  it('a place that has no factors, whatever function of a parameter stands there', () => {
    const places = (g: GraphBuilder, w: Value): Value => floor(g, reduceSum(g, w, [0, 1]));
    expect(refusal((g, x, w) => losses(g, gather(g, x, reshape(g, places(g, w), [1]), 1)))).toThrow(
      /Gather takes a parameter of shape \[1\] as input 1/,
    );
  });

  it('losses that are not one for each sample', () => {
    expect(refusal((g, x, w) => matmul(g, x, w))).toThrow(/not one number for each of 3 samples/);
    expect(refusal((g, x, w) => reduceSum(g, matmul(g, x, w), [0, 1]))).toThrow(/mixes the samples/);
  });

  it('a batch of one', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 4]);
    const w = g.input('w', [4, 5]);
    const one = reduceSum(g, matmul(g, x, w), [1]);
    expect(() => capture(g, { losses: one, batch: [x], parameters: [w] })).toThrow(/at least 2/);
  });

  it('is no obstacle to a loss of class ids', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [N, 4]);
    const ids = g.input('ids', [N]);
    const w = g.input('w', [4, 5]);
    const blocks = capture(g, { losses: crossEntropy(g, matmul(g, x, w), ids), batch: [x, ids], parameters: [w] });
    expect(blocks.map(({ term }) => term.kind)).toEqual(['outer']);
  });
});
