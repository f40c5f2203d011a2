/** Gradient products against per-sample gradients that are materialised in float64, and what scores claim to mean. */
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import {
  differentiate,
  GraphBuilder,
  interpret,
  logSoftmax,
  multiply,
  reduceSum,
  reshape,
  scalar,
  slice,
} from '../../src/graph/index.js';
import {
  FACTOR_CHUNK,
  gradDot,
  inRun,
  MOST_ROWS,
  openFactors,
  openKernel,
  pathScorer,
  stateWeights,
} from '../../src/influence/index.js';
import {
  classLosses,
  type Losses,
  type Model,
  marginLosses,
  mlp,
  type Samples,
  selectSamples,
  train,
} from '../../src/models/index.js';
import { inlinePool } from '../../src/work/index.js';
import { cloud, featuresOf, meanGradient, sampleGradient } from '../models/tiny.js';

const engine = cpuEngine();
const WIDTHS = [6, 8, 5, 3];
const model = mlp(WIDTHS);
const random = new Random(3);
/** Biases that are not zero, so that a bias left out of a product shows. */
const parameters = model.initialise(random).map((w) => w + 0.1 * random.normal());
const samples = cloud(30, 6, 3, 2);
const outputs = cloud(7, 6, 3, 9);

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** One sample's whole gradient: the float64 interpreter on a graph of one row, differentiated with respect to the flat vector. */
function materialised(of: Model, flat: ArrayLike<number>, set: Samples, row: number): Float64Array {
  const g = new GraphBuilder();
  const vector = g.input('w', [of.parameterCount]);
  const x = g.input('x', [1, ...of.inputShape]);
  const values = of.parameters.map(({ offset, shape }) =>
    reshape(g, slice(g, vector, 0, offset, offset + shape.reduce((a, b) => a * b, 1)), shape),
  );
  const hot = g.constant(
    Float32Array.from({ length: of.classes }, (_, c) => (c === set.targets[row] ? -1 : 0)),
    [1, of.classes],
  );
  const loss = reduceSum(g, multiply(g, logSoftmax(g, of.forward(g, values, x)), hot), [0, 1]);
  const [gradient] = differentiate(g, loss, [vector]);
  return interpret(g.build({ gradient }), { w: flat, x: featuresOf(set, row) }).gradient.data;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
const at = ({ shape, data }: Tensor, i: number, j: number): number => data[i * shape[1] + j];

async function score(scorer: ReturnType<typeof gradDot>, of: Samples, against: Samples): Promise<Tensor> {
  const open = await scorer;
  const result = await open.score(of, against);
  await open.dispose();
  return result;
}

describe('gradients', () => {
  it('by the differentiated graph are those of explicit loops', () => {
    for (const row of [0, 11, 29]) {
      const graph = materialised(model, parameters, samples, row);
      const loops = sampleGradient(WIDTHS, parameters, featuresOf(samples, row), samples.targets[row]).gradient;
      for (const [p, value] of loops.entries()) expect(graph[p]).toBeCloseTo(value, 12);
    }
  });

  it('are the outer products of the factors, biases included', async () => {
    const source = await openFactors(engine, model);
    const { blocks, losses } = await source.factors(parameters, samples);
    await source.dispose();
    expect(blocks.map(({ parameter }) => parameter)).toEqual(model.parameters.map(({ name }) => name));
    for (const row of [0, 13, 29]) {
      const exact = sampleGradient(WIDTHS, parameters, featuresOf(samples, row), samples.targets[row]);
      expect(losses[row]).toBeCloseTo(exact.loss, 5);
      for (const [p, { kind, parts }] of blocks.entries()) {
        const { offset, shape } = model.parameters[p];
        const part = (k: number, column: number) => parts[k].data[(row * parts[k].data.length) / samples.rows + column];
        for (let e = 0; e < shape.reduce((a, b) => a * b, 1); e++) {
          const [i, o] = [Math.floor(e / shape[shape.length - 1]), e % shape[shape.length - 1]];
          const entry = kind === 'direct' ? part(0, e) : part(0, i) * part(1, o);
          expect(entry).toBeCloseTo(exact.gradient[offset + e], 5);
        }
      }
    }
  });
});

describe('the gradient kernel', () => {
  it('is the inner products of materialised gradients to 1e-5 of their norms', async () => {
    const scores = await score(gradDot(engine, model, parameters), outputs, samples);
    const left = range(0, outputs.rows).map((q) => materialised(model, parameters, outputs, q));
    const right = range(0, samples.rows).map((i) => materialised(model, parameters, samples, i));
    for (const [q, a] of left.entries()) {
      for (const [i, b] of right.entries()) {
        expect(Math.abs(at(scores, q, i) - dot(a, b))).toBeLessThan(1e-5 * Math.sqrt(dot(a, a) * dot(b, b)));
      }
    }
  });

  it('is symmetric, and its diagonal is the squared norm', async () => {
    const scores = await score(gradDot(engine, model, parameters), samples, samples);
    for (const i of [0, 5, 29]) {
      const g = materialised(model, parameters, samples, i);
      expect(Math.abs(at(scores, i, i) / dot(g, g) - 1)).toBeLessThan(1e-6);
      for (const j of [1, 17]) {
        const scale = Math.sqrt(at(scores, i, i) * at(scores, j, j));
        expect(Math.abs(at(scores, i, j) - at(scores, j, i))).toBeLessThan(1e-6 * scale);
      }
    }
  });

  it('adds its weight times the products to the total it was given', async () => {
    const source = await openFactors(engine, model);
    const left = await source.factors(parameters, outputs);
    const right = await source.factors(parameters, samples);
    await source.dispose();
    const kernel = openKernel(engine);
    const zero = { shape: [7, 30], data: new Float32Array(210) };
    const once = await kernel.accumulate(zero, 1, left, right);
    const twice = await kernel.accumulate(once, -0.25, left, right);
    await kernel.dispose();
    for (const [i, value] of twice.data.entries()) {
      expect(Math.abs(value - 0.75 * once.data[i])).toBeLessThanOrEqual(1e-6 * Math.abs(once.data[i]));
    }
    expect(zero.data.every((value) => value === 0)).toBe(true);
  });

  it('does not depend on how outputs and samples are batched, bit for bit', async () => {
    const manySamples = cloud(MOST_ROWS.samples + FACTOR_CHUNK + 9, 6, 3, 4);
    const manyOutputs = cloud(MOST_ROWS.outputs + 6, 6, 3, 8);
    const all = await score(gradDot(engine, model, parameters), manyOutputs, manySamples);
    const scorer = await gradDot(engine, model, parameters);
    for (const [queries, rows] of [
      [[0], [0]],
      [
        [261, 3],
        [776, 511, 512],
      ],
      [range(0, 262), [5]],
      [[256], range(0, 777)],
      [range(10, 40), range(250, 520)],
    ]) {
      const part = await scorer.score(selectSamples(manyOutputs, queries), selectSamples(manySamples, rows));
      const expected = queries.flatMap((q) => rows.map((i) => at(all, q, i)));
      expect([...part.data]).toEqual(expected);
    }
    await scorer.dispose();
  });

  it('scores a row that occurs twice equally, wherever it stands', async () => {
    const twice = selectSamples(samples, [4, 9, 4, 1, 4]);
    const scores = await score(gradDot(engine, model, parameters), outputs, twice);
    for (let q = 0; q < outputs.rows; q++) {
      expect(at(scores, q, 0)).toBe(at(scores, q, 2));
      expect(at(scores, q, 0)).toBe(at(scores, q, 4));
    }
  });
});

describe('the sign', () => {
  it('positive means helped: a small step on the sample lowers the loss of the output by step × score', async () => {
    const scores = await score(gradDot(engine, model, parameters), outputs, samples);
    const lossAt = (flat: ArrayLike<number>, q: number): number =>
      sampleGradient(WIDTHS, flat, featuresOf(outputs, q), outputs.targets[q]).loss;
    const epsilon = 1e-5;
    let [positive, negative] = [0, 0];
    for (let q = 0; q < outputs.rows; q++) {
      for (let i = 0; i < samples.rows; i++) {
        const { gradient } = sampleGradient(WIDTHS, parameters, featuresOf(samples, i), samples.targets[i]);
        const stepped = Float64Array.from(parameters, (w, p) => w - epsilon * gradient[p]);
        const fall = lossAt(parameters, q) - lossAt(stepped, q);
        const predicted = at(scores, q, i);
        if (Math.abs(predicted) < 0.05) continue;
        expect(Math.sign(fall)).toBe(Math.sign(predicted));
        expect(Math.abs(fall / epsilon / predicted - 1)).toBeLessThan(0.02);
        if (predicted > 0) positive++;
        else negative++;
      }
    }
    expect(Math.min(positive, negative)).toBeGreaterThan(10);
  });
});

describe('another target than the loss', () => {
  it('is explained by its own gradient against the samples’ loss: the margin, by finite differences of explicit loops', async () => {
    const scores = await score(gradDot(engine, model, parameters, { target: marginLosses }), outputs, samples);
    // loss = log(1 + exp(margin))
    const marginAt = (flat: ArrayLike<number>, q: number): number =>
      Math.log(Math.expm1(sampleGradient(WIDTHS, flat, featuresOf(outputs, q), outputs.targets[q]).loss));
    const largest = Math.max(...scores.data.map(Math.abs));
    const epsilon = 1e-5;
    for (let q = 0; q < outputs.rows; q++) {
      for (const i of [0, 7, 19, 29]) {
        const { gradient } = sampleGradient(WIDTHS, parameters, featuresOf(samples, i), samples.targets[i]);
        const moved = (by: number): number => marginAt(stepped(gradient, by), q);
        const slope = (moved(epsilon) - moved(-epsilon)) / (2 * epsilon);
        expect(Math.abs(at(scores, q, i) - slope) / largest).toBeLessThan(1e-5);
      }
    }
    // and it is not the loss's
    const ofLoss = await score(gradDot(engine, model, parameters), outputs, samples);
    expect(Math.max(...ofLoss.data.map((x, i) => Math.abs(x - scores.data[i])))).toBeGreaterThan(0.1 * largest);
  });

  it('may leave parameters out, whose products are then nothing', async () => {
    // logits times zero: the loss of a model without an opinion
    const constant: Losses = (g, logits, targets) => classLosses(g, multiply(g, logits, scalar(g, 0)), targets);
    const scores = await score(gradDot(engine, model, parameters, { target: constant }), outputs, samples);
    expect(scores.data.every((x) => x === 0)).toBe(true);
  });

  it('goes to workers with the model', async () => {
    const where = inlinePool();
    const here = await score(gradDot(engine, model, parameters, { target: marginLosses }), outputs, samples);
    const there = await score(gradDot(engine, model, parameters, { target: marginLosses, where }), outputs, samples);
    await where.close();
    expect([...there.data]).toEqual([...here.data]);
  });

  it('is not taken from workers that give another number of scores, or none', async () => {
    const own = inlinePool();
    for (const [forged, got] of [
      [{ scores: new Float32Array(outputs.rows * samples.rows + 1) }, /gave 211 scores/],
      [{ scores: [1, 2] }, /gave no scores/],
      [null, /gave no scores/],
    ] as const) {
      const where = { ...own, name: 'a forger', slots: 1, run: async () => forged };
      await expect(score(gradDot(engine, model, parameters, { where }), outputs, samples)).rejects.toThrow(got);
    }
    await own.close();
  });

  const stepped = (gradient: Float64Array, by: number): Float64Array =>
    Float64Array.from(parameters, (w, p) => w + by * gradient[p]);
});

describe('scores along the path', () => {
  const states = [0, 1, 2].map((c) => ({ parameters: model.initialise(new Random(c)), weight: [0.5, 0, 2][c] }));
  const about = { name: 'path', scale: '', additivity: 'relative' } as const;

  it('are the weighted sum of the products at each state', async () => {
    const path = await score(pathScorer(engine, model, states, about), outputs, samples);
    const each = await Promise.all(
      states.map(({ parameters: w }) => score(gradDot(engine, model, w), outputs, samples)),
    );
    for (const [i, value] of path.data.entries()) {
      expect(value).toBeCloseTo(0.5 * each[0].data[i] + 2 * each[2].data[i], 4);
    }
  });

  it('add over disjoint groups of samples: a group scores what its rows score', async () => {
    const scorer = await pathScorer(engine, model, states, about);
    const whole = await scorer.score(outputs, samples);
    const groups = [range(0, 7), range(7, 8), range(8, 30)];
    const parts = await Promise.all(groups.map((rows) => scorer.score(outputs, selectSamples(samples, rows))));
    await scorer.dispose();
    const sum = (list: Float32Array): number => list.reduce((a, b) => a + b, 0);
    for (let q = 0; q < outputs.rows; q++) {
      const total = parts.reduce(
        (a, part) => a + sum(part.data.subarray(q * part.shape[1], (q + 1) * part.shape[1])),
        0,
      );
      expect(total).toBeCloseTo(sum(whole.data.subarray(q * 30, (q + 1) * 30)), 10);
    }
  });

  it('tell how far they are', async () => {
    const told: number[] = [];
    await score(pathScorer(engine, model, states, about, { progress: (done) => told.push(done) }), outputs, samples);
    expect(told).toEqual([1, 2]);
  });
});

describe('in-run influence', () => {
  it('weighs states so that all learning mass of SGD with momentum is counted, by simulation', () => {
    for (const [learningRate, momentum, steps] of [
      [0.1, 0.9, [0, 1, 2, 4, 6, 12, 18]],
      [0.05, 0, [0, 1, 2, 3]],
      [0.3, 0.5, [0, 100]],
    ] as const) {
      // a constant unit gradient: the distance travelled is the learning mass
      let [velocity, position] = [0, 0];
      const travelled = [0];
      for (let t = 0; t < steps[steps.length - 1]; t++) {
        velocity = momentum * velocity + 1;
        position += learningRate * velocity;
        travelled.push(position);
      }
      const weights = stateWeights(steps, 20, { learningRate, momentum });
      expect(weights.reduce((a, b) => a + b, 0) * 20).toBeCloseTo(position, 9);
      // trapezoid: each state has half of the way to both its neighbours
      for (const [c, weight] of weights.entries()) {
        const [before, after] = [steps[Math.max(0, c - 1)], steps[Math.min(steps.length - 1, c + 1)]];
        expect(weight * 20).toBeCloseTo((travelled[after] - travelled[before]) / 2, 9);
      }
    }
  });

  it('is complete: its scores add up to what training changed, on a convex model with small steps', async () => {
    const convex = mlp([4, 3]);
    const set = cloud(24, 4, 3, 6);
    const asked = cloud(12, 4, 3, 7);
    for (const [momentum, epochs, learningRate] of [
      [0, 80, 0.02],
      [0.9, 400, 0.0004],
    ]) {
      const options = { epochs, batch: 24, learningRate, momentum, seed: 1 };
      const { states } = await train(engine, convex, set, options);
      const scores = await score(inRun(engine, convex, states, set.rows, options), asked, set);
      const lossAt = (flat: Float32Array, q: number): number => meanGradient([4, 3], flat, asked, [q]).loss;
      const measured = range(0, asked.rows).map((q) => ({
        fall: lossAt(states[0].parameters, q) - lossAt(states[states.length - 1].parameters, q),
        sum: scores.data.subarray(q * 24, (q + 1) * 24).reduce((a, b) => a + b, 0),
      }));
      const scale = measured.reduce((total, { fall }) => total + Math.abs(fall), 0);
      const missed = measured.reduce((total, { fall, sum }) => total + Math.abs(fall - sum), 0);
      expect(scale / asked.rows).toBeGreaterThan(0.2); // training did change something
      // without momentum only the trapezoid errs; momentum lags 1 / (1 − μ) = 10 of the 400 steps behind
      expect(missed / scale).toBeLessThan(momentum === 0 ? 0.005 : 0.03);
    }
  });

  it('says that it is complete, grad-dot that it is not', async () => {
    const [complete, relative] = await Promise.all([
      inRun(engine, model, [], 1, { epochs: 1, batch: 1, learningRate: 1, momentum: 0, seed: 0 }),
      gradDot(engine, model, parameters),
    ]);
    expect([complete.name, complete.additivity]).toEqual(['in-run', 'complete']);
    expect([relative.name, relative.additivity]).toEqual(['grad-dot', 'relative']);
    await Promise.all([complete.dispose(), relative.dispose()]);
  });
});
