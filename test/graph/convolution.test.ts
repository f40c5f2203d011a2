import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { MeedError, Random } from '../../src/foundation/index.js';
import {
  add,
  averagePool,
  conv,
  convTranspose,
  crossEntropy,
  differentiate,
  type Graph,
  GraphBuilder,
  globalAveragePool,
  interpret,
  matmul,
  maxPool,
  multiply,
  reduceSum,
  relu,
  reshape,
  type Shape,
  sizeOf,
  type TfTensor,
  unfold,
  type Value,
} from '../../src/graph/index.js';
import { convolutionCases } from './convolutions.js';

type Feeds = Record<string, { readonly shape: Shape; readonly data: Float32Array }>;

function normals(random: Random, shape: Shape, scale = 1) {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => scale * random.normal()) };
}

function numbersOf(feeds: Feeds): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data]));
}

/** max |a − b| / max |b|. */
function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs(a[i] - b[i]));
    size = Math.max(size, Math.abs(b[i]));
  }
  return size === 0 ? error : error / size;
}

function sumOfSquares(g: GraphBuilder, y: Value): Value {
  return reduceSum(g, multiply(g, y, y), [...y.shape.keys()]);
}

/** The value of a case, its gradients, and a Hessian-vector product. */
function withDerivatives(shapes: readonly Shape[], build: (g: GraphBuilder, inputs: readonly Value[]) => Value): Graph {
  const g = new GraphBuilder();
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
  const y = build(g, inputs);
  const first = differentiate(g, sumOfSquares(g, y), inputs);
  const second = differentiate(g, sumOfSquares(g, first[0]), inputs);
  const named = (letter: string, values: readonly Value[]) => values.map((value, i) => [`${letter}${i}`, value]);
  return g.build({ y, ...Object.fromEntries([...named('g', first), ...named('h', second)]) });
}

function randomFeeds(name: string, shapes: readonly Shape[]): Feeds {
  const random = Random.named(5, name);
  return Object.fromEntries(shapes.map((shape, i) => [`x${i}`, normals(random, shape)]));
}

describe('every case, its gradients and Hessian-vector product agree with the float64 interpreter', () => {
  const engine = cpuEngine();
  beforeAll(() => tf.setBackend('cpu'));

  it.each(convolutionCases)('$name: ONNX Runtime, float32 and float64', async ({ name, shapes, build }) => {
    const graph = withDerivatives(shapes, build);
    const feeds = randomFeeds(name, shapes);
    const exact = interpret(graph, numbersOf(feeds));
    const single = await engine.compile(graph);
    const fast = await single.run(feeds);
    await single.dispose();
    const double = await engine.compile(graph, { precision: 'float64' });
    const precise = await double.run(
      Object.fromEntries(
        Object.entries(feeds).map(([key, { shape, data }]) => [key, { shape, data: Float64Array.from(data) }]),
      ),
    );
    await double.dispose();
    for (const [output, { shape, data }] of Object.entries(exact)) {
      expect(fast[output].shape).toEqual(shape);
      expect(relativeError(fast[output].data, data), output).toBeLessThan(3e-6);
      expect(relativeError(precise[output].data, data), output).toBeLessThan(1e-13);
    }
  });

  it.each(convolutionCases)('$name: TensorFlow.js', ({ name, shapes, build }) => {
    const graph = withDerivatives(shapes, build);
    const feeds = randomFeeds(name, shapes);
    const exact = interpret(graph, numbersOf(feeds));
    tf.tidy(() => {
      const values = new Map<number, TfTensor>();
      for (const [key, value] of graph.inputs) values.set(value.id, tf.tensor(feeds[key].data, [...value.shape]));
      for (const { value, data } of graph.constants) {
        values.set(value.id, tf.tensor(Float32Array.from(data), [...value.shape]));
      }
      for (const node of graph.nodes) {
        const inputs = node.inputs.map(({ id }) => values.get(id) as TfTensor);
        values.set(node.output.id, node.operator.tfjs(tf, inputs, node));
      }
      for (const [output, value] of graph.outputs) {
        const result = values.get(value.id) as TfTensor;
        expect(result.shape).toEqual([...value.shape]);
        expect(relativeError(result.dataSync(), exact[output].data), output).toBeLessThan(3e-6);
      }
    });
  });
});

