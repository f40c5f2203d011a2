/** Per-sample gradients of convolution filters as factors, against each sample's own loss differentiated apart. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  capture,
  conv,
  convTranspose,
  differentiate,
  GraphBuilder,
  interpret,
  materialise,
  maxPool,
  multiply,
  reduceSum,
  relu,
  reshape,
  type Shape,
  sizeOf,
  slice,
  type Value,
} from '../../src/graph/index.js';

const N = 3;

interface Case {
  readonly name: string;
  readonly filters: Shape;
  /** Of one sample. */
  readonly x: Shape;
  output(g: GraphBuilder, x: Value, w: Value): Value;
}

const cases: readonly Case[] = [
  {
    name: 'conv 1-D',
    filters: [4, 2, 3],
    x: [2, 7],
    output: (g, x, w) => conv(g, x, w, { strides: [2], pads: [1, 0] }),
  },
  {
    name: 'conv 2-D in groups, pooled',
    filters: [4, 2, 3, 2],
    x: [4, 6, 5],
    output: (g, x, w) =>
      maxPool(g, relu(g, conv(g, x, w, { groups: 2, pads: [1, 0, 1, 1] })), [2, 2], { strides: [2, 2] }),
  },
  {
    name: 'conv over two images a sample',
    filters: [3, 2, 2, 2],
    x: [2, 2, 4, 4],
    output: (g, x, w) => conv(g, reshape(g, x, [2 * N, 2, 4, 4]), w, { dilations: [2, 1] }),
  },
  {
    name: 'convTranspose in groups',
    filters: [4, 3, 2, 3],
    x: [4, 3, 2],
    output: (g, x, w) => convTranspose(g, x, w, { groups: 2, strides: [2, 1], pads: [0, 1, 1, 0] }),
  },
];

function setUp({ name, filters, x: each, output }: Case) {
  const random = Random.named(3, name);
  const g = new GraphBuilder();
  const [x, w] = [g.input('x', [N, ...each]), g.input('w', filters)];
  const y = output(g, x, w);
  const rows = reshape(g, multiply(g, y, y), [N, sizeOf(y.shape) / N]);
  const losses = reshape(g, reduceSum(g, rows, [1]), [N]);
  const feeds = Object.fromEntries(
    [x, w].map(({ shape }, i) => ['xw'[i], Float64Array.from({ length: sizeOf(shape) }, () => random.normal())]),
  );
  return { g, x, w, losses, feeds };
}

describe('factors of convolution filters, written out, are the gradient of each sample', () => {
  it.each(cases)('$name', (of) => {
    const { g, x, w, losses, feeds } = setUp(of);
    const blocks = capture(g, { losses, batch: [x], parameters: [w] });
    expect(blocks.map(({ term }) => term.kind)).toEqual(['outer']);
    const written = materialise(g, blocks[0].term);
    const apart = Array.from({ length: N }, (_, i) => differentiate(g, slice(g, losses, 0, i, i + 1), [w])[0]);
    const result = interpret(g.build({ written, ...Object.fromEntries(apart.map((v, i) => [`g${i}`, v])) }), feeds);
    const size = sizeOf(of.filters);
    expect(result.written.data.length).toBe(N * size);
    for (let i = 0; i < N; i++) {
      for (const [e, entry] of result[`g${i}`].data.entries()) {
        expect(result.written.data[i * size + e]).toBeCloseTo(entry, 9);
      }
    }
  });

  it('are refused where the samples are the filters of another convolution', () => {
    const g = new GraphBuilder();
    const [x, w] = [g.input('x', [N, 2, 4]), g.input('w', [2, 2, 2])];
    const other = g.input('z', [2, 2, 4]);
    const y = conv(g, conv(g, other, w), slice(g, x, 2, 0, 3));
    const losses = reshape(g, reduceSum(g, y, [0, 2]), [N]);
    expect(() => capture(g, { losses, batch: [x], parameters: [w] })).toThrow(/Conv/);
  });
});
