/** Second-order in-run Shapley against a run gone through step by step in float64, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { type Attribution, inRunSecondOrder } from '../../../src/influence/index.js';
import { decoder, type Model, mlp, type Recipe, type Samples, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionOf, RECIPE, scoresOf } from '../dense/attribution.js';
import { dot, exactGradient, exactHessianProduct, relativeError } from '../dense/dense.js';
import { expectIndependence, expectMeanOverRuns } from './properties.js';

/** 20 rows in batches of 8: 3 steps an epoch, the last of 4 rows. */
const STEPS = 6;
const PLAIN: Recipe = { ...RECIPE, epochs: 2 };

const everyStep = (model: Model, samples: Samples, recipe: Recipe, seeds = [3]): Promise<Attribution> =>
  attributionOf(model, samples, { recipe, seeds, epochs: Array.from({ length: STEPS + 1 }, (_, s) => s / 3) });

/** Σ over steps of mass/b·[∇_q − order·½·H_q·d]·∇_i, by loops. */
function byLoops(
  { model, samples, runs: [{ states, seed = 0 }] }: Attribution,
  outputs: Samples,
  masses: readonly number[],
  curvature: 0 | 0.5,
): Float64Array {
  const owed = new Float64Array(outputs.rows * samples.rows);
  const order = Random.named(seed, 'order');
  let shuffled: Uint32Array = new Uint32Array();
  for (let step = 0; step < STEPS; step++) {
    if (step % 3 === 0) shuffled = order.permutation(samples.rows);
    const batch = shuffled.subarray(8 * (step % 3), 8 * (step % 3) + 8);
    const [now, next] = [states[step].parameters, states[step + 1].parameters];
    const moved = now.map((w, p) => w - next[p]);
    for (let q = 0; q < outputs.rows; q++) {
      const bend = exactHessianProduct(model, now, selectSamples(outputs, [q]), moved);
      const psi = exactGradient(model, now, outputs, q).gradient.map((x, p) => x - curvature * bend[p]);
      for (const i of batch) {
        const product = dot(psi, exactGradient(model, now, samples, i).gradient);
        owed[q * samples.rows + i] += (masses[step] / batch.length) * product;
      }
    }
  }
  return owed;
}

describe('second-order in-run Shapley', () => {
  const samples = cloud(20, 4, 3, 2);
  const outputs = cloud(3, 4, 3, 9);

  it('is the gradient-Hessian-gradient product of the steps that were taken, in float64', async () => {
    const at = await everyStep(mlp([4, 5, 3], { activation: 'gelu' }), samples, PLAIN);
    const scores = await scoresOf(inRunSecondOrder, at, outputs);
    const masses = new Array<number>(STEPS).fill(0.1);
    expect(relativeError(scores.data, byLoops(at, outputs, masses, 0.5))).toBeLessThan(1e-4);
    // and the second order is seen
    expect(relativeError(scores.data, byLoops(at, outputs, masses, 0))).toBeGreaterThan(0.01);
  });

  it('adds up to what the training changed, nearer than the first order does', async () => {
    const at = await everyStep(mlp([4, 5, 3], { activation: 'gelu' }), samples, PLAIN);
    const { model, runs } = at;
    const { data } = await scoresOf(inRunSecondOrder, at, outputs);
    const first = byLoops(at, outputs, new Array<number>(STEPS).fill(0.1), 0);
    const [start, end] = [runs[0].states[0].parameters, runs[0].states[STEPS].parameters];
    for (let q = 0; q < outputs.rows; q++) {
      const fall = exactGradient(model, start, outputs, q).loss - exactGradient(model, end, outputs, q).loss;
      const sum = (of: Float32Array | Float64Array): number =>
        Array.from(of.subarray(q * 20, (q + 1) * 20)).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum(data) - fall)).toBeLessThan(Math.abs(sum(first) - fall));
      expect(Math.abs(sum(data) - fall)).toBeLessThan(0.05 * Math.abs(fall) + 0.002);
    }
  });

  it('counts with momentum all that a gradient will have moved, schedule included', async () => {
    const recipe: Recipe = {
      ...PLAIN,
      optimiser: { name: 'sgd', momentum: 0.5, weightDecay: 0 },
      schedule: { name: 'cosine', peak: 0.1, floor: 0.02, warmup: 1 },
    };
    const at = await everyStep(mlp([4, 3]), samples, recipe);
    const rate = (s: number): number => (s < 1 ? 0.1 : 0.02 + (0.08 * (1 + Math.cos((Math.PI * (s - 1)) / 4))) / 2);
    const masses = Array.from({ length: STEPS }, (_, s) => {
      let mass = 0;
      for (let t = s; t < STEPS; t++) mass += rate(t) * 0.5 ** (t - s);
      return mass;
    });
    const scores = await scoresOf(inRunSecondOrder, at, outputs);
    expect(relativeError(scores.data, byLoops(at, outputs, masses, 0.5))).toBeLessThan(1e-4);
  });

  it('takes a decoder with a tied head, whose gradients of both sides are made of different things', async () => {
    const model = decoder({
      vocabulary: 6,
      context: 3,
      width: 4,
      layers: 1,
      heads: 2,
      keyValueHeads: 1,
      hidden: 5,
      norm: 'rms',
      epsilon: 1e-5,
      positions: 'halves',
      feedForward: 'swiglu',
      head: 'tied',
      biased: [],
    });
    const random = new Random(8);
    const words = (rows: number): Samples => {
      const tokens = (): number[] => Array.from({ length: rows * 3 }, () => random.below(6));
      return { rows, width: 3, features: Float32Array.from(tokens()), targets: Int32Array.from(tokens()) };
    };
    const at = await everyStep(model, words(20), PLAIN);
    const asked = words(1);
    const scores = await scoresOf(inRunSecondOrder, at, asked);
    expect(relativeError(scores.data, byLoops(at, asked, new Array<number>(STEPS).fill(0.1), 0.5))).toBeLessThan(1e-3);
  });

  it('refuses a run that it cannot repeat, and one that repeats to something else', async () => {
    const at = await everyStep(mlp([4, 3]), samples, PLAIN);
    const [run] = at.runs;
    const given = (changed: Partial<typeof run>): Attribution => ({ ...at, runs: [{ ...run, ...changed }] });
    const ask = (of: Attribution) => scoresOf(inRunSecondOrder, of, outputs);
    await expect(ask(given({ seed: undefined }))).rejects.toThrow(/has no seed/);
    await expect(ask(given({ states: run.states.slice(1) }))).rejects.toThrow(
      /first state known of the run is of step 1/,
    );
    await expect(ask(given({ seed: 4 }))).rejects.toThrow(/misses its state of step 1 by \d+%/);
    await expect(ask(given({ recipe: { ...PLAIN, clip: 1 } }))).rejects.toThrow(/clipped/);
    await expect(scoresOf(inRunSecondOrder, at, outputs, { every: 0 })).rejects.toThrow(/every is 0/);
  });

  it('does not depend on its neighbours, averages over runs, and may look at some steps', async () => {
    const at = await everyStep(mlp([4, 5, 3]), samples, { ...PLAIN, dropout: 0.2 }, [3, 5]);
    await expectIndependence(inRunSecondOrder, { ...at, runs: [at.runs[0]] }, outputs);
    await expectMeanOverRuns(inRunSecondOrder, at, outputs);
    const some = await scoresOf(inRunSecondOrder, at, outputs, { every: 2 });
    expect(some.data.every(Number.isFinite)).toBe(true);
    expect(some.data).not.toEqual((await scoresOf(inRunSecondOrder, at, outputs)).data);
  });
});