describe('convolution', () => {
  it('is the sum that it is defined by', () => {
    const random = Random.named(1, 'definition');
    const [x, w] = [normals(random, [2, 4, 5, 6]), normals(random, [6, 2, 3, 2])];
    const [stride, dilation, begin, groups] = [[2, 1], [1, 2], [1, 2], 2] as const;
    const g = new GraphBuilder();
    const y = conv(g, g.input('x', x.shape), g.input('w', w.shape), {
      strides: stride,
      dilations: dilation,
      pads: [...begin, 0, 1],
      groups,
    });
    const { data, shape } = interpret(g.build({ y }), { x: x.data, w: w.data }).y;
    expect(shape).toEqual([2, 6, 2, 7]);
    const at = (n: number, c: number, i: number, j: number): number =>
      i < 0 || j < 0 || i >= 5 || j >= 6 ? 0 : x.data[((n * 4 + c) * 5 + i) * 6 + j];
    let place = 0;
    for (let n = 0; n < 2; n++)
      for (let o = 0; o < 6; o++)
        for (let p = 0; p < 2; p++)
          for (let q = 0; q < 7; q++) {
            let sum = 0;
            for (let c = 0; c < 2; c++)
              for (let k = 0; k < 3; k++)
                for (let l = 0; l < 2; l++) {
                  const channel = Math.floor(o / 3) * 2 + c;
                  const row = p * stride[0] + k * dilation[0] - begin[0];
                  const column = q * stride[1] + l * dilation[1] - begin[1];
                  sum += at(n, channel, row, column) * w.data[((o * 2 + c) * 3 + k) * 2 + l];
                }
            expect(data[place++]).toBeCloseTo(sum, 12);
          }
  });

  it('has the transposed convolution as its adjoint: ⟨conv x, y⟩ = ⟨x, convTranspose y⟩', () => {
    const random = Random.named(2, 'adjoint');
    for (let trial = 0; trial < 20; trial++) {
      const draw = (least: number, count: number): number => least + Math.floor(random.uniform() * count);
      const options = {
        strides: [draw(1, 3), draw(1, 3)],
        dilations: [draw(1, 2), draw(1, 2)],
        pads: [draw(0, 2), draw(0, 2), draw(0, 2), draw(0, 2)],
        groups: draw(1, 2),
      };
      const { groups, strides, dilations, pads } = options;
      const kernel = [draw(1, 3), draw(1, 3)];
      const extents = [draw(5, 4), draw(5, 4)];
      const x = normals(random, [2, 2 * groups, ...extents]);
      const w = normals(random, [3 * groups, 2, ...kernel]);
      const g = new GraphBuilder();
      const [xv, wv] = [g.input('x', x.shape), g.input('w', w.shape)];
      const forward = conv(g, xv, wv, options);
      const y = normals(random, forward.shape);
      const outputPadding = extents.map(
        (extent, i) => (extent + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) % strides[i],
      );
      const backward = convTranspose(g, g.input('y', y.shape), wv, { ...options, outputPadding });
      const result = interpret(g.build({ forward, backward }), { x: x.data, w: w.data, y: y.data });
      expect(result.backward.shape).toEqual(x.shape);
      const inner = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
        Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);
      expect(inner(result.forward.data, y.data)).toBeCloseTo(inner(x.data, result.backward.data), 9);
    }
  });

  it('is a matrix product of the filters with the unfolded input', () => {
    const random = Random.named(3, 'unfold');
    const [x, w] = [normals(random, [2, 3, 6, 5]), normals(random, [4, 3, 3, 2])];
    const options = { strides: [2, 1], pads: [1, 0, 1, 1] };
    const g = new GraphBuilder();
    const [xv, wv] = [g.input('x', x.shape), g.input('w', w.shape)];
    const y = conv(g, xv, wv, options);
    const product = reshape(g, matmul(g, reshape(g, wv, [4, 18]), unfold(g, xv, [3, 2], options)), y.shape);
    const result = interpret(g.build({ y, product }), { x: x.data, w: w.data });
    expect(relativeError(result.product.data, result.y.data)).toBeLessThan(1e-14);
  });
});

