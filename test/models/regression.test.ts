/** Models whose targets are numbers: the same training, factors and import as of classes, and no class pretended. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { packageRoot, Random } from '../../src/foundation/index.js';
import { encodeOnnx, GraphBuilder, interpret, readOnnx, sizeOf } from '../../src/graph/index.js';
import { gradDot, openFactors } from '../../src/influence/index.js';
import {
  accuracy,
  importedModel,
  type Model,
  meanSquaredError,
  mlp,
  mlpRegressor,
  openFastStep,
  predict,
  predictedClasses,
  type Samples,
  selectSamples,
  sgd,
  squaredLosses,
  train,
} from '../../src/models/index.js';
import { temporaryFolder } from '../data/fixture.js';
import { cloud } from './tiny.js';

const engine = cpuEngine();
const FOLDER = join(packageRoot, 'test', 'fixtures', 'onnx');
const [INPUTS, OUTPUTS] = [4, 2];

/** Targets are a fixed linear map of the features. */
function linearRows(rows: number): Samples<Float32Array> {
  const random = new Random(6);
  const map = Array.from({ length: INPUTS * OUTPUTS }, () => random.normal());
  const features = Float32Array.from({ length: rows * INPUTS }, () => random.normal());
  const targets = Float32Array.from({ length: rows * OUTPUTS }, (_, at) => {
    const [i, o] = [Math.floor(at / OUTPUTS), at % OUTPUTS];
    let sum = 0.5 * o;
    for (let k = 0; k < INPUTS; k++) sum += features[i * INPUTS + k] * map[k * OUTPUTS + o];
    return sum;
  });
  return { rows, width: INPUTS, features, targets };
}

describe('the squared error', () => {
  it('is the sum over the outputs, not halved, not averaged', () => {
    const g = new GraphBuilder();
    const graph = g.build({ losses: squaredLosses(g, g.input('y', [2, 3]), g.input('t', [2, 3])) });
    const { losses } = interpret(graph, { y: [1, 2, 3, 0, 0, 0], t: [1, 0, 6, -1, 2, 0.5] });
    expect(losses.shape).toEqual([2, 1]);
    expect([...losses.data]).toEqual([13, 5.25]);
  });
});

