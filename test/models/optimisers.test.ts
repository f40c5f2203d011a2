import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import {
  type Graph,
  GraphBuilder,
  interpret,
  matmul,
  multiply,
  reduceSum,
  reshape,
  subtract,
} from '../../src/graph/index.js';
import { adamW, clipByGlobalNorm, type Optimiser, sgd } from '../../src/models/optimisers.js';
import { accumulateGraph, applyGraph, type Objective, trainingStepGraph } from '../../src/models/trainingGraphs.js';

const SIZE = 7;
const random = new Random(5);
const vector = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());

function updateGraph(optimiser: Optimiser): Graph {
  const g = new GraphBuilder();
  const { next, nextState } = optimiser.update(
    g,
    g.input('w', [SIZE]),
    g.input('state', [optimiser.stateSize(SIZE)]),
    g.input('gradient', [SIZE]),
    g.input('rates', [optimiser.rateCount]),
  );
  return g.build({ next, nextState });
}

/** Steps of the graph in float64 beside a plain loop over each parameter. */
function compare(optimiser: Optimiser, plain: (w: number, g: number, t: number, memory: number[]) => number): void {
  const graph = updateGraph(optimiser);
  let w = vector(SIZE);
  let state = new Float64Array(optimiser.stateSize(SIZE));
  const expected = [...w];
  const memories = expected.map(() => [0, 0]);
  for (let step = 0; step < 12; step++) {
    const gradient = vector(SIZE);
    const rate = 0.1 / (1 + step);
    const rates = optimiser.rates(step, rate);
    const result = interpret(graph, { w, state, gradient, rates });
    [w, state] = [result.next.data, result.nextState.data] as [typeof w, typeof state];
    for (const i of expected.keys()) expected[i] = plain(expected[i], gradient[i], step + 1, memories[i]);
    for (const i of expected.keys()) expect(Math.abs(w[i] - expected[i])).toBeLessThan(3e-7);
  }
}

describe('SGD', () => {
  it('without momentum or decay subtracts the rate times the gradient', () => {
    compare(sgd(), (w, g, t) => w - (0.1 / t) * g);
  });

  it('with momentum and coupled decay is the plain loop', () => {
    compare(sgd({ momentum: 0.9, weightDecay: 0.03 }), (w, g, t, memory) => {
      memory[0] = 0.9 * memory[0] + g + 0.03 * w;
      return w - (0.1 / t) * memory[0];
    });
  });
});

describe('AdamW', () => {
  it('is algorithm 2 of Loshchilov and Hutter, parameter by parameter', () => {
    compare(adamW({ weightDecay: 0.1 }), (w, g, t, memory) => {
      const rate = 0.1 / t;
      memory[0] = 0.9 * memory[0] + 0.1 * g;
      memory[1] = 0.999 * memory[1] + 0.001 * g * g;
      const [mean, square] = [memory[0] / (1 - 0.9 ** t), memory[1] / (1 - 0.999 ** t)];
      return w * (1 - rate * 0.1) - (rate * mean) / (Math.sqrt(square) + 1e-8);
    });
  });

  it('first moves every parameter by the rate, whatever the size of its gradient', () => {
    const optimiser = adamW({ weightDecay: 0 });
    const gradient = [1e-3, -1e-3, 5, -5, 1e3, -1e3, 0.2];
    const { next } = interpret(updateGraph(optimiser), {
      w: new Float64Array(SIZE),
      state: new Float64Array(2 * SIZE),
      gradient,
      rates: optimiser.rates(0, 0.01),
    });
    for (const [i, g] of gradient.entries()) expect(next.data[i]).toBeCloseTo(-0.01 * Math.sign(g), 6);
  });
});

describe('clipping by the global norm', () => {
  const clip = (gradient: Float64Array, limit: number): Float64Array => {
    const g = new GraphBuilder();
    return interpret(g.build({ y: clipByGlobalNorm(g, g.input('x', [gradient.length]), limit) }), { x: gradient }).y
      .data;
  };
  it('shortens the long ones to the limit, in their direction, and leaves the short ones', () => {
    const gradient = vector(50);
    const norm = Math.hypot(...gradient);
    const short = clip(gradient, norm / 3);
    expect(Math.hypot(...short)).toBeCloseTo(norm / 3, 12);
    for (const [i, x] of short.entries()) expect(x).toBeCloseTo(gradient[i] / 3, 12);
    expect(clip(gradient, norm * 1.01)).toEqual(gradient);
    expect(clip(new Float64Array(4), 1)).toEqual(new Float64Array(4));
  });
});