describe('pooling', () => {
  const run = (values: readonly number[], build: (g: GraphBuilder, x: Value) => Value) => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 1, values.length]);
    const y = build(g, x);
    const [dx] = differentiate(g, reduceSum(g, y, [0, 1, 2]), [x]);
    const result = interpret(g.build({ y, dx }), { x: [...values] });
    return { y: [...result.y.data], dx: [...result.dx.data] };
  };

  it('gives the gradient to the first of equal maxima', async () => {
    expect(run([2, 2, 2, 2], (g, x) => maxPool(g, x, [2], { strides: [2] })).dx).toEqual([1, 0, 1, 0]);
    expect(run([1, 3, 3, 1], (g, x) => maxPool(g, x, [3])).dx).toEqual([0, 2, 0, 0]);
    const g = new GraphBuilder();
    const x = g.input('x', [1, 1, 3, 3]);
    const [dx] = differentiate(g, reduceSum(g, maxPool(g, x, [2, 2], { pads: [1, 1, 1, 1] }), [0, 1, 2, 3]), [x]);
    const graph = g.build({ dx });
    const data = new Float32Array(9);
    const program = await cpuEngine().compile(graph);
    const { dx: fast } = await program.run({ x: { shape: [1, 1, 3, 3], data } });
    await program.dispose();
    // windows from the corner (−1, −1) on: the first entry that each sees
    expect([...fast.data]).toEqual([4, 2, 2, 2, 1, 1, 2, 1, 1]);
    expect([...interpret(graph, { x: data }).dx.data]).toEqual([...fast.data]);
  });

  it('never takes the padding for a maximum', () => {
    expect(run([-5, -7], (g, x) => maxPool(g, x, [2], { pads: [1, 1] })).y).toEqual([-5, -5, -7]);
  });

  it('counts the padding into a mean only when told', () => {
    const options = { pads: [1, 1] };
    expect(run([6, 6], (g, x) => averagePool(g, x, [2], options)).y).toEqual([6, 6, 6]);
    const included = { ...options, countIncludePad: 'included' } as const;
    expect(run([6, 6], (g, x) => averagePool(g, x, [2], included)).y).toEqual([3, 6, 3]);
  });
});

describe('shapes and options that do not fit are refused with a sentence', () => {
  const TAPS_APART = { dilations: [2], pads: [1, 1] };
  const cases: readonly (readonly [string, (g: GraphBuilder, x: Value) => Value, RegExp])[] = [
    ['channels', (g, x) => conv(g, x, g.input('w', [2, 3, 3, 3])), /\[2,3,3,3\] in 1 groups do not fit \[1,4,5,5\]/],
    ['groups', (g, x) => conv(g, x, g.input('w', [3, 2, 3, 3]), { groups: 2 }), /in 2 groups do not fit/],
    ['no groups', (g, x) => conv(g, x, g.input('w', [3, 4, 3, 3]), { groups: 0 }), /was given 0 groups/],
    ['half a group', (g, x) => conv(g, x, g.input('w', [3, 4, 3, 3]), { groups: 0.5 }), /was given 0.5 groups/],
    ['rank', (g, x) => conv(g, x, g.input('w', [2, 4, 3])), /do not fit/],
    ['kernel too wide', (g, x) => conv(g, x, g.input('w', [2, 4, 6, 1])), /kernel \[6,1\].* wider than \[5,5\]/],
    ['strides', (g, x) => conv(g, x, g.input('w', [2, 4, 1, 1]), { strides: [2] }), /the strides \[2\]\. Give 2/],
    ['stride 0', (g, x) => conv(g, x, g.input('w', [2, 4, 1, 1]), { strides: [1, 0] }), /the strides \[1,0\]/],
    ['pads', (g, x) => conv(g, x, g.input('w', [2, 4, 1, 1]), { pads: [0, 0, 0, -1] }), /the pads \[0,0,0,-1\]/],
    [
      'output padding',
      (g, x) => convTranspose(g, x, g.input('w', [4, 1, 2, 2]), { strides: [2, 2], outputPadding: [0, 2] }),
      /does not have the positions \[5,5\]/,
    ],
    ['only padding', (g, x) => maxPool(g, x, [2, 2], { pads: [2, 0, 0, 0] }), /no wider than the padding/],
    ['padding between the taps', (g) => maxPool(g, g.constant([1], [1, 1, 1]), [2], TAPS_APART), /see nothing else/],
    ['pool rank', (g, x) => maxPool(g, x, [2]), /does not slide over the spatial axes \[5,5\]/],
  ];
  it.each(cases)('%s', (_, build, said) => {
    const attempt = (): Value => {
      const g = new GraphBuilder();
      return build(g, g.input('x', [1, 4, 5, 5]));
    };
    expect(attempt).toThrow(MeedError);
    expect(attempt).toThrow(said);
  });
});

