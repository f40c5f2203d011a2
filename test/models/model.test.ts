import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { encodeOnnx } from '../../src/graph/index.js';
import {
  accuracy,
  batchTensors,
  fitNormalisation,
  logitsGraph,
  mlp,
  modelRecipe,
  normalise,
  PREDICTION_CHUNK,
  predict,
  predictedClasses,
  readModel,
  replay,
  selectSamples,
  stepGraph,
  type TrainingSet,
  trainModel,
} from '../../src/models/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';
import { cloud, featuresOf, OPTIONS, sampleGradient } from './tiny.js';

const engine = cpuEngine();
const CHOICE = { name: 'mlp', hidden: [5] } as const;

describe('the multilayer perceptron', () => {
  it('lays its parameters out without gap or overlap', () => {
    const model = mlp([4, 3, 2]);
    let next = 0;
    for (const { offset, shape } of model.parameters) {
      expect(offset).toBe(next);
      next += shape.reduce((a, b) => a * b, 1);
    }
    expect(next).toBe(model.parameterCount);
    expect(next).toBe(4 * 3 + 3 + 3 * 2 + 2);
  });

  it("begins with He's deviation and zero biases", () => {
    const model = mlp([200, 300, 4]);
    const flat = model.initialise(new Random(1));
    const part = (l: number) => {
      const { offset, shape } = model.parameters[l];
      return [...flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1))];
    };
    const variance = (list: number[]) => list.reduce((sum, x) => sum + x * x, 0) / list.length;
    expect(variance(part(0))).toBeCloseTo(2 / 200, 3);
    expect(Math.abs(variance(part(2)) / (2 / 300) - 1)).toBeLessThan(0.15);
    expect([...part(1), ...part(3)].every((bias) => bias === 0)).toBe(true);
  });

  it.each([[[3]], [[]], [[3, 0]], [[3, 2.5]]])('refuses the widths [%s]', (widths) => {
    expect(() => mlp(widths)).toThrow(/An MLP cannot have the widths/);
  });
});

describe('normalisation', () => {
  it('gives each feature mean 0 and all together deviation 1', () => {
    const random = new Random(4);
    const width = 3;
    const features = Float32Array.from(
      { length: 600 },
      (_, i) => 10 * (i % width) + random.normal() * (1 + (i % width)),
    );
    const fit = fitNormalisation(features, width);
    const { features: x } = normalise(fit, { features, rows: 200, width }, new Int32Array(200));
    for (let j = 0; j < width; j++) {
      const mean = x.filter((_, i) => i % width === j).reduce((a, b) => a + b, 0) / 200;
      expect(Math.abs(mean)).toBeLessThan(1e-6);
    }
    expect(x.reduce((sum, value) => sum + value * value, 0) / 600).toBeCloseTo(1, 5);
    // one factor for all features: their proportions stay
    expect((x[2] - x[5]) / (features[2] - features[5])).toBeCloseTo((x[0] - x[3]) / (features[0] - features[3]), 4);
  });

  it('does not divide by the deviation of features that never vary', () => {
    const fit = fitNormalisation(Float32Array.of(5, 7, 5, 7), 2);
    expect(fit).toEqual({ mean: Float32Array.of(5, 7), factor: 1 });
  });
});

describe('samples', () => {
  it('are picked in the order asked for, and padded with rows that have no target', () => {
    const samples = cloud(5, 2, 3);
    const picked = selectSamples(samples, [4, 0, 4]);
    expect([...picked.features]).toEqual([4, 0, 4].flatMap((row) => [...featuresOf(samples, row)]));
    expect([...picked.targets]).toEqual([4, 0, 4].map((row) => samples.targets[row]));
    const { x, targets } = batchTensors(samples, 3, 4, mlp([2, 3]));
    expect([...x.data]).toEqual([...featuresOf(samples, 3), ...featuresOf(samples, 4), 0, 0, 0, 0]);
    expect([...targets.data]).toEqual([samples.targets[3], samples.targets[4], -1, -1]);
  });
});

