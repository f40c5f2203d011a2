/** Scalars of an output that are explained beside the training loss: the margin, a span of tokens, any output of a file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import {
  differentiate,
  encodeOnnx,
  GraphBuilder,
  interpret,
  matmul,
  multiply,
  readOnnx,
  reduceSum,
  reshape,
} from '../../src/graph/index.js';
import { openFactors } from '../../src/influence/index.js';
import {
  decoder,
  factorGraph,
  INPUT,
  importedModel,
  type Losses,
  marginLosses,
  mlp,
  nextTokenLosses,
  spanTargets,
  train,
} from '../../src/models/index.js';
import { temporaryFolder } from '../data/fixture.js';

const engine = cpuEngine();

/** Value and gradient with respect to the logits. */
function at(losses: Losses, shape: readonly number[], logits: ArrayLike<number>, targets: readonly number[]) {
  const g = new GraphBuilder();
  const z = g.input('z', shape);
  const value = losses(g, z, g.input('t', [shape[0], targets.length / shape[0]]));
  const [gradient] = differentiate(g, reduceSum(g, value, [0]), [z]);
  return interpret(g.build({ value, gradient }), { z: logits, t: targets });
}

const softmax = (z: readonly number[]) => {
  const exps = z.map(Math.exp);
  return exps.map((e) => e / exps.reduce((a, b) => a + b, 0));
};

describe('the margin', () => {
  const logits = [0.3, -1.2, 2, 0.1, 1.5, -0.4, 0.7, -2];

  it('is −log(p/(1 − p)) of the target class', () => {
    const { value } = at(marginLosses, [2, 4], logits, [2, 1]);
    expect(value.shape).toEqual([2, 1]);
    for (const [i, target] of [2, 1].entries()) {
      const p = softmax(logits.slice(4 * i, 4 * i + 4))[target];
      expect(value.data[i]).toBeCloseTo(-Math.log(p / (1 - p)), 12);
    }
  });

  it('has the gradient of central differences', () => {
    const { gradient } = at(marginLosses, [2, 4], logits, [0, 3]);
    for (const k of logits.keys()) {
      const moved = (by: number) => at(marginLosses, [2, 4], logits.with(k, logits[k] + by), [0, 3]).value.data;
      const [up, down] = [moved(1e-6), moved(-1e-6)];
      expect(gradient.data[k]).toBeCloseTo((up[0] + up[1] - down[0] - down[1]) / 2e-6, 8);
    }
  });

  it('is finite, with a gradient of full length, where the model is sure', async () => {
    const { value, gradient } = at(marginLosses, [1, 3], [1000, 0, -5], [0]);
    expect(value.data[0]).toBeCloseTo(-1000 + Math.log(1 + Math.exp(-5)), 9);
    expect(gradient.data[0]).toBe(-1);
    const g = new GraphBuilder();
    const program = await engine.compile(
      g.build({ value: marginLosses(g, g.input('z', [1, 3]), g.input('t', [1, 1])) }),
    );
    const { value: single } = await program.run({
      z: { shape: [1, 3], data: Float32Array.of(1000, 0, -5) },
      t: { shape: [1, 1], data: Float32Array.of(0) },
    });
    await program.dispose();
    expect(single.data[0]).toBeCloseTo(-1000, 1);
  });

  it('is 0 and moves nothing where there is no target', () => {
    const { value, gradient } = at(marginLosses, [2, 4], logits, [-1, 1]);
    expect(value.data[0]).toBe(0);
    expect([...gradient.data.slice(0, 4)].every((d) => d === 0)).toBe(true);
    expect(value.data[1]).not.toBe(0);
  });

  it('of a sequence is the mean over the tokens that are asked for', () => {
    const { value } = at(marginLosses, [1, 2, 4], logits, [2, -1]);
    expect(value.data[0]).toBe(at(marginLosses, [1, 4], logits.slice(0, 4), [2]).value.data[0]);
    const both = at(marginLosses, [1, 2, 4], logits, [2, 1]).value.data[0];
    const each = at(marginLosses, [2, 4], logits, [2, 1]).value.data;
    expect(both).toBeCloseTo((each[0] + each[1]) / 2, 12);
  });

  it('is captured instead of the loss where it is asked for', () => {
    const model = mlp([3, 4, 3]);
    const { graph, blocks } = factorGraph(model, 2, marginLosses);
    const parameters = Float64Array.from(model.initialise(new Random(4)));
    const feeds = { x: [0.3, -1, 0.8, 1.1, 0.2, -0.5], targets: [1, 2] };
    const result = interpret(graph, { parameters, ...feeds });
    const numbers = new Map([
      ...Object.entries(result).map(([name, { data }]) => [name, data] as const),
      [INPUT, Float64Array.from(feeds.x)],
    ]);
    const moved = (p: number, by: number) =>
      interpret(graph, { parameters: parameters.with(p, parameters[p] + by), ...feeds }).losses.data;
    // the squared norm of each sample's gradient, from the factors and by central differences
    for (const i of [0, 1]) {
      let squares = 0;
      for (const p of parameters.keys()) squares += ((moved(p, 1e-6)[i] - moved(p, -1e-6)[i]) / 2e-6) ** 2;
      let captured = 0;
      for (const { term, parts } of blocks) {
        const norms = parts.map(({ output, shape }) => {
          const data = numbers.get(output) ?? new Float64Array();
          const width = data.length / shape[0];
          return data.subarray(i * width, (i + 1) * width).reduce((sum, x) => sum + x * x, 0);
        });
        // one position a sample: the gradient is the outer product of its factors
        expect(['outer', 'direct']).toContain(term.kind);
        captured += norms.reduce((product, norm) => product * norm, 1);
      }
      expect(captured / squares).toBeCloseTo(1, 6);
    }
  });

  it('needs two classes', () => {
    expect(() => at(marginLosses, [2, 1], [1, 2], [0, 0])).toThrow(/One class has no margin/);
  });
});