describe('training graphs', () => {
  const N = 6;
  // least squares: Σ_i weight_i (x_i·w − y_i)²
  const objective = (rows: number): Objective => ({
    parameters: [{ offset: 0, shape: [SIZE, 1] }],
    parameterCount: SIZE,
    loss(g, [w]) {
      const residual = subtract(g, matmul(g, g.input('x', [rows, SIZE]), w), g.input('y', [rows, 1]));
      const weighted = multiply(g, multiply(g, residual, residual), g.input('weights', [rows, 1]));
      return reshape(g, reduceSum(g, weighted, [0]), [1]);
    },
  });
  const x = vector(N * SIZE);
  const y = vector(N);
  const weights = new Float64Array(N).fill(1 / N);
  const parameters = vector(SIZE);

  it('parts of a batch accumulate to the step of the whole, for both optimisers and with clipping', () => {
    for (const optimiser of [sgd({ momentum: 0.9 }), adamW()]) {
      for (const clip of [undefined, 0.1]) {
        const state = Float64Array.from({ length: optimiser.stateSize(SIZE) }, () => random.uniform());
        const rates = optimiser.rates(3, 0.05);
        const whole = interpret(trainingStepGraph(objective(N), optimiser, { clip }), {
          parameters,
          state,
          rates,
          x,
          y,
          weights,
        });
        let gradient = new Float64Array(SIZE);
        let loss = 0;
        for (const [from, rows] of [
          [0, 2],
          [2, 4],
        ]) {
          const part = interpret(accumulateGraph(objective(rows)), {
            parameters,
            gradient,
            x: x.subarray(from * SIZE, (from + rows) * SIZE),
            y: y.subarray(from, from + rows),
            weights: weights.subarray(from, from + rows),
          });
          gradient = Float64Array.from(part.nextGradient.data);
          loss += part.loss.data[0];
        }
        const applied = interpret(applyGraph(SIZE, optimiser, { clip }), { parameters, state, rates, gradient });
        expect(loss).toBeCloseTo(whole.loss.data[0], 12);
        for (const i of parameters.keys())
          expect(applied.nextParameters.data[i]).toBeCloseTo(whole.nextParameters.data[i], 12);
        for (const i of state.keys()) expect(applied.nextState.data[i]).toBeCloseTo(whole.nextState.data[i], 12);
      }
    }
  });

  it('the engine takes the same steps as the oracle, and they reach the least-squares minimum', async () => {
    const optimiser = adamW({ weightDecay: 0 });
    const graph = trainingStepGraph(objective(N), optimiser, { clip: 10 });
    const program = await cpuEngine().compile(graph);
    const feed = (data: ArrayLike<number>, shape: number[]) => ({ shape, data: Float32Array.from(data) });
    const fixed = { x: feed(x, [N, SIZE]), y: feed(y, [N, 1]), weights: feed(weights, [N, 1]) };
    let now = feed(parameters, [SIZE]);
    let state = feed(new Float32Array(2 * SIZE), [2 * SIZE]);
    let oracle = { parameters, state: new Float64Array(2 * SIZE) };
    let loss = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 400; step++) {
      const rates = optimiser.rates(step, 0.05);
      const result = await program.run({ parameters: now, state, rates: feed(rates, [3]), ...fixed });
      now = feed(result.nextParameters.data, [SIZE]);
      state = feed(result.nextState.data, [2 * SIZE]);
      loss = result.loss.data[0];
      if (step >= 20) continue;
      const exact = interpret(graph, { ...oracle, rates, x, y, weights });
      oracle = {
        parameters: Float64Array.from(exact.nextParameters.data),
        state: Float64Array.from(exact.nextState.data),
      };
      for (const i of parameters.keys()) expect(Math.abs(now.data[i] - oracle.parameters[i])).toBeLessThan(1e-4);
    }
    await program.dispose();
    // fewer equations than unknowns: the minimum is 0
    expect(loss).toBeLessThan(1e-3);
  });

  it('refuses hyper-parameters that are none', () => {
    expect(() => sgd({ momentum: 1 })).toThrow(/momentum is 1/);
    expect(() => sgd({ weightDecay: -1 })).toThrow(/decay is -1/);
    expect(() => adamW({ beta2: 1 })).toThrow(/beta2 is 1/);
    expect(() => adamW({ epsilon: 0 })).toThrow(/epsilon is 0/);
    expect(() => applyGraph(3, sgd(), { clip: 0 })).toThrow(/clipped to the norm 0/);
  });
});
