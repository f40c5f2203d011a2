/** Where an operator says that samples stand, against what changes when one sample's entries do. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  add,
  batchNormInference,
  capture,
  crossEntropy,
  differentiate,
  GraphBuilder,
  gather,
  gelu,
  groupNorm,
  interpret,
  layerNorm,
  materialise,
  matmul,
  multiply,
  reshape,
  rmsNorm,
  rotary,
  type SampleLayout,
  type Shape,
  scaledDotProduct,
  silu,
  sizeOf,
  slice,
  squaredError,
  transpose,
  type Value,
  where,
} from '../../src/graph/index.js';
import { feedsOf, type OperatorCase, operatorCases } from './operators.js';

/** The coordinate along `axis` of each position of a shape. */
function coordinates(shape: Shape, axis: number): Int32Array {
  const inner = sizeOf(shape.slice(axis + 1));
  return Int32Array.from({ length: sizeOf(shape) }, (_, position) => Math.floor(position / inner) % shape[axis]);
}

/** The layout of the result when some inputs have samples, one each, along an axis. */
function follow(of: OperatorCase, sampled: ReadonlyMap<number, number>, samples: number) {
  const g = new GraphBuilder();
  const inputs = of.shapes.map((shape, i) => g.input(`x${i}`, shape));
  const y = of.build(g, inputs);
  const graph = g.build({ y });
  const layouts = new Map<number, SampleLayout>(
    [...sampled].map(([input, axis]) => [inputs[input].id, { axis, per: 1 }]),
  );
  for (const node of graph.nodes) {
    const given = node.inputs.map(({ id }) => layouts.get(id) ?? 'shared');
    layouts.set(node.output.id, node.operator.samples(node, given, samples));
  }
  return { graph, layout: layouts.get(y.id) ?? 'shared' };
}

/** Which inputs may have samples at once: each alone, and all that have the same extent along the first axis. */
function arrangements({ shapes }: OperatorCase): Map<number, number>[] {
  const alone = shapes.flatMap((shape, i) =>
    shape.flatMap((extent, axis) => (extent > 1 ? [new Map([[i, axis]])] : [])),
  );
  const first = shapes[0][0];
  const together = new Map(shapes.flatMap((shape, i) => (shape[0] === first ? [[i, 0] as const] : [])));
  return first > 1 && together.size > 1 ? [...alone, together] : alone;
}

describe('a changed sample changes its own part of the result alone', () => {
  for (const of of operatorCases) {
    it(of.name, () => {
      for (const sampled of arrangements(of)) {
        const [[input, axis]] = sampled;
        const samples = of.shapes[input][axis];
        const { graph, layout } = follow(of, sampled, samples);
        if (layout === 'mixed') continue;
        const random = Random.named(13, of.name);
        const feeds = feedsOf(of, random);
        const before = interpret(graph, feeds).y;
        const changed = { ...feeds };
        for (const [i, along] of sampled) {
          const at = coordinates(of.shapes[i], along);
          const fixed = of.fixed?.[i];
          changed[`x${i}`] = feeds[`x${i}`].map((value, position) => {
            if (at[position] !== 1) return value;
            return fixed ? fixed[(position + 1) % fixed.length] : value + 0.1 * random.uniform();
          });
        }
        const after = interpret(graph, changed).y;
        const said = [...sampled].map(([i, along]) => `input ${i} axis ${along}`).join(', ');
        if (layout === 'shared') {
          expect(after.data, said).toEqual(before.data);
          continue;
        }
        expect(before.shape[layout.axis], said).toBe(samples * layout.per);
        const owner = coordinates(before.shape, layout.axis).map((place) => Math.floor(place / layout.per));
        for (const [position, value] of after.data.entries()) {
          if (owner[position] !== 1) expect(value, said).toBe(before.data[position]);
        }
      }
    });
  }

  it.each([
    'Gather rows, one of them twice',
    'GatherElements',
    'Where',
    'layerNorm',
    'rmsNorm',
    'groupNorm',
    'batchNormInference',
    'causal attention',
    'rotary, halves',
    'crossEntropy with an ignored id',
    'squaredError',
    'dropout',
    'Softmax',
    'StridedSlice',
  ])('%s keeps the samples of the first input or of its indices apart', (name) => {
    const of = operatorCases.find((candidate) => candidate.name === name);
    if (!of) throw new Error(`there is no case "${name}"`);
    const places = arrangements(of).filter((sampled) => [...sampled.values()].every((axis) => axis === 0));
    const kept = places.filter((sampled) => {
      const [input] = sampled.keys();
      return typeof follow(of, sampled, of.shapes[input][0]).layout === 'object';
    });
    expect(kept.length).toBeGreaterThan(0);
  });
});

const N = 3;

interface Network {
  readonly name: string;
  readonly parameters: readonly Shape[];
  readonly x: Shape;
  readonly below?: number;
  /** → one loss a sample. */
  losses(g: GraphBuilder, parameters: readonly Value[], x: Value): Value;
}