describe('a span of tokens', () => {
  const tokens = [3, 1, 4, 1, 5, 2];

  it('asks for its own tokens, each at the place before it', () => {
    expect([...spanTargets(tokens, 2, 4)]).toEqual([-1, 4, 1, -1, -1, -1]);
    expect([...spanTargets(tokens, 1, 6)]).toEqual([1, 4, 1, 5, 2, -1]);
  });

  it('has the mean loss of its tokens, whatever the length of the text around it', () => {
    const random = new Random(2);
    const logits = Float64Array.from({ length: 6 * 7 }, () => random.normal());
    const loss = (targets: ArrayLike<number>) =>
      at(nextTokenLosses, [1, 6, 7], logits, Array.from(targets)).value.data[0];
    const alone = [2, 3].map((token) => loss(spanTargets(tokens, token, token + 1)));
    expect(loss(spanTargets(tokens, 2, 4))).toBeCloseTo((alone[0] + alone[1]) / 2, 12);
    const expected = -Math.log(softmax([...logits.slice(7, 14)])[4]);
    expect(alone[0]).toBeCloseTo(expected, 12);
    // no token: no loss, and no division by nothing
    expect(loss(new Array<number>(6).fill(-1))).toBe(0);
  });

  it('is explained by the factors of a decoder', async () => {
    const model = decoder({
      vocabulary: 7,
      context: 6,
      width: 8,
      layers: 1,
      heads: 2,
      keyValueHeads: 2,
      hidden: 8,
      norm: 'rms',
      epsilon: 1e-5,
      positions: 'halves',
      feedForward: 'swiglu',
      head: 'untied',
      biased: [],
    });
    const parameters = model.initialise(new Random(5));
    const row = { rows: 1, width: 6, features: Float32Array.from(tokens) };
    const source = await openFactors(engine, model);
    const of = async (start: number, end: number) =>
      (await source.factors(parameters, { ...row, targets: spanTargets(tokens, start, end) })).losses[0];
    expect(await of(2, 5)).toBeCloseTo(((await of(2, 4)) * 2 + (await of(4, 5))) / 3, 6);
    await source.dispose();
  });

  it.each([
    [0, 2],
    [2, 2],
    [3, 2],
    [1, 7],
    [1.5, 3],
    [1, Number.NaN],
  ])('from %s to %s is refused', (start, end) => {
    expect(() => spanTargets(tokens, start, end)).toThrow(/text of 6 tokens has no span/);
  });
});

describe('an output that is the loss itself', () => {
  const WIDTH = 3;

  /** An energy ‖x W‖², once as [batch] and once as [batch, 1], beside an output that is no scalar. */
  async function energyFile(samples: number): Promise<string> {
    const g = new GraphBuilder();
    const x = g.input('x', [samples, WIDTH]);
    const y = matmul(g, x, g.constant([1, 0.5, -1, 2, 0.25, -0.5], [WIDTH, 2]));
    const column = reduceSum(g, multiply(g, y, y), [1]);
    const file = join(temporaryFolder(), 'energy.onnx');
    await writeFile(file, encodeOnnx(g.build({ y, column, flat: reshape(g, column, [samples]) })));
    return file;
  }

  it.each(['flat', 'column'])('%s needs no targets, is lowered by training, and has factors', async (scalar) => {
    const { model, parameters } = importedModel(await readOnnx(await energyFile(4)), { objective: { scalar } });
    expect(model).toMatchObject({ objective: 'scalar', classes: 0, targetShape: [1] });
    const features = Float32Array.of(1, 2, 3, -1, 0, 1, 0.5, 0.5, 0, 2, -1, 1);
    const samples = { rows: 4, width: WIDTH, features, targets: new Float32Array(4) };
    const { graph } = factorGraph(model, 4);
    const { losses } = interpret(graph, { parameters, x: features });
    for (const i of [0, 1, 2, 3]) {
      const x = features.subarray(3 * i, 3 * i + 3);
      const y = [0, 1].map((o) => x.reduce((sum, value, k) => sum + value * parameters[2 * k + o], 0));
      expect(losses.data[i]).toBeCloseTo(y[0] ** 2 + y[1] ** 2, 10);
    }
    const options = { epochs: 5, batch: 4, learningRate: 0.03, momentum: 0, seed: 1 };
    const { losses: epochs } = await train(engine, model, samples, options);
    expect(epochs[0]).toBeCloseTo(losses.data.reduce((a, b) => a + b, 0) / 4, 4);
    expect(epochs[4]).toBeLessThan(0.7 * epochs[0]);
  });

  it('must be one number a sample', async () => {
    const file = await readOnnx(await energyFile(4));
    expect(() => importedModel(file, { objective: { scalar: 'y' } })).toThrow(/shape \[4,2\].*one number a sample/);
    expect(() => importedModel(file, { objective: { scalar: 'z' } })).toThrow(/no output "z"/);
  });
});
