import { describe, expect, it } from 'vitest';
import { glyphs } from '../../datasets/glyphs.js';
import { cpuEngine } from '../../src/engine/index.js';
import { Random, silent } from '../../src/foundation/index.js';
import {
  capture,
  differentiate,
  GraphBuilder,
  interpret,
  materialise,
  reduceSum,
  sizeOf,
  type Value,
} from '../../src/graph/index.js';
import {
  accuracy,
  fitNormalisation,
  lenet,
  linear,
  type Model,
  mlp,
  normalise,
  predict,
  resnet9,
  selectSamples,
  train,
} from '../../src/models/index.js';

const TINY: [string, Model][] = [
  ['LeNet', lenet({ channels: 2, height: 6, width: 5, classes: 3 })],
  ['ResNet-9', resnet9({ channels: 2, height: 9, width: 8, classes: 3, widths: [2, 4, 3, 4] })],
];
const SAMPLES = 3;

interface Point {
  readonly values: Record<string, Float64Array>;
  readonly x: Float64Array;
  readonly targets: number[];
}

function pointOf(model: Model): Point {
  const random = new Random(3);
  const flat = model.initialise(random);
  const values = Object.fromEntries(
    model.parameters.map(({ name, offset, shape }) => [
      name,
      // off the initialisation, whose biases and scales are all alike
      Float64Array.from(flat.subarray(offset, offset + sizeOf(shape)), (w) => w + 0.1 * random.normal()),
    ]),
  );
  const x = Float64Array.from({ length: SAMPLES * sizeOf(model.inputShape) }, () => random.normal());
  return { values, x, targets: [2, 0, 1] };
}

function lossAndGradients(model: Model, samples: number) {
  const g = new GraphBuilder();
  const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
  const output = model.forward(g, parameters, g.input('x', [samples, ...model.inputShape]));
  const losses = model.losses(g, output, g.input('targets', [samples, 1]));
  const gradients = differentiate(g, reduceSum(g, losses, [0]), parameters);
  return g.build({ losses, ...Object.fromEntries(gradients.map((value, p) => [`d${p}`, value])) });
}

