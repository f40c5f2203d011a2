import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { interpret } from '../../src/graph/index.js';
import {
  batchTensors,
  mlp,
  replay,
  selectSamples,
  stateSteps,
  stepGraph,
  stepsPerEpoch,
  type TrainingState,
  train,
} from '../../src/models/index.js';
import { cloud, meanGradient, OPTIONS } from './tiny.js';

const engine = cpuEngine();
const WIDTHS = [5, 7, 6, 3];
const model = mlp(WIDTHS);
/** 22 rows in batches of 4: six steps an epoch, the last of two rows. */
const samples = cloud(22, 5, 3);
const trained = train(engine, model, samples, OPTIONS);

/** SGD with momentum in float64, gradients by explicit loops; returns the parameters after every step. */
function byHand(steps: number): { parameters: Float64Array[]; velocity: Float64Array; losses: number[] } {
  const { batch, learningRate, momentum, seed } = OPTIONS;
  let w = Float64Array.from(model.initialise(Random.named(seed, 'weights')));
  let v = new Float64Array(w.length);
  const random = Random.named(seed, 'order');
  const perEpoch = Math.ceil(samples.rows / batch);
  const parameters = [w];
  const losses: number[] = [];
  let order: number[] = [];
  for (let step = 0; step < steps; step++) {
    const at = step % perEpoch;
    if (at === 0) order = [...random.permutation(samples.rows)];
    const { gradient, loss } = meanGradient(WIDTHS, w, samples, order.slice(at * batch, (at + 1) * batch));
    v = v.map((x, p) => momentum * x + gradient[p]);
    w = w.map((x, p) => x - learningRate * v[p]);
    parameters.push(w);
    losses.push(loss);
  }
  return { parameters, velocity: v, losses };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

describe('the step graph', () => {
  it('in float64 is SGD with momentum written by hand, whole and partial batches alike', () => {
    const graph = stepGraph(model, OPTIONS.batch);
    const expected = byHand(13);
    const random = Random.named(OPTIONS.seed, 'order');
    let parameters: Float64Array = expected.parameters[0];
    let velocity: Float64Array = new Float64Array(model.parameterCount);
    let order: Uint32Array = new Uint32Array(0);
    for (let step = 0; step < 13; step++) {
      const at = step % 6;
      if (at === 0) order = random.permutation(samples.rows);
      const picked = selectSamples(samples, order.subarray(4 * at, 4 * at + 4));
      const { x, targets } = batchTensors(picked, 0, 4, model);
      const weights = [0, 1, 2, 3].map((i) => (i < picked.rows ? 1 / picked.rows : 0));
      const feeds = { x: x.data, targets: targets.data, weights, rate: [0.1], momentum: [0.9] };
      const result = interpret(graph, { parameters, velocity, ...feeds });
      parameters = result.nextParameters.data;
      velocity = result.nextVelocity.data;
      // the only difference is the float32 constants of the graph, which are exact here
      expect(result.loss.data[0]).toBeCloseTo(expected.losses[step], 12);
      expect(largestDifference(parameters, expected.parameters[step + 1])).toBeLessThan(1e-12);
    }
    expect(largestDifference(velocity, expected.velocity)).toBeLessThan(1e-12);
  });
});

describe('training', () => {
  it('follows the float64 computation to float32 precision, over epochs with a partial last batch', async () => {
    const { states, losses } = await trained;
    const expected = byHand(18);
    for (const { step, parameters } of states) {
      expect(largestDifference(parameters, expected.parameters[step])).toBeLessThan(5e-6);
    }
    expect(largestDifference(states[states.length - 1].velocity, expected.velocity)).toBeLessThan(5e-6);
    for (const epoch of [0, 1, 2]) {
      const mean = expected.losses.slice(6 * epoch, 6 * epoch + 6).reduce((a, b) => a + b, 0) / 6;
      expect(losses[epoch]).toBeCloseTo(mean, 5);
    }
    // and it learns: the tests above would also hold for a step of length 0
    expect(losses[2]).toBeLessThan(0.7 * losses[0]);
  });

  it('keeps states at the beginning, at powers of two within the first epoch and after every epoch', async () => {
    expect((await trained).states.map((state) => state.step)).toEqual([0, 1, 2, 4, 6, 12, 18]);
    expect(stateSteps(22, OPTIONS)).toEqual([0, 1, 2, 4, 6, 12, 18]);
    expect(stateSteps(3, OPTIONS)).toEqual([0, 1, 2, 3]);
    expect(stateSteps(32, { ...OPTIONS, epochs: 1 })).toEqual([0, 1, 2, 4, 8]);
    expect([stepsPerEpoch(22, 4), stepsPerEpoch(24, 4), stepsPerEpoch(3, 4)]).toEqual([6, 6, 1]);
  });

  it('gives the same bits for the same seed and others for another', async () => {
    const { states } = await trained;
    expect(await train(engine, model, samples, OPTIONS)).toEqual(await trained);
    const other = await train(engine, model, samples, { ...OPTIONS, seed: 6 });
    expect(other.states[0].parameters).not.toEqual(states[0].parameters);
    expect(other.states[0].random).not.toEqual(states[0].random);
    expect(other.states[6].parameters).not.toEqual(states[6].parameters);
  });

  it('can be replayed over any segment, bit for bit, from within an epoch and across its end', async () => {
    const { states } = await trained;
    for (const [i, from] of states.entries()) {
      for (const to of states.slice(i)) {
        expect(await replay(engine, model, samples, OPTIONS, from, to.step)).toEqual(to);
      }
    }
  });

  it('is divisible: stopping between published states and going on changes nothing', async () => {
    const { states } = await trained;
    for (const between of [3, 5, 7, 11, 12, 17]) {
      const from = states.findLast((state) => state.step <= between) as TrainingState;
      const stop = await replay(engine, model, samples, OPTIONS, from, between);
      expect(await replay(engine, model, samples, OPTIONS, stop, 18)).toEqual(states[6]);
    }
  });

  it('is not replayed to the same end by another state, order or option', async () => {
    const { states } = await trained;
    const end = states[4].parameters;
    const moved = states[3].parameters.with(0, states[3].parameters[0] + 1e-3);
    for (const [from, options] of [
      [{ ...states[3], parameters: moved }, OPTIONS],
      [{ ...states[3], random: states[5].random }, OPTIONS],
      [states[3], { ...OPTIONS, learningRate: 0.11 }],
      [states[3], { ...OPTIONS, momentum: 0.8 }],
    ] as const) {
      expect((await replay(engine, model, samples, options, from, 6)).parameters).not.toEqual(end);
    }
  });

  it('that diverges says at which step, and what to lower', async () => {
    const wild = { ...OPTIONS, learningRate: 1e20, epochs: 10 };
    await expect(train(engine, model, samples, wild)).rejects.toThrow(
      /The training loss is (NaN|Infinity) at step \d+ \(epoch \d+\)\. Lower the learning rate \(it is 100000000000000000000\)/,
    );
  });

  it('that leaves finite weights only up to the last step is refused as well', async () => {
    const wild = { ...OPTIONS, learningRate: 3e38, epochs: 1, batch: 22 };
    const large = { ...samples, features: samples.features.map((x) => x * 10) };
    await expect(train(engine, model, large, wild)).rejects.toThrow(/not finite after step 1/);
  });
});
