import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { differentiate, type Graph, GraphBuilder, interpret, reduceSum } from '../../src/graph/index.js';
import { type DecoderShape, decoder } from '../../src/models/decoder.js';
import { generateGreedy } from '../../src/models/generate.js';
import { type Model, predict } from '../../src/models/index.js';

const LLAMA: DecoderShape = {
  vocabulary: 11,
  context: 6,
  width: 8,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  hidden: 10,
  norm: 'rms',
  epsilon: 1e-5,
  positions: 'halves',
  feedForward: 'swiglu',
  head: 'untied',
  biased: [],
};
const GPT2: DecoderShape = {
  ...LLAMA,
  keyValueHeads: 4,
  norm: 'layer',
  positions: 'learned',
  feedForward: 'gelu-tanh',
  head: 'tied',
  biased: ['attention', 'feedForward'],
};
const MULTI_QUERY: DecoderShape = {
  ...LLAMA,
  keyValueHeads: 1,
  headWidth: 6,
  positions: 'interleaved',
  head: 'tied',
  feedForward: 'gelu',
};
const FORMS: [string, DecoderShape][] = [
  ['Llama', LLAMA],
  ['GPT-2', GPT2],
  ['multi-query', MULTI_QUERY],
];

const random = new Random(4);
const parametersOf = (model: Model): Float64Array =>
  Float64Array.from({ length: model.parameterCount }, () => 0.4 * random.normal());
const named = (model: Model, flat: Float64Array): Record<string, Float64Array> =>
  Object.fromEntries(
    model.parameters.map(({ name, offset, shape }) => [
      name,
      flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1)),
    ]),
  );
const tokens = (count: number, vocabulary: number): number[] =>
  Array.from({ length: count }, () => random.below(vocabulary));

function graphOf(model: Model, batch: number, length: number, what: 'logits' | 'loss and gradients'): Graph {
  const g = new GraphBuilder();
  const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
  const logits = model.forward(g, parameters, g.input('x', [batch, length]));
  if (what === 'logits') return g.build({ logits });
  const loss = reduceSum(g, model.losses(g, logits, g.input('targets', [batch, length])), [0]);
  const gradients = differentiate(g, loss, parameters);
  return g.build({ loss, ...Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])) });
}

describe.each(FORMS)('the decoder of %s form', (_name, shape) => {
  const model = decoder(shape);

  it('lays its parameters out without gap or overlap', () => {
    let next = 0;
    for (const { offset, shape: extents } of model.parameters) {
      expect(offset).toBe(next);
      next += extents.reduce((a, b) => a * b, 1);
    }
    expect(next).toBe(model.parameterCount);
    expect(new Set(model.parameters.map(({ name }) => name)).size).toBe(model.parameters.length);
  });

  it('sees no later token: logits do not change with what follows', () => {
    const flat = parametersOf(model);
    const read = (x: number[]): Float64Array =>
      interpret(graphOf(model, 1, x.length, 'logits'), { ...named(model, flat), x }).logits.data;
    const x = tokens(6, 11);
    const whole = read(x);
    const changed = read([...x.slice(0, 3), ...x.slice(3).map((token) => (token + 1) % 11)]);
    expect(changed.subarray(0, 33)).toEqual(whole.subarray(0, 33));
    expect(changed.subarray(33)).not.toEqual(whole.subarray(33));
    const short = read(x.slice(0, 3));
    for (const [i, logit] of short.entries()) expect(logit).toBeCloseTo(whole[i], 12);
    // and every token before counts
    const first = read([(x[0] + 1) % 11, ...x.slice(1)]);
    expect(Math.abs(first[5 * 11] - whole[5 * 11])).toBeGreaterThan(1e-6);
  });

  it('samples of a batch do not mix', () => {
    const flat = parametersOf(model);
    const [a, b] = [tokens(5, 11), tokens(5, 11)];
    const one = (x: number[]) => interpret(graphOf(model, 1, 5, 'logits'), { ...named(model, flat), x }).logits.data;
    const both = interpret(graphOf(model, 2, 5, 'logits'), { ...named(model, flat), x: [...a, ...b] }).logits.data;
    for (const [i, logit] of [...one(a), ...one(b)].entries()) expect(both[i]).toBeCloseTo(logit, 12);
  });

  it('predicts logits of every token of every row', async () => {
    const flat = Float32Array.from(parametersOf(model));
    const [a, b] = [tokens(6, 11), tokens(6, 11)];
    const samples = { rows: 2, width: 6, features: Float32Array.from([...a, ...b]), targets: new Int32Array(12) };
    const outputs = await predict(cpuEngine(), model, flat, samples);
    expect(outputs.length).toBe(2 * 6 * 11);
    const alone = interpret(graphOf(model, 1, 6, 'logits'), { ...named(model, Float64Array.from(flat)), x: b }).logits;
    for (const [i, logit] of alone.data.entries()) expect(outputs[66 + i]).toBeCloseTo(logit, 4);
  });

  it('has the gradient of its loss by finite differences, for every parameter', () => {
    const flat = parametersOf(model);
    const graph = graphOf(model, 2, 4, 'loss and gradients');
    const batch = { x: tokens(8, 11), targets: [...tokens(7, 11), -1] };
    const exact = interpret(graph, { ...named(model, flat), ...batch });
    for (const [p, { name, shape: extents }] of model.parameters.entries()) {
      // one random direction in each parameter
      const direction = Float64Array.from({ length: extents.reduce((a, b) => a * b, 1) }, () => random.normal());
      const at = (step: number): number => {
        const all = named(model, flat);
        all[name] = all[name].map((w, i) => w + step * direction[i]);
        return interpret(graph, { ...all, ...batch }).loss.data[0];
      };
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      const along = exact[`d${p}`].data.reduce((sum, d, i) => sum + d * direction[i], 0);
      expect(Math.abs(along - slope)).toBeLessThan(1e-7 * Math.max(1, Math.abs(slope)));
    }
  });

  it('runs on the engine as in the oracle', async () => {
    const flat = parametersOf(model).map(Math.fround);
    const graph = graphOf(model, 2, 6, 'loss and gradients');
    const feeds: Record<string, ArrayLike<number>> = {
      ...named(model, flat),
      x: tokens(12, 11),
      targets: tokens(12, 11),
    };
    const program = await cpuEngine().compile(graph);
    const result = await program.run(
      Object.fromEntries(
        [...graph.inputs].map(([name, { shape: extents }]) => [
          name,
          { shape: extents, data: Float32Array.from(feeds[name]) },
        ]),
      ),
    );
    await program.dispose();
    for (const [name, { data }] of Object.entries(interpret(graph, feeds))) {
      const size = Math.hypot(...data) + 1e-3;
      expect(Math.hypot(...data.map((x, i) => x - result[name].data[i])) / size).toBeLessThan(1e-5);
    }
  });
});