const networks: readonly Network[] = [
  {
    name: 'a decoder block: embedding, RMS norms, rotary causal attention in two heads, a gated layer, cross-entropy',
    parameters: [[7, 4], [4], [4, 4], [4, 4], [4, 4], [4, 4], [4], [4, 6], [4, 6], [6, 4], [4, 7]],
    x: [5],
    below: 7,
    losses: (g, [table, n1, wq, wk, wv, wo, n2, up, gate, down, head], ids) => {
      const angles = (f: (x: number) => number) =>
        g.constant(
          Array.from({ length: 5 }, (_, t) => f(t)),
          [5, 1],
        );
      const heads = (x: Value) => transpose(g, reshape(g, x, [N, 5, 2, 2]), [0, 2, 1, 3]);
      const turn = (x: Value) => rotary(g, x, angles(Math.cos), angles(Math.sin), 'halves');
      let x = gather(g, table, ids, 0);
      const h = rmsNorm(g, x, n1);
      const attended = scaledDotProduct(
        g,
        turn(heads(matmul(g, h, wq))),
        turn(heads(matmul(g, h, wk))),
        heads(matmul(g, h, wv)),
        { causal: 'causal' },
      );
      const joined = reshape(g, transpose(g, attended, [0, 2, 1, 3]), [N, 5, 4]);
      x = add(g, x, matmul(g, joined, wo));
      const m = rmsNorm(g, x, n2);
      x = add(g, x, matmul(g, multiply(g, silu(g, matmul(g, m, gate)), matmul(g, m, up)), down));
      return sumPositions(g, crossEntropy(g, matmul(g, x, head), ids));
    },
  },
  {
    name: 'layer norm with scale and bias, and GELU',
    parameters: [[4, 5], [5], [5]],
    x: [4],
    losses: (g, [w, scale, bias], x) => {
      const y = gelu(g, layerNorm(g, matmul(g, x, w), -1, scale, bias), 'exact');
      return squaredError(g, y, g.constant([0.5], [1, 1]));
    },
  },
  {
    name: 'group norm of channels',
    parameters: [[4], [4]],
    x: [4, 3],
    losses: (g, [scale, bias], x) => squaredError(g, groupNorm(g, x, 2, scale, bias), g.constant([0.1], [])),
  },
  {
    name: 'batch norm with given statistics',
    parameters: [[4], [4]],
    x: [4, 3],
    losses: (g, [scale, bias], x) => {
      const [mean, spread] = [g.constant([1, 2, 0, 1], [4]), g.constant([1, 2, 3, 1], [4])];
      return squaredError(g, batchNormInference(g, x, scale, bias, mean, spread), g.constant([0.1], []));
    },
  },
  {
    name: 'a parameter among the choices',
    parameters: [[4]],
    x: [3, 4],
    losses: (g, [w], x) => squaredError(g, where(g, g.constant([1, 0, 1], [3, 1]), w, x), multiply(g, x, x)),
  },
];

function sumPositions(g: GraphBuilder, losses: Value): Value {
  const ones = g.constant(new Float64Array(losses.shape[1]).fill(1), [losses.shape[1], 1]);
  return reshape(g, matmul(g, losses, ones), [losses.shape[0]]);
}

describe('captured gradients are those of each sample differentiated apart', () => {
  it.each(networks.map((network) => [network.name, network] as const))(
    '%s',
    (name, { parameters, x, below, losses }) => {
      const random = Random.named(5, name);
      const g = new GraphBuilder();
      const values = parameters.map((shape, p) => g.input(`p${p}`, shape));
      const batch = g.input('x', [N, ...x]);
      const each = losses(g, values, batch);
      const blocks = capture(g, { losses: each, batch: [batch], parameters: values });
      expect(blocks.map(({ parameter }) => parameter).sort((a, b) => a - b)).toEqual([...parameters.keys()]);
      const outputs: Record<string, Value> = {};
      for (const { parameter, term } of blocks) outputs[`all${parameter}`] = materialise(g, term);
      for (let i = 0; i < N; i++) {
        const gradients = differentiate(g, slice(g, each, 0, i, i + 1), values);
        for (const [p, gradient] of gradients.entries()) outputs[`apart${p}.${i}`] = gradient;
      }
      const numbers = (shape: Shape) => Float64Array.from({ length: sizeOf(shape) }, () => 0.7 * random.normal());
      const feeds = Object.fromEntries(parameters.map((shape, p) => [`p${p}`, numbers(shape)]));
      feeds.x = numbers([N, ...x]).map((value) => (below ? random.below(below) : value));
      const result = interpret(g.build(outputs), feeds);
      for (const [p, shape] of parameters.entries()) {
        const size = sizeOf(shape);
        for (let i = 0; i < N; i++) {
          for (const [e, entry] of result[`apart${p}.${i}`].data.entries())
            expect(result[`all${p}`].data[i * size + e]).toBeCloseTo(entry, 10);
        }
      }
    },
  );
});