describe('prediction', () => {
  const model = mlp([6, 9, 3]);
  const parameters = model.initialise(new Random(2));
  const samples = cloud(PREDICTION_CHUNK + 50, 6, 3);

  it('gives a row the same bits however many rows are asked for', async () => {
    const all = await predict(engine, model, parameters, samples);
    for (const rows of [1, 2, 63, PREDICTION_CHUNK, PREDICTION_CHUNK + 1]) {
      const some = selectSamples(
        samples,
        Array.from({ length: rows }, (_, i) => i),
      );
      expect(await predict(engine, model, parameters, some)).toEqual(all.subarray(0, rows * 3));
    }
    for (const row of [0, 255, 256, 305]) {
      expect(await predict(engine, model, parameters, selectSamples(samples, [row]))).toEqual(
        all.subarray(3 * row, 3 * row + 3),
      );
    }
  });

  it('gives logits whose loss is that of explicit loops in float64', async () => {
    const logits = await predict(engine, model, parameters, samples);
    for (const row of [0, 17, 300]) {
      const z = [...logits.subarray(3 * row, 3 * row + 3)];
      const target = samples.targets[row];
      const loss = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - z[target];
      expect(loss).toBeCloseTo(sampleGradient([6, 9, 3], parameters, featuresOf(samples, row), target).loss, 5);
    }
  });

  it('names the largest logit, the first at a tie, and counts the hits', () => {
    const logits = Float32Array.of(1, 3, 2, 5, 5, 4, -1, -3, -1);
    expect([...predictedClasses(logits, 3)]).toEqual([1, 0, 0]);
    expect(accuracy(logits, Int32Array.of(1, 1, 0), 3)).toBeCloseTo(2 / 3, 12);
    expect(accuracy(new Float32Array(), new Int32Array(), 3)).toBe(0);
    // a token that is not asked for is neither hit nor missed
    expect(accuracy(logits, Int32Array.of(1, -1, 0), 3)).toBe(1);
  });
});

describe('the model artefact', () => {
  const all = cloud(40, 4, 2);
  const rows = (from: number, to: number) => {
    const { features, targets } = selectSamples(
      all,
      Array.from({ length: to - from }, (_, i) => from + i),
    );
    return { features, labels: targets, rows: to - from, width: 4 };
  };
  const set: TrainingSet = { id: 'd1', classes: 2, train: rows(0, 30), heldOut: rows(30, 40) };

  it('comes back as it was made, and replays', async () => {
    const folder = join(temporaryFolder(), 'model');
    const made = await trainModel(folder, engine, set, CHOICE, OPTIONS);
    const read = await readModel(folder);
    expect(read.states).toEqual(made.states);
    expect(read.parameters).toEqual(made.states[made.states.length - 1].parameters);
    expect(read.normalisation).toEqual(made.normalisation);
    expect(read.options).toEqual(OPTIONS);
    expect(read.model.definition).toEqual({ name: 'mlp', widths: [4, 5, 2] });
    expect(read.artefact).toEqual(made.artefact);
    expect({
      kind: 'model',
      inputs: made.artefact.manifest.inputs,
      parameters: made.artefact.manifest.parameters,
    }).toEqual(modelRecipe('d1', engine, CHOICE, OPTIONS));
    const samples = normalise(read.normalisation, set.train, set.train.labels);
    const last = read.states.length - 1;
    expect(
      await replay(engine, read.model, samples, read.options, read.states[last - 1], read.states[last].step),
    ).toEqual(made.states[last]);
  });

  it('is the same artefact when it is made again, and states what it found', async () => {
    const parent = temporaryFolder();
    const a = await trainModel(join(parent, 'a'), engine, set, CHOICE, OPTIONS);
    const b = await trainModel(join(parent, 'b'), engine, set, CHOICE, OPTIONS);
    expect(b.artefact.manifest).toEqual(a.artefact.manifest);
    const { facts } = a.artefact.manifest;
    const held = normalise(a.normalisation, set.heldOut, set.heldOut.labels);
    const logits = await predict(engine, a.model, a.parameters, held);
    expect(facts.heldOutAccuracy).toBe(accuracy(logits, held.targets, 2));
    expect(facts).toMatchObject({ stepsPerEpoch: 8, parameterCount: 4 * 5 + 5 + 5 * 2 + 2 });
    expect(await readFile(join(parent, 'a', 'step.onnx'))).toEqual(encodeOnnx(stepGraph(a.model, 4)));
    expect(await readFile(join(parent, 'a', 'logits.onnx'))).toEqual(
      encodeOnnx(logitsGraph(a.model, PREDICTION_CHUNK)),
    );
  });

  it('is refused when a byte of its states has changed', async () => {
    const folder = join(temporaryFolder(), 'model');
    await trainModel(folder, engine, set, CHOICE, OPTIONS);
    const bytes = await readFile(join(folder, 'states.arrow'));
    bytes[bytes.length - 600] ^= 1;
    await writeFile(join(folder, 'states.arrow'), bytes);
    expect(await refusal(() => readModel(folder))).toMatch(/states\.arrow has SHA-256/);
  });
});
