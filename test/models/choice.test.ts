/** Which model is trained: a file is taken whole and trained on from its own weights, on rows as they are. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { packageRoot, Random, sha256, sha256File } from '../../src/foundation/index.js';
import { readOnnx } from '../../src/graph/index.js';
import {
  importedModel,
  type ModelChoice,
  modelRecipe,
  normalise,
  readModel,
  replay,
  type TrainingSet,
  trainModel,
} from '../../src/models/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';
import { cloud, OPTIONS } from './tiny.js';

const FIXTURES = join(packageRoot, 'test', 'fixtures', 'onnx');
const engine = cpuEngine();

function setOf(width: number, classes: number): TrainingSet {
  const split = (rows: number, seed: number) => {
    const { features, targets } = cloud(rows, width, classes, seed);
    // far from centred, so that normalisation would show
    return { features: features.map((x) => 3 + 2 * x), labels: targets, rows, width };
  };
  return { id: 'set', classes, train: split(40, 1), heldOut: split(20, 2) };
}

async function fileChoice(name: string, folder: string) {
  const path = join(folder, name);
  return { name: 'onnx', path, sha256: await sha256File(path) } as const;
}

async function shapeOf(path: string) {
  const { model } = importedModel(await readOnnx(path), { objective: 'class' });
  return { width: model.inputShape.reduce((a, b) => a * b, 1), classes: model.classes };
}

describe('a model from a file', () => {
  it.each(['mlp-opset13.onnx', 'cnn-opset18.onnx'])('%s is trained on, stored whole, and replayed', async (name) => {
    const folder = temporaryFolder();
    await copyFile(join(FIXTURES, name), join(folder, name));
    const choice = await fileChoice(name, folder);
    const { width, classes } = await shapeOf(choice.path);
    const set = setOf(width, classes);
    const options = { ...OPTIONS, learningRate: 0.005 };
    const made = await trainModel(join(folder, 'model'), engine, set, choice, options);
    const { parameters } = importedModel(await readOnnx(choice.path), { objective: 'class' });
    expect(made.states[0].parameters).toEqual(parameters);
    expect(made.parameters).not.toEqual(parameters);
    expect(made.normalisation).toEqual({ mean: new Float32Array(width), factor: 1 });
    expect(await readFile(join(folder, 'model', 'model.onnx'))).toEqual(await readFile(choice.path));
    // the original is not looked for again
    await writeFile(choice.path, 'gone');
    const read = await readModel(join(folder, 'model'));
    expect(read.model.definition).toEqual(made.model.definition);
    expect(read.model.initialise(new Random(1))).toEqual(parameters);
    const samples = normalise(read.normalisation, set.train, set.train.labels);
    expect(samples.features).toEqual(set.train.features);
    const [before, last] = read.states.slice(-2);
    expect(await replay(engine, read.model, samples, read.options, before, last.step)).toEqual(last);
  });

  it('that keeps its weights in a file beside it is refused before it is trained', async () => {
    const folder = join(FIXTURES, 'mlp-opset18');
    const choice = await fileChoice('model.onnx', folder);
    const { width, classes } = await shapeOf(choice.path);
    const out = join(temporaryFolder(), 'model');
    expect(await refusal(() => trainModel(out, engine, setOf(width, classes), choice, OPTIONS))).toMatch(
      /mlp-opset18\/model.onnx cannot be read without the files beside it/,
    );
  });

  it('that is damaged, or changed since it was chosen, is refused by its own name', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'mine.onnx');
    await writeFile(path, (await readFile(join(FIXTURES, 'mlp-opset13.onnx'))).subarray(0, 300));
    const out = join(folder, 'model');
    const train = (choice: ModelChoice) => refusal(() => trainModel(out, engine, setOf(4, 2), choice, OPTIONS));
    const sentence = await train(await fileChoice('mine.onnx', folder));
    expect(sentence).toContain(path);
    expect(await train({ name: 'onnx', path, sha256: sha256('another') })).toMatch(/mine.onnx changed while/);
    const nowhere = join(folder, 'nowhere.onnx');
    expect(await train({ name: 'onnx', path: nowhere, sha256: '' })).toMatch(/nowhere.onnx does not exist/);
  });

  it('must fit the rows and the classes', async () => {
    const choice = await fileChoice('mlp-opset13.onnx', FIXTURES);
    const { width, classes } = await shapeOf(choice.path);
    const out = join(temporaryFolder(), 'model');
    const train = (set: TrainingSet, chosen: ModelChoice = choice) =>
      refusal(() => trainModel(out, engine, set, chosen, OPTIONS));
    expect(await train(setOf(width + 1, classes))).toMatch(/takes samples of shape \[.*\], the rows have \d+ numbers/);
    expect(await train(setOf(width, classes + 1))).toMatch(/tells \d+ classes apart, the data set has \d+/);
    expect(await train(setOf(width, classes), { ...choice, output: 'none' })).toMatch(/no output "none"/);
    const picture = { channels: 1, height: 8, width: 8 };
    expect(await train(setOf(63, 2), { name: 'lenet', picture })).toMatch(/\[1,8,8\], the rows have 63 numbers/);
  });
});

describe('the recipe of a model', () => {
  const recipe = (choice: ModelChoice) => modelRecipe('d', engine, choice, OPTIONS);

  it('of a perceptron is what it always was, so that finished ones are found', () => {
    expect(recipe({ name: 'mlp', hidden: [7] }).parameters).toEqual({
      engine: engine.name,
      hidden: [7],
      training: OPTIONS,
    });
  });

  it('tells models apart, and files by what is in them, not by where they lie', () => {
    const picture = { channels: 1, height: 8, width: 8 };
    const choices: ModelChoice[] = [
      { name: 'mlp', hidden: [] },
      { name: 'linear' },
      { name: 'lenet', picture },
      { name: 'resnet9', picture },
      { name: 'lenet', picture: { ...picture, height: 4, width: 16 } },
      { name: 'onnx', path: 'a', sha256: '0' },
      { name: 'onnx', path: 'a', sha256: '1' },
      { name: 'onnx', path: 'a', sha256: '1', output: 'y' },
    ];
    expect(new Set(choices.map((choice) => JSON.stringify(recipe(choice)))).size).toBe(choices.length);
    expect(recipe({ name: 'onnx', path: 'b', sha256: '1' })).toEqual(recipe({ name: 'onnx', path: 'a', sha256: '1' }));
  });
});
