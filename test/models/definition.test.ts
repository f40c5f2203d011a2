/** What a manifest says of a model is enough to build it again, and nothing else is believed. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, type JsonObject, packageRoot, Random } from '../../src/foundation/index.js';
import { GraphBuilder, interpret, readOnnx, sizeOf } from '../../src/graph/index.js';
import {
  decoder,
  importedModel,
  lenet,
  linear,
  type Model,
  manifestOf,
  mlp,
  mlpRegressor,
  modelFromDefinition,
  resnet9,
} from '../../src/models/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';

const FIXTURES = join(packageRoot, 'test', 'fixtures', 'onnx');
const PICTURE = { channels: 2, height: 8, width: 9, classes: 3 };
const DECODER = {
  vocabulary: 11,
  context: 6,
  width: 8,
  layers: 1,
  heads: 4,
  keyValueHeads: 2,
  hidden: 10,
  norm: 'rms',
  epsilon: 1e-5,
  positions: 'halves',
  feedForward: 'swiglu',
  head: 'untied',
  biased: ['attention'],
} as const;

const OWN: [string, Model][] = [
  ['mlp', mlp([4, 5, 2])],
  ['mlp with GELU', mlp([4, 5, 2], { activation: 'gelu' })],
  ['mlp that begins uniformly', mlp([4, 5, 2], { initialisation: 'uniform' })],
  ['linear that begins uniformly', linear(4, 2, { initialisation: 'uniform' })],
  ['mlp-regressor', mlpRegressor([4, 5, 2])],
  ['linear', linear(4, 3)],
  ['lenet', lenet(PICTURE)],
  ['resnet9', resnet9({ ...PICTURE, widths: [2, 4, 6, 8] })],
  ['decoder', decoder(DECODER)],
];

/** As it comes out of a manifest. */
const stored = (definition: JsonObject): JsonObject => JSON.parse(canonicalJson(definition)) as JsonObject;

function outputs(model: Model, flat: Float32Array): Float64Array {
  const random = new Random(5);
  const g = new GraphBuilder();
  const values = model.parameters.map(({ offset, shape }) =>
    g.constant(flat.slice(offset, offset + sizeOf(shape)), shape),
  );
  const graph = g.build({ y: model.forward(g, values, g.input('x', [2, ...model.inputShape])) });
  const x = Float64Array.from({ length: 2 * sizeOf(model.inputShape) }, () =>
    model.objective === 'next-token' ? random.below(model.classes) : random.normal(),
  );
  return interpret(graph, { x }).y.data;
}

describe('a model', () => {
  it.each(OWN)('%s is built again from its definition, and computes the same', async (_name, model) => {
    const again = await modelFromDefinition(stored(model.definition), manifestOf('nowhere'));
    expect(again.definition).toEqual(stored(model.definition));
    const layout = ({ objective, inputShape, targetShape, classes, parameters }: Model) => ({
      objective,
      inputShape,
      targetShape,
      classes,
      parameters,
    });
    expect(layout(again)).toEqual(layout(model));
    const flat = again.initialise(new Random(3));
    expect(flat).toEqual(model.initialise(new Random(3)));
    expect(outputs(again, flat)).toEqual(outputs(model, flat));
  });

  it('from a file is built again from the file in its folder', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'model.onnx');
    await copyFile(join(FIXTURES, 'mlp-opset13.onnx'), file);
    const { model, parameters } = importedModel(await readOnnx(file), { objective: 'class' });
    const again = await modelFromDefinition(stored(model.definition), manifestOf(folder));
    expect(again.initialise(new Random(1))).toEqual(parameters);
    expect(outputs(again, parameters)).toEqual(outputs(model, parameters));
    // the file of another model beside the same definition
    await copyFile(join(FIXTURES, 'regressor-opset15.onnx'), file);
    expect(await refusal(() => modelFromDefinition(stored(model.definition), manifestOf(folder)))).toMatch(
      /defines .* which Meed would call|no output/,
    );
    const empty = join(folder, 'empty');
    await mkdir(empty);
    expect(await refusal(() => modelFromDefinition(stored(model.definition), manifestOf(empty)))).toMatch(
      /model.onnx does not exist/,
    );
  });
});

describe('no model', () => {
  const mlpSays = (widths: Json): JsonObject => ({ name: 'mlp', widths });
  it.each<[string, Json | undefined, RegExp]>([
    ['nothing', undefined, /says nothing about what the model is/],
    ['a text', 'mlp', /says nothing/],
    ['a list', [mlpSays([2, 2])], /says nothing/],
    ['an unknown name', { name: 'vgg' }, /says "vgg" about/],
    ['an inherited name', { name: 'constructor' }, /says "constructor" about/],
    ['a name that is none', { name: 7 }, /says 7 about/],
    ['an mlp without widths', { name: 'mlp' }, /the model mlp with widths = nothing/],
    ['widths that are a text', mlpSays('4,2'), /widths = "4,2"/],
    ['widths with a text', mlpSays([4, '2']), /widths = \[4,"2"\]/],
    ['a width of nothing', mlpSays([4, 0]), /cannot have the widths \[4,0\]/],
    ['half a width', mlpSays([4, 2.5]), /cannot have the widths/],
    ['endless widths', mlpSays([1e9, 1e9]), /would have \d+/],
    [
      'an mlp with more to say',
      { name: 'mlp', widths: [4, 2], bias: 'none' },
      /defines .*bias.* which Meed would call/,
    ],
    ['linear with a text', { name: 'linear', inputs: '4', classes: 2 }, /inputs = "4"/],
    ['a small picture', { name: 'lenet', ...PICTURE, height: 2 }, /LeNet cannot tell/],
    ['ResNet-9 without widths', { name: 'resnet9', ...PICTURE }, /widths = nothing/],
    ['a decoder of another norm', { ...stored(decoder(DECODER).definition), norm: 'batch' }, /norm = "batch"/],
    ['a decoder with another bias', { ...stored(decoder(DECODER).definition), biased: ['all'] }, /biased = \["all"\]/],
    ['a decoder of endless layers', { ...stored(decoder(DECODER).definition), layers: 1e9 }, /layers 1000000000/],
    ['a file for another objective', { name: 'onnx', objective: 'guess' }, /objective = "guess"/],
    [
      'a file filled with text',
      { name: 'onnx', objective: 'class', output: 'y', fill: { mask: 'one' } },
      /fill = \{"mask":"one"\}/,
    ],
  ])('is built of %s', async (_what, definition, sentence) => {
    expect(await refusal(() => modelFromDefinition(definition, manifestOf('nowhere')))).toMatch(sentence);
  });
});
