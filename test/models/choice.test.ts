/** Which model is trained: a file is taken whole and trained on from its own weights, on rows as they are. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArtefact, writeArtefact } from '../../src/artefact/index.js';
import { cpuEngine } from '../../src/engine/index.js';
import { type JsonObject, packageRoot, Random, sha256, sha256File } from '../../src/foundation/index.js';
import { readOnnx } from '../../src/graph/index.js';
import {
  importedModel,
  type ModelChoice,
  mlpRegressor,
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

describe('a recipe and what the artefact holds', () => {
  const set = setOf(16, 5);

  /** Makes an artefact of the same model whose recipe says something else. */
  async function forged(choice: ModelChoice, changes: JsonObject, facts: JsonObject = {}): Promise<string> {
    const folder = temporaryFolder();
    await trainModel(join(folder, 'model'), engine, set, choice, { ...OPTIONS, epochs: 1, learningRate: 0.005 });
    const { manifest } = await readArtefact(join(folder, 'model'), 'model');
    const { hidden, model, ...rest } = manifest.parameters;
    const recipe = { kind: 'model', inputs: manifest.inputs, parameters: { ...rest, hidden, model, ...changes } };
    await writeArtefact(join(folder, 'forged'), JSON.parse(JSON.stringify(recipe)), async (staging) => {
      for (const { path } of manifest.files) await copyFile(join(folder, 'model', path), join(staging, path));
      return { ...manifest.facts, ...facts };
    });
    return join(folder, 'forged');
  }

  it('must be the same model', async () => {
    const file = await fileChoice('mlp-opset13.onnx', FIXTURES);
    const picture = { channels: 1, height: 4, width: 4 };
    const sha256 = 'f'.repeat(64);
    const lies: [ModelChoice, JsonObject][] = [
      [{ name: 'mlp', hidden: [3] }, { hidden: [4] }],
      [{ name: 'mlp', hidden: [3] }, { model: { name: 'linear' } }],
      [{ name: 'linear' }, { model: { name: 'resnet9', picture } }],
      [{ name: 'lenet', picture }, { model: { name: 'lenet', picture: { ...picture, width: 5 } } }],
      [file, { model: { name: 'onnx', sha256 } }],
      [file, { model: { name: 'onnx', sha256: file.sha256, output: 'another' } }],
    ];
    // a definition that no choice gives, of as many parameters
    const regressor = await forged({ name: 'mlp', hidden: [] }, {}, { definition: mlpRegressor([16, 5]).definition });
    expect(await refusal(() => readModel(regressor))).toMatch(/the artefact holds .*mlp-regressor/);
    for (const [choice, changes] of lies) {
      const folder = await forged(choice, changes);
      expect(await refusal(() => readModel(folder)), JSON.stringify(changes)).toMatch(
        /The recipe chose the model .*, the artefact holds/,
      );
    }
    // the same way without a lie
    for (const choice of [file, { name: 'linear' }, { name: 'lenet', picture }] as const) {
      const { model } = await readModel(await forged(choice, {}));
      expect(model.definition.name).toBe(choice.name);
    }
  }, 60_000);
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