describe('rotary positions', () => {
  it('pair neighbours or halves: the same model when the columns of queries and keys are permuted within each head', () => {
    const [halves, interleaved] = [decoder(LLAMA), decoder({ ...LLAMA, positions: 'interleaved' })];
    const flat = parametersOf(halves);
    const permuted = flat.slice();
    const headWidth = LLAMA.width / LLAMA.heads;
    for (const { name, offset, shape } of halves.parameters) {
      if (!name.endsWith('query.weight') && !name.endsWith('key.weight')) continue;
      const [rows, columns] = shape;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const [head, i] = [Math.floor(c / headWidth), c % headWidth];
          const to = head * headWidth + (i < headWidth / 2 ? 2 * i : 2 * (i - headWidth / 2) + 1);
          permuted[offset + r * columns + to] = flat[offset + r * columns + c];
        }
      }
    }
    const x = tokens(6, 11);
    const of = (model: Model, weights: Float64Array) =>
      interpret(graphOf(model, 1, 6, 'logits'), { ...named(model, weights), x }).logits.data;
    const [a, b] = [of(halves, flat), of(interleaved, permuted)];
    for (const [i, logit] of a.entries()) expect(b[i]).toBeCloseTo(logit, 10);
  });
});

describe('initialisation', () => {
  it("has GPT-2's deviations, unit scales and zero biases; the first loss is that of guessing", () => {
    const model = decoder({ ...GPT2, vocabulary: 50, width: 64, hidden: 256, context: 16 });
    const flat = model.initialise(new Random(1));
    for (const { name, offset, shape } of model.parameters) {
      const part = flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
      if (name.endsWith('.scale')) expect(part.every((x) => x === 1)).toBe(true);
      else if (name.endsWith('.bias')) expect(part.every((x) => x === 0)).toBe(true);
      else {
        const deviation = Math.hypot(...part) / Math.sqrt(part.length);
        const residual = /output|down/.test(name) ? 2 : 1;
        expect(Math.abs(deviation / (0.02 / residual) - 1)).toBeLessThan(0.1);
      }
    }
    const graph = graphOf(model, 1, 8, 'loss and gradients');
    const { loss } = interpret(graph, {
      ...named(model, Float64Array.from(flat)),
      x: tokens(8, 50),
      targets: tokens(8, 50),
    });
    expect(loss.data[0]).toBeCloseTo(Math.log(50), 1);
  });
});

describe('refusals', () => {
  it.each([
    [{ heads: 3, keyValueHeads: 3 }, /3 heads do not divide the width 8/],
    [{ keyValueHeads: 3 }, /3 key-value heads do not divide 4/],
    [{ layers: 0 }, /layers 0/],
    [{ layers: 2 ** 30, width: 4 }, /layers 1073741824/],
    [{ width: 2.5 }, /width 2.5/],
    [{ headWidth: 3 }, /Heads of width 3 cannot be rotated/],
    [{ epsilon: 0 }, /epsilon is 0/],
    [{ vocabulary: 2 ** 30 }, /would have \d+ parameters/],
  ])('%o', (change, message) => {
    expect(() => decoder({ ...LLAMA, ...change })).toThrow(message);
  });

  it('texts longer than the context, prompts that are none', async () => {
    const model = decoder(LLAMA);
    expect(() => graphOf(model, 1, 7, 'logits')).toThrow(/context of 6 cannot read tokens of shape \[1,7\]/);
    const weights = new Float32Array(model.parameterCount);
    const generate = (prompt: number[]) => generateGreedy(cpuEngine(), model, weights, prompt, { count: 1 });
    await expect(generate([])).rejects.toThrow(/prompt has 0 tokens/);
    await expect(generate([1, 11])).rejects.toThrow(/holds the token 11/);
    expect(await generateGreedy(cpuEngine(), model, weights, [1, 2], { count: 100 })).toEqual([1, 2, 0, 0, 0, 0]);
    expect(await generateGreedy(cpuEngine(), model, weights, [1], { count: 9, stop: 0 })).toEqual([1, 0]);
  });
});
