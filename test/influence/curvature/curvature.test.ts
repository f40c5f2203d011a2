/** Products with curvature and with single gradients against dense float64 matrices. */
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { openCurvature } from '../../../src/influence/curvature/index.js';
import { openGradientRows } from '../../../src/influence/gradients/index.js';
import {
  decoder,
  lenet,
  type Model,
  marginLosses,
  mlp,
  mlpRegressor,
  type Samples,
  selectSamples,
} from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { dot, exactFisher, exactGradients, exactHessianProduct, relativeError, times } from '../dense/dense.js';

const engine = cpuEngine();

interface Case {
  readonly model: Model;
  readonly parameters: Float32Array;
  readonly samples: Samples;
}

/** Biases are moved too, so that one left out shows. */
function caseOf(model: Model, samples: Samples): Case {
  const random = new Random(4);
  return { model, samples, parameters: model.initialise(random).map((w) => w + 0.1 * random.normal()) };
}

function sequences(rows: number, width: number, vocabulary: number): Samples {
  const random = new Random(8);
  const tokens = (): number[] => Array.from({ length: rows * width }, () => random.below(vocabulary));
  return { rows, width, features: Float32Array.from(tokens()), targets: Int32Array.from(tokens()) };
}

const perceptron = caseOf(mlp([4, 5, 3]), cloud(20, 4, 3, 2));
const smooth = caseOf(mlp([4, 5, 3], { activation: 'gelu' }), cloud(20, 4, 3, 2));
const regressor = caseOf(mlpRegressor([3, 4, 2]), {
  ...cloud(12, 3, 2, 5),
  targets: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
});
const language = caseOf(
  decoder({
    vocabulary: 7,
    context: 4,
    width: 4,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    hidden: 5,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'halves',
    feedForward: 'swiglu',
    head: 'tied',
    biased: [],
  }),
  sequences(9, 4, 7),
);
const picture = caseOf(lenet({ channels: 1, height: 12, width: 12, classes: 3 }), cloud(3, 144, 3, 3));

function vectorsFor(model: Model, count: number): Tensor {
  const random = new Random(6);
  const shape = [count, model.parameterCount];
  return { shape, data: Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()) };
}

const rowOf = ({ shape, data }: Tensor, row: number): Float32Array =>
  data.subarray(row * shape[1], (row + 1) * shape[1]);

describe('curvature products', () => {
  it.each([
    ['perceptron', perceptron],
    ['perceptron with GELU', smooth],
    ['regressor', regressor],
    ['decoder', language],
  ])(
    'are those of the Hessian by finite differences in float64, on a %s',
    async (_, { model, parameters, samples }) => {
      const vectors = vectorsFor(model, 2);
      const open = await openCurvature(engine, model, { kind: 'hessian', damping: 0.25 });
      const products = await open.apply(parameters, samples, vectors);
      await open.dispose();
      for (const k of [0, 1]) {
        const v = rowOf(vectors, k);
        const exact = exactHessianProduct(model, parameters, samples, v).map((value, p) => value + 0.25 * v[p]);
        expect(relativeError(rowOf(products, k), exact)).toBeLessThan(1e-4);
      }
    },
  );

  it.each([
    ['perceptron', perceptron],
    ['perceptron with GELU', smooth],
  ])(
    'of Gauss–Newton are those of the Fisher matrix over all labels, on a %s',
    async (_, { model, parameters, samples }) => {
      const vectors = vectorsFor(model, 2);
      const open = await openCurvature(engine, model, { kind: 'gauss-newton' });
      const products = await open.apply(parameters, samples, vectors);
      await open.dispose();
      const fisher = exactFisher(model, parameters, samples);
      for (const k of [0, 1])
        expect(relativeError(rowOf(products, k), times(fisher, rowOf(vectors, k)))).toBeLessThan(1e-4);
    },
  );

  it('of both kinds agree where the model is linear in its parameters, and differ where it is not', async () => {
    const both = async ({ model, parameters, samples }: Case): Promise<number> => {
      const found = [];
      for (const kind of ['hessian', 'gauss-newton'] as const) {
        const open = await openCurvature(engine, model, { kind });
        found.push(await open.apply(parameters, samples, vectorsFor(model, 1)));
        await open.dispose();
      }
      return relativeError(found[0].data, found[1].data);
    };
    expect(await both(caseOf(mlp([4, 3]), cloud(20, 4, 3, 2)))).toBeLessThan(1e-5);
    expect(await both(smooth)).toBeGreaterThan(1e-2);
  });

  it.each([
    ['hessian', language],
    ['gauss-newton', language],
    ['hessian', picture],
    ['gauss-newton', picture],
  ] as const)(
    'of the %s are the same in blocks, and no vector or padding moves another',
    async (kind, { model, parameters, samples }) => {
      const vectors = vectorsFor(model, 5);
      const single = await openCurvature(engine, model, { kind });
      const blocked = await openCurvature(engine, model, { kind, width: 4 });
      const [one, four] = [
        await single.apply(parameters, samples, vectors),
        await blocked.apply(parameters, samples, vectors),
      ];
      const last = await blocked.apply(parameters, samples, {
        shape: [1, model.parameterCount],
        data: rowOf(vectors, 4),
      });
      await single.dispose();
      await blocked.dispose();
      expect(relativeError(four.data, one.data)).toBeLessThan(1e-5);
      expect([...last.data]).toEqual([...rowOf(four, 4)]);
    },
  );

  it('of more samples than a run takes are the mean over all', async () => {
    const { model, parameters } = perceptron;
    const many = cloud(300, 4, 3, 7);
    const open = await openCurvature(engine, model, { kind: 'gauss-newton' });
    const vectors = vectorsFor(model, 1);
    const whole = await open.apply(parameters, many, vectors);
    const thirds = [0, 1, 2].map((t) =>
      selectSamples(
        many,
        Array.from({ length: 100 }, (_, i) => 100 * t + i),
      ),
    );
    const mean = new Float64Array(model.parameterCount);
    for (const third of thirds) {
      const part = await open.apply(parameters, third, vectors);
      for (const [p, value] of part.data.entries()) mean[p] += value / 3;
    }
    await open.dispose();
    expect(relativeError(whole.data, mean)).toBeLessThan(1e-5);
  });

  it('are refused by a sentence: no samples, vectors of another length, a damping below zero, what is not finite', async () => {
    const { model, parameters, samples } = perceptron;
    await expect(openCurvature(engine, model, { kind: 'hessian', damping: -1 })).rejects.toThrow(/damping is -1/);
    const open = await openCurvature(engine, model, { kind: 'hessian' });
    const vectors = vectorsFor(model, 1);
    await expect(open.apply(parameters, selectSamples(samples, []), vectors)).rejects.toThrow(/no samples/);
    await expect(open.apply(parameters, samples, { shape: [1, 3], data: new Float32Array(3) })).rejects.toThrow(
      /\[1,3\]/,
    );
    await expect(
      open.apply(
        parameters.map(() => Number.NaN),
        samples,
        vectors,
      ),
    ).rejects.toThrow(/holds NaN/);
    await open.dispose();
  });
});