describe.each(TINY)('%s', (_name, model) => {
  const { values, x, targets } = pointOf(model);
  const width = sizeOf(model.inputShape);

  it('lays its parameters out without gap or overlap', () => {
    let next = 0;
    for (const { offset, shape } of model.parameters) {
      expect(offset).toBe(next);
      next += sizeOf(shape);
    }
    expect(next).toBe(model.parameterCount);
  });

  it('gives logits for each sample, whatever stands beside it in the batch', () => {
    const logits = (rows: readonly number[]) => {
      const g = new GraphBuilder();
      const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
      const graph = g.build({
        logits: model.forward(g, parameters, g.input('x', [rows.length, ...model.inputShape])),
      });
      expect(graph.outputs.get('logits')?.shape).toEqual([rows.length, 3]);
      const picked = rows.flatMap((row) => [...x.subarray(row * width, (row + 1) * width)]);
      return [...interpret(graph, { ...values, x: picked }).logits.data];
    };
    const all = logits([0, 1, 2]);
    expect(logits([2, 1])).toEqual([...all.slice(6, 9), ...all.slice(3, 6)]);
    expect(new Set(all).size).toBe(9);
  });

  it('has the gradient of central differences', () => {
    const graph = lossAndGradients(model, SAMPLES);
    const lossAt = (changed: Record<string, Float64Array>) =>
      interpret(graph, { ...values, ...changed, x, targets }).losses.data.reduce((a, b) => a + b, 0);
    const exact = interpret(graph, { ...values, x, targets });
    const random = new Random(8);
    const step = 1e-6;
    for (const [p, { name, shape }] of model.parameters.entries()) {
      for (const at of new Set([0, 1, 2].map(() => random.below(sizeOf(shape))))) {
        const moved = (by: number) => ({ [name]: values[name].with(at, values[name][at] + by) });
        const difference = (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
        expect(Math.abs(exact[`d${p}`].data[at] - difference)).toBeLessThan(1e-6 * Math.max(1, Math.abs(difference)));
      }
    }
  });

  it("has captured factors whose products are those of each sample's own gradient", () => {
    const g = new GraphBuilder();
    const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
    const [batch, ids] = [g.input('x', [SAMPLES, ...model.inputShape]), g.input('targets', [SAMPLES, 1])];
    const losses = model.losses(g, model.forward(g, parameters, batch), ids);
    const blocks = capture(g, { losses, batch: [batch, ids], parameters });
    expect(new Set(blocks.map(({ parameter }) => parameter)).size).toBe(model.parameters.length);
    const outputs: Record<string, Value> = {};
    for (const [b, { term }] of blocks.entries()) outputs[`b${b}`] = materialise(g, term);
    const captured = Object.values(interpret(g.build(outputs), { ...values, x, targets }));
    const alone = lossAndGradients(model, 1);
    const gradients = targets.map((target, i) => {
      const one = interpret(alone, { ...values, x: x.subarray(i * width, (i + 1) * width), targets: [target] });
      return model.parameters.map((_, p) => one[`d${p}`].data);
    });
    for (let i = 0; i < SAMPLES; i++) {
      for (let j = 0; j <= i; j++) {
        const product = captured.reduce((sum, { shape: [, size], data }) => {
          for (let e = 0; e < size; e++) sum += data[i * size + e] * data[j * size + e];
          return sum;
        }, 0);
        const expected = gradients[i].reduce((sum, part, p) => {
          for (let e = 0; e < part.length; e++) sum += part[e] * gradients[j][p][e];
          return sum;
        }, 0);
        expect(Math.abs(product - expected)).toBeLessThan(1e-10 * Math.max(1, Math.abs(expected)));
      }
    }
  });

  it('drops where it is told to, and nowhere else', () => {
    const g = new GraphBuilder();
    const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
    const dropped: number[][] = [];
    model.forward(g, parameters, g.input('x', [2, ...model.inputShape]), (_g, y) => {
      dropped.push([...y.shape]);
      return y;
    });
    const expected = model.definition.name === 'lenet' ? [120, 84] : [4];
    expect(dropped).toEqual(expected.map((units) => [2, units]));
  });
});

describe('initialisation', () => {
  it('has the deviation of He for filters and linear layers, scales of 1, biases of 0', () => {
    const model = resnet9({ channels: 3, height: 8, width: 8, classes: 100, widths: [64, 64, 64, 64] });
    const flat = model.initialise(new Random(1));
    for (const { name, offset, shape } of model.parameters) {
      const part = flat.subarray(offset, offset + sizeOf(shape));
      if (name.endsWith('.scale')) expect(part.every((value) => value === 1)).toBe(true);
      else if (name.endsWith('.bias')) expect(part.every((value) => value === 0)).toBe(true);
      else {
        const fanIn = shape.length === 4 ? shape[1] * 9 : shape[0];
        const variance = part.reduce((sum, value) => sum + value * value, 0) / part.length;
        expect(variance * (fanIn / 2)).toBeCloseTo(1, name === 'stage0.weight' ? 0 : 1);
      }
    }
  });
});

describe('what is no picture is refused', () => {
  const shape = { channels: 1, height: 16, width: 16, classes: 10 };
  it.each([
    ['too small for LeNet', () => lenet({ ...shape, width: 3 }), /LeNet cannot tell .* 1×16×3.*at least 4/],
    ['too small for ResNet-9', () => resnet9({ ...shape, height: 7 }), /ResNet-9 cannot tell .*at least 8/],
    ['no channels', () => lenet({ ...shape, channels: 0 }), /0×16×16/],
    ['half a class', () => resnet9({ ...shape, classes: 1.5 }), /1\.5 classes/],
    ['three stages', () => resnet9({ ...shape, widths: [8, 8, 8] }), /widths \[8,8,8\]/],
    ['endless channels', () => resnet9({ ...shape, widths: [1e5, 1e5, 1e5, 1e5] }), /would have \d+ parameters/],
  ])('%s', (_what, make, sentence) => {
    expect(make).toThrow(sentence);
  });
});

describe('trained on glyphs for four epochs', () => {
  it('LeNet and ResNet-9 tell held-out signs apart better than the linear model', async () => {
    const engine = cpuEngine();
    const { card, train: rows, heldOut } = await glyphs.load({ seed: 1, progress: silent });
    const fit = fitNormalisation(rows.features, rows.width);
    const honest = normalise(fit, rows, rows.labels);
    // every other row, for the sake of the time
    const positions = Array.from({ length: Math.floor(rows.rows / 2) }, (_, i) => 2 * i);
    const samples = selectSamples(honest, positions);
    const held = normalise(fit, heldOut, heldOut.labels);
    const [height, width] = card.featureShape;
    const picture = { channels: 1, height, width, classes: card.classes.length };
    const options = { epochs: 4, batch: 32, momentum: 0.9, seed: 2 };
    const reached = async (model: Model, learningRate: number) => {
      const { states, losses } = await train(engine, model, samples, { ...options, learningRate });
      expect(losses[3]).toBeLessThan(losses[0]);
      const { parameters } = states[states.length - 1];
      return accuracy(await predict(engine, model, parameters, held), held.targets, model.classes);
    };
    const flat = await reached(linear(rows.width, picture.classes), 0.01);
    const ofLenet = await reached(lenet(picture), 0.01);
    const ofResnet = await reached(resnet9({ ...picture, widths: [8, 16, 32, 32] }), 0.03);
    expect(ofLenet).toBeGreaterThan(flat + 0.02);
    expect(ofResnet).toBeGreaterThan(flat + 0.02);
  }, 120_000);
});

describe('the linear model', () => {
  it('is the perceptron without a hidden layer, under its own name', () => {
    const [one, other] = [linear(5, 3), mlp([5, 3])];
    expect(one.definition).toEqual({ name: 'linear', inputs: 5, classes: 3 });
    expect(one.parameters).toEqual(other.parameters);
    expect(one.initialise(new Random(1))).toEqual(other.initialise(new Random(1)));
  });
});
