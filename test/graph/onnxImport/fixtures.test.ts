/**
 * Models that PyTorch exported (test/fixtures/onnx), against what PyTorch computed in float64: outputs, losses, and each
 * sample's gradient with respect to every parameter.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/foundation/index.js';
import {
  capture,
  crossEntropy,
  differentiate,
  GraphBuilder,
  interpret,
  materialise,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  squaredError,
  type Value,
} from '../../../src/graph/index.js';
import { type ImportedModel, readOnnx } from '../../../src/graph/onnxImport/index.js';

interface Reference {
  readonly loss: 'cross-entropy' | 'next-token' | 'squared-error';
  readonly outputName: string;
  readonly input: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly targets: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly output: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly losses: readonly number[];
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly initializers: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly layout: 'same' | 'transposed' | 'reshaped';
    }[];
    readonly squaredNorms: readonly number[];
    readonly first: readonly (readonly number[])[];
  }[];
  readonly frozen: Readonly<Record<string, unknown>>;
  readonly gradientProducts: readonly (readonly number[])[];
}

const FOLDER = join(packageRoot, 'test/fixtures/onnx');
const SAMPLES = 3;

const models = [
  'mlp-opset13',
  'mlp-opset18/model',
  'regressor-opset15',
  'cnn-opset13',
  'cnn-opset18',
  'einsum-opset14',
  'decoder-opset13',
  'decoder-opset18',
  'gpt2-opset17',
  'gpt2-untied-opset20',
  'fused-vendor',
  'fused-vendor-mlp',
  'fused-vendor-regressor',
  'fused-vendor-cnn',
];

async function load(name: string): Promise<{ model: ImportedModel; reference: Reference }> {
  const reference = JSON.parse(readFileSync(join(FOLDER, `${name}.reference.json`), 'utf8')) as Reference;
  const bind: Record<string, number> = reference.loss === 'next-token' ? { sequence: reference.input.shape[1] } : {};
  return { model: await readOnnx(join(FOLDER, `${name}.onnx`), { bind }), reference };
}

/** The losses of the samples, [n]. */
function lossesOf(g: GraphBuilder, y: Value, targets: Value, loss: Reference['loss']): Value {
  const n = y.shape[0];
  if (loss === 'squared-error') return squaredError(g, y, targets);
  if (loss === 'cross-entropy') return crossEntropy(g, y, targets);
  const length = targets.shape[1];
  const each = crossEntropy(g, slice(g, y, 1, 0, length - 1), slice(g, targets, 1, 1, length));
  return reshape(g, reduceMean(g, each, [1]), [n]);
}

function close(actual: ArrayLike<number>, expected: readonly number[], relative: number): void {
  const scale = Math.max(1e-6, ...expected.map(Math.abs));
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i] - value) / scale, `entry ${i}: ${actual[i]} for ${value}`).toBeLessThan(relative);
  });
}

describe.each(models)('%s', (name) => {
  it('finds the parameters that were trained, and no others', async () => {
    const { model, reference } = await load(name);
    const expected = new Set(reference.parameters.flatMap(({ initializers }) => initializers.map((one) => one.name)));
    expect(new Set(model.parameters.map((parameter) => parameter.name))).toEqual(expected);
  });

  it('gives the outputs, losses and per-sample gradients of PyTorch', async () => {
    const { model, reference } = await load(name);
    const g = new GraphBuilder();
    const parameters = model.parameters.map(({ shape }, i) => g.input(`p${i}`, shape));
    const input = g.input('x', reference.input.shape);
    const targets = g.input('t', reference.targets.shape);
    const outputs = model.build(g, { samples: SAMPLES, parameters, inputs: [input] });
    const y = outputs[reference.outputName];
    expect(y.shape).toEqual(reference.output.shape);
    const losses = lossesOf(g, y, targets, reference.loss);
    const gradients = [0, 1, 2].map((i) =>
      differentiate(g, reduceSum(g, slice(g, losses, 0, i, i + 1), [0]), parameters),
    );
    const graph = g.build({
      y,
      losses,
      ...Object.fromEntries(gradients.flatMap((list, i) => list.map((value, p) => [`g${i}_${p}`, value]))),
    });
    const result = interpret(graph, {
      x: reference.input.values,
      t: reference.targets.values,
      ...Object.fromEntries(model.parameters.map(({ data }, i) => [`p${i}`, data])),
    });
    close(result.y.data.slice(0, reference.output.values.length), reference.output.values, 1e-6);
    close(result.losses.data, reference.losses, 1e-6);
    const products = gradients.map((_, i) =>
      gradients.map((_, j) =>
        parameters.reduce((sum, _, p) => {
          const [a, b] = [result[`g${i}_${p}`].data, result[`g${j}_${p}`].data];
          return sum + a.reduce((dot, entry, k) => dot + entry * b[k], 0);
        }, 0),
      ),
    );
    close(products.flat(), reference.gradientProducts.flat(), 1e-5);
    for (const { initializers, squaredNorms, first, shape } of reference.parameters) {
      if (initializers.length !== 1) continue;
      const p = model.parameters.findIndex((parameter) => parameter.name === initializers[0].name);
      for (const i of gradients.keys()) {
        const { data } = result[`g${i}_${p}`];
        close([data.reduce((sum, entry) => sum + entry * entry, 0)], [squaredNorms[i]], 1e-5);
        const [rows, columns] = shape;
        const turned = initializers[0].layout === 'transposed';
        const at = (k: number): number => (turned ? data[(k % columns) * rows + Math.floor(k / columns)] : data[k]);
        close(
          first[i].map((_, k) => at(k)),
          first[i],
          1e-4,
        );
      }
    }
  });

  it("gives PyTorch's products of per-sample gradients from captured factors, at another batch size too", async () => {
    const { model, reference } = await load(name);
    for (const samples of [SAMPLES, 2 * SAMPLES]) {
      const repeat = (values: readonly number[]): number[] =>
        Array.from({ length: samples / SAMPLES }, () => values).flat();
      const g = new GraphBuilder();
      const parameters = model.parameters.map(({ shape }, i) => g.input(`p${i}`, shape));
      const x = g.input('x', [samples, ...reference.input.shape.slice(1)]);
      const t = g.input('t', [samples, ...reference.targets.shape.slice(1)]);
      const y = model.build(g, { samples, parameters, inputs: [x] })[reference.outputName];
      const losses = lossesOf(g, y, t, reference.loss);
      const blocks = capture(g, { losses, batch: [x, t], parameters });
      const graph = g.build(Object.fromEntries(blocks.map(({ term }, i) => [`b${i}`, materialise(g, term)])));
      const result = interpret(graph, {
        x: repeat(reference.input.values),
        t: repeat(reference.targets.values),
        ...Object.fromEntries(model.parameters.map(({ data }, i) => [`p${i}`, data])),
      });
      const product = (i: number, j: number): number =>
        Object.values(result).reduce((sum, { data }) => {
          const size = data.length / samples;
          const row = data.subarray(i * size, (i + 1) * size);
          return sum + row.reduce((dot, entry, k) => dot + entry * data[j * size + k], 0);
        }, 0);
      const last = samples - SAMPLES;
      close(
        [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => product(i, last + j))),
        reference.gradientProducts.flat(),
        1e-5,
      );
    }
  });
});