describe('whole networks, losses and all gradients', () => {
  /** Parameters are asked for by shape and named in order; drawn as He et al. 2015 do. */
  function network(build: (g: GraphBuilder, parameter: (shape: Shape) => Value) => { loss: Value }) {
    const random = Random.named(9, 'network');
    const g = new GraphBuilder();
    const feeds: Feeds = {};
    const parameters: Value[] = [];
    const parameter = (shape: Shape): Value => {
      const name = `p${parameters.length}`;
      feeds[name] = normals(random, shape, Math.sqrt(2 / Math.max(1, sizeOf(shape.slice(1)))));
      parameters.push(g.input(name, shape));
      return parameters[parameters.length - 1];
    };
    const { loss } = build(g, parameter);
    const total = reduceSum(g, loss, [0]);
    const gradients = differentiate(g, total, parameters);
    const graph = g.build({ loss, ...Object.fromEntries(gradients.map((value, i) => [`g${i}`, value])) });
    for (const [name, { shape }] of graph.inputs) feeds[name] ??= normals(random, shape);
    return { graph, feeds };
  }

  async function expectAgreement({ graph, feeds }: { graph: Graph; feeds: Feeds }): Promise<void> {
    const program = await cpuEngine().compile(graph);
    const fast = await program.run(feeds);
    await program.dispose();
    const exact = interpret(graph, numbersOf(feeds));
    for (const [name, { data }] of Object.entries(exact)) {
      expect(relativeError(fast[name].data, data), name).toBeLessThan(2e-5);
      expect(data.some((value) => value !== 0)).toBe(true);
    }
  }

  const convBias = (g: GraphBuilder, parameter: (shape: Shape) => Value, x: Value, filters: number, kernel: number) => {
    const padding = kernel === 3 ? 1 : 0;
    const y = conv(g, x, parameter([filters, x.shape[1], kernel, kernel]), { pads: new Array(4).fill(padding) });
    return add(g, y, parameter([filters, 1, 1]));
  };
  const head = (g: GraphBuilder, parameter: (shape: Shape) => Value, x: Value): { loss: Value } => {
    const features = reshape(g, x, [x.shape[0], sizeOf(x.shape.slice(1))]);
    const logits = add(g, matmul(g, features, parameter([features.shape[1], 10])), parameter([10]));
    return { loss: crossEntropy(g, logits, g.constant([3, 7], [2])) };
  };

  it('LeNet-like: 5×5 convolutions, pooling, a linear head', async () => {
    await expectAgreement(
      network((g, parameter) => {
        let x = g.input('x', [2, 1, 20, 20]);
        for (const filters of [4, 6]) {
          x = maxPool(g, relu(g, convBias(g, parameter, x, filters, 5)), [2, 2], { strides: [2, 2] });
        }
        return head(g, parameter, x);
      }),
    );
  });

  it('ResNet-9-like: convolutions with residual blocks, pooling, a global maximum', async () => {
    await expectAgreement(
      network((g, parameter) => {
        const block = (x: Value, filters: number): Value => relu(g, convBias(g, parameter, x, filters, 3));
        const pooled = (x: Value): Value => maxPool(g, x, [2, 2], { strides: [2, 2] });
        const residual = (x: Value): Value => add(g, x, block(block(x, x.shape[1]), x.shape[1]));
        let x = block(g.input('x', [2, 3, 16, 16]), 4);
        x = residual(pooled(block(x, 8)));
        x = pooled(block(x, 8));
        x = residual(pooled(block(x, 12)));
        return head(g, parameter, add(g, maxPool(g, x, [2, 2]), globalAveragePool(g, x)));
      }),
    );
  });
});