describe('a regression of our own', () => {
  const samples = linearRows(30);
  const model = mlpRegressor([INPUTS, 8, OUTPUTS]);

  it('learns its targets, and its error is the mean of the losses', async () => {
    const options = { epochs: 60, batch: 8, learningRate: 0.01, momentum: 0.9, seed: 3 };
    const { states, losses } = await train(engine, model, samples, options);
    expect(losses[59]).toBeLessThan(0.02 * losses[0]);
    const { parameters } = states[states.length - 1];
    const outputs = await predict(engine, model, parameters, samples);
    expect(outputs.length).toBe(30 * OUTPUTS);
    const error = meanSquaredError(outputs, samples.targets, samples.rows);
    const source = await openFactors(engine, model);
    const factors = await source.factors(parameters, samples);
    await source.dispose();
    expect(factors.losses.reduce((sum, loss) => sum + loss, 0) / 30 / error).toBeCloseTo(1, 5);
    expect(error).toBeLessThan(0.05 * losses[0]);
  });

  it('does not learn from the rows that pad a batch', async () => {
    const from = { parameters: model.initialise(new Random(2)), state: new Float32Array(model.parameterCount) };
    const after = await Promise.all(
      [3, 8].map(async (batch) => {
        const step = await openFastStep(engine, model, { batch, optimiser: sgd(), dropout: 0, seed: 0 });
        // a full batch first, so that its rows would still stand in the buffers
        await step.run(
          from,
          samples,
          Array.from({ length: batch }, (_, i) => i),
          { step: 0, rate: 0.1 },
        );
        const result = await step.run(from, samples, [11, 4, 20], { step: 0, rate: 0.1 });
        await step.dispose();
        return result;
      }),
    );
    expect(after[1].loss).toBeCloseTo(after[0].loss, 5);
    for (const [p, weight] of after[0].parameters.entries()) expect(after[1].parameters[p]).toBeCloseTo(weight, 5);
  });

  it('tells no classes apart', () => {
    expect(model.classes).toBe(0);
    expect(() => predictedClasses(Float32Array.of(1, 2), model.classes)).toThrow(/tells no classes apart/);
    expect(() => accuracy(Float32Array.of(1, 2), Float32Array.of(1, 2), model.classes)).toThrow(/no classes/);
    expect(() => meanSquaredError(Float32Array.of(1, 2), Float32Array.of(1), 1)).toThrow(/2 outputs .* 1 targets/);
  });

  it('refuses class ids, as a classifier refuses numbers, and rows of another width', async () => {
    const options = { epochs: 1, batch: 4, learningRate: 0.1, momentum: 0, seed: 1 };
    const classes = cloud(8, INPUTS, 2);
    await expect(train(engine, model, classes, options)).rejects.toThrow(
      /Int32Array .* objective regression.*Float32Array/,
    );
    await expect(
      train(engine, mlp([INPUTS, 2]), { ...classes, targets: new Float32Array(8) }, options),
    ).rejects.toThrow(/Float32Array .* objective class.*Int32Array/);
    await expect(train(engine, mlp([5, 2]), classes, options)).rejects.toThrow(/width 4 .* takes 5/);
    await expect(train(engine, model, { ...samples, targets: new Float32Array(30) }, options)).rejects.toThrow(
      /30 targets .*Give 2 a sample/,
    );
  });

  it('is the same after a way through an ONNX file', async () => {
    const parameters = model.initialise(new Random(9));
    const g = new GraphBuilder();
    const constants = model.parameters.map(({ offset, shape }) =>
      g.constant(parameters.slice(offset, offset + sizeOf(shape)), shape),
    );
    const file = join(temporaryFolder(), 'regressor.onnx');
    const y = model.forward(g, constants, g.input('x', [5, INPUTS]));
    await writeFile(file, encodeOnnx(g.build({ y })));
    const again = importedModel(await readOnnx(file), { objective: 'regression' });
    expect(again.model).toMatchObject({ objective: 'regression', targetShape: [OUTPUTS], classes: 0 });
    const few = selectSamples(samples, [0, 1, 2, 3, 4]);
    const outputs = (one: Model, weights: Float32Array) => {
      const h = new GraphBuilder();
      const values = one.parameters.map(({ shape }, p) => h.input(`p${p}`, shape));
      const feeds = one.parameters.map(({ offset, shape }, p) => [
        `p${p}`,
        weights.subarray(offset, offset + sizeOf(shape)),
      ]);
      const graph = h.build({ out: one.forward(h, values, h.input('in', [5, INPUTS])) });
      return interpret(graph, { ...Object.fromEntries(feeds), in: few.features }).out.data;
    };
    const expected = outputs(model, parameters);
    for (const [i, value] of outputs(again.model, again.parameters).entries())
      expect(value).toBeCloseTo(expected[i], 12);
  });
});

interface Reference {
  readonly input: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly targets: { readonly values: readonly number[] };
  readonly losses: readonly number[];
  readonly gradientProducts: readonly (readonly number[])[];
}

describe.each(['regressor-opset15', 'fused-vendor-regressor'])('%s of PyTorch', (name) => {
  it("has PyTorch's losses and gradient products", async () => {
    const reference = JSON.parse(readFileSync(join(FOLDER, `${name}.reference.json`), 'utf8')) as Reference;
    const { model, parameters } = importedModel(await readOnnx(join(FOLDER, `${name}.onnx`)), {
      objective: 'regression',
    });
    const [rows] = reference.input.shape;
    const samples = {
      rows,
      width: reference.input.values.length / rows,
      features: Float32Array.from(reference.input.values),
      targets: Float32Array.from(reference.targets.values),
    };
    const source = await openFactors(engine, model);
    const { losses } = await source.factors(parameters, samples);
    await source.dispose();
    for (const [i, loss] of reference.losses.entries()) expect(losses[i] / loss).toBeCloseTo(1, 5);
    const scorer = await gradDot(engine, model, parameters);
    const { data } = await scorer.score(samples, samples);
    await scorer.dispose();
    for (const [i, row] of reference.gradientProducts.entries()) {
      for (const [j, product] of row.entries()) {
        const scale = Math.sqrt(reference.gradientProducts[i][i] * reference.gradientProducts[j][j]);
        expect(Math.abs(data[i * rows + j] - product) / scale).toBeLessThan(5e-5);
      }
    }
  });
});