describe('gradients written out', () => {
  it.each([
    ['perceptron', perceptron],
    ['regressor', regressor],
    ['decoder with a tied head', language],
    ['LeNet', picture],
  ])(
    'are those of the interpreter, and so are their products with vectors, on a %s',
    async (_, { model, parameters, samples }) => {
      const exact = exactGradients(model, parameters, samples);
      const vectors = vectorsFor(model, 3);
      const open = openGradientRows(engine, model);
      const rows = await open.all(parameters, samples);
      const products = await open.products(parameters, samples, vectors);
      await open.dispose();
      expect(rows.shape).toEqual([samples.rows, model.parameterCount]);
      expect(
        relativeError(
          rows.data,
          exact.flatMap((row) => [...row]),
        ),
      ).toBeLessThan(1e-5);
      expect(products.shape).toEqual([3, samples.rows]);
      const expected = [0, 1, 2].flatMap((k) => exact.map((row) => dot(row, rowOf(vectors, k))));
      expect(relativeError(products.data, expected)).toBeLessThan(1e-5);
    },
  );

  it('of a target that leaves parameters out are zeros there', async () => {
    const { model, parameters, samples } = perceptron;
    const open = openGradientRows(engine, model, marginLosses);
    const exact = exactGradients(model, parameters, samples, marginLosses);
    const rows = await open.all(parameters, samples);
    await open.dispose();
    expect(
      relativeError(
        rows.data,
        exact.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-5);
    const silent = openGradientRows(engine, model, (_g, _output, targets) => targets);
    const nothing = await silent.all(parameters, samples);
    await silent.dispose();
    expect(nothing.data.every((value) => value === 0)).toBe(true);
  });

  it('have products that do not depend on what else is asked for, bit for bit', async () => {
    const { model, parameters } = perceptron;
    const many = cloud(600, 4, 3, 7);
    const vectors = vectorsFor(model, 300);
    const open = openGradientRows(engine, model);
    const whole = await open.products(parameters, many, vectors);
    const rows = [599, 3, 256, 255];
    const some = [299, 0, 256];
    const part = await open.products(parameters, selectSamples(many, rows), {
      shape: [3, model.parameterCount],
      data: Float32Array.from(some.flatMap((k) => [...rowOf(vectors, k)])),
    });
    await open.dispose();
    expect([...part.data]).toEqual(some.flatMap((k) => rows.map((i) => whole.data[k * 600 + i])));
  });

  it('are refused by a sentence when vectors have another length', async () => {
    const { model, parameters, samples } = perceptron;
    const open = openGradientRows(engine, model);
    const short = { shape: [1, 2], data: new Float32Array(2) };
    await expect(open.products(parameters, samples, short)).rejects.toThrow(/\[1,2\] were to be multiplied/);
    await open.dispose();
  });
});
