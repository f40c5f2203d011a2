/** Checkpoints of one graph as one model; files that only look alike are refused by what differs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot, Random } from '../../src/foundation/index.js';
import {
  add,
  encodeOnnx,
  GraphBuilder,
  type ImportedModel,
  interpret,
  leakyRelu,
  matmul,
  multiply,
  readOnnx,
  relu,
  tanh,
  type Value,
} from '../../src/graph/index.js';
import { importedCheckpoints } from '../../src/models/index.js';
import { temporaryFolder } from '../data/fixture.js';

const CLASS = { objective: 'class' } as const;

interface Form {
  readonly seed: number;
  readonly hidden?: number;
  readonly input?: string;
  readonly output?: string;
  /** Fed statistics, no weights. */
  readonly scale?: number;
  activation?(g: GraphBuilder, x: Value): Value;
  last?(g: GraphBuilder, x: Value): Value;
}

/** A perceptron 3 – hidden – 2 with random weights, as a file. */
async function checkpoint(form: Form): Promise<ImportedModel> {
  const { seed, hidden = 4, input = 'x', output = 'logits', scale = 2, activation = relu, last } = form;
  const random = new Random(seed);
  const g = new GraphBuilder();
  const weights = (shape: readonly number[]) =>
    g.constant(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      shape,
    );
  const x = multiply(g, g.input(input, [2, 3]), g.constant([scale], [1, 1]));
  const inside = activation(g, add(g, matmul(g, x, weights([3, hidden])), weights([hidden])));
  const logits = add(g, matmul(g, inside, weights([hidden, 2])), weights([2]));
  const file = join(temporaryFolder(), 'checkpoint.onnx');
  await writeFile(file, encodeOnnx(g.build({ [output]: last ? last(g, logits) : logits })));
  return readOnnx(file);
}

describe('checkpoints of one graph', () => {
  it('are one model with the weights of each, and each gives the outputs of its own file', async () => {
    const files = [await checkpoint({ seed: 1 }), await checkpoint({ seed: 2 }), await checkpoint({ seed: 3 })];
    const { model, parameters } = importedCheckpoints(files, CLASS);
    expect(parameters.length).toBe(3);
    expect(new Set(parameters.map((flat) => flat[0])).size).toBe(3);
    const x = [0.4, -1, 2, 0, 0.3, -0.2];
    for (const [c, file] of files.entries()) {
      const g = new GraphBuilder();
      const values = model.parameters.map(({ offset, shape }) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return g.constant(parameters[c].slice(offset, offset + size), shape);
      });
      const own = file.parameters.map(({ data, shape }) => g.constant(Float32Array.from(data), shape));
      const input = g.input('in', [2, 3]);
      const graph = g.build({
        ours: model.forward(g, values, input),
        theirs: file.build(g, { samples: 2, parameters: own, inputs: [input] }).logits,
      });
      const { ours, theirs } = interpret(graph, { in: x });
      expect(ours.data).toEqual(theirs.data);
      expect(ours.data.some((y) => y !== 0)).toBe(true);
    }
  });

  it('are matched by the names of their weights, not by their order', async () => {
    const [first, second] = [await checkpoint({ seed: 1 }), await checkpoint({ seed: 2 })];
    const turned: ImportedModel = {
      ...second,
      parameters: second.parameters.toReversed(),
      build: (g, options) => second.build(g, { ...options, parameters: options.parameters.toReversed() }),
    };
    expect(importedCheckpoints([first, turned], CLASS).parameters).toEqual(
      importedCheckpoints([first, second], CLASS).parameters,
    );
  });

  it('may be a single one of PyTorch', async () => {
    const file = await readOnnx(join(packageRoot, 'test', 'fixtures', 'onnx', 'mlp-opset13.onnx'));
    const { model, parameters } = importedCheckpoints([file, file], CLASS);
    expect(parameters[1]).toEqual(parameters[0]);
    expect(parameters[0].length).toBe(model.parameterCount);
  });

  it.each<[string, Form, RegExp]>([
    [
      'another width',
      { seed: 2, hidden: 5 },
      /Checkpoint 2 of 2 has the weight ".*" in shape \[3,5\], the first in \[3,4\]/,
    ],
    ['another activation', { seed: 2, activation: tanh }, /computes Tanh in ".*" where the first has Relu in "/],
    ['one operator more', { seed: 2, last: relu }, /goes on with Relu/],
    [
      'another input',
      { seed: 2, input: 'features' },
      /has the inputs features: real \[2,3\], the first x: real \[2,3\]/,
    ],
    ['another output', { seed: 2, output: 'scores' }, /has the outputs scores: \[2,2\], the first logits/],
    ['another constant', { seed: 2, scale: 3 }, /stores other numbers .*no weight, used by Mul in .*trainable/],
  ])('are not with %s', async (_what, form, sentence) => {
    const [first, other] = [await checkpoint({ seed: 1 }), await checkpoint(form)];
    expect(() => importedCheckpoints([first, other], CLASS)).toThrow(sentence);
  });

  it('say the slope of an activation apart', async () => {
    const slope = (value: number) => checkpoint({ seed: 1, activation: (g, x) => leakyRelu(g, x, value) });
    const [first, same, other] = [await slope(0.1), await slope(0.1), await slope(0.3)];
    expect(importedCheckpoints([first, same], CLASS).parameters.length).toBe(2);
    expect(() => importedCheckpoints([first, other], CLASS)).toThrow(/Checkpoint 2 of 2/);
  });

  it('name the weights that one lacks and the other has', async () => {
    const [first, other] = [await checkpoint({ seed: 1 }), await checkpoint({ seed: 2 })];
    const [{ name }, ...rest] = other.parameters;
    expect(() => importedCheckpoints([first, { ...other, parameters: rest }], CLASS)).toThrow(
      new RegExp(`lacks the weights "${name}"`),
    );
    const renamed = [{ ...other.parameters[0], name: 'stranger' }, ...rest];
    expect(() => importedCheckpoints([first, { ...other, parameters: renamed }], CLASS)).toThrow(
      new RegExp(`lacks the weights "${name}" and has the weights "stranger"`),
    );
  });

  it('are at least one', () => {
    expect(() => importedCheckpoints([], CLASS)).toThrow(/No checkpoint was given/);
  });
});
