/** Every method that an index can be built with gives a row the same scores alone as among the others: an auditor has one row. */
import { beforeAll, describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { mlp, selectSamples, type TrainingState, train } from '../../src/models/index.js';
import { openScorer, scorerNames } from '../../src/prover/index.js';
import { attributionOf } from '../../src/prover/scorers.js';
import { cloud } from '../models/tiny.js';

const engine = cpuEngine();
const model = mlp([4, 6, 3]);
const samples = cloud(48, 4, 3, 1);
const outputs = cloud(5, 4, 3, 2);
const options = { epochs: 3, batch: 8, learningRate: 0.05, momentum: 0.9, seed: 1 };
let states: readonly TrainingState[] = [];

beforeAll(async () => {
  states = (await train(engine, model, samples, options)).states;
});

function open(name: string) {
  return openScorer(name, engine, { model, states, options }, samples);
}

describe('the scorers of an index', () => {
  it('are bilinear and need one training', () => {
    for (const name of ['in-run', 'grad-dot', 'ekfac', 'trak-dual', 'explicit']) expect(scorerNames).toContain(name);
    for (const name of ['magic', 'knn-shapley', 'leave-one-out', 'spectral-sketch'])
      expect(scorerNames).not.toContain(name);
    expect(() => open('oracle')).toThrow(/no scorer "oracle".*in-run/);
  });

  it('are given the recipe that the training had', () => {
    const { runs } = attributionOf(engine, { model, states, options }, samples);
    expect(runs[0].recipe).toMatchObject({ epochs: 3, batch: 8, schedule: { name: 'constant', rate: 0.05 } });
    expect(runs[0].recipe.optimiser).toMatchObject({ name: 'sgd', momentum: 0.9 });
  });

  it.each(scorerNames)('%s scores rows alone as among all', async (name) => {
    const scorer = await open(name);
    const whole = await scorer.score(outputs, samples);
    const picked = [7, 3, 40];
    const alone = await scorer.score(outputs, selectSamples(samples, picked));
    await scorer.dispose();
    const size = Math.max(...whole.data.map(Math.abs));
    expect(size).toBeGreaterThan(0);
    for (let q = 0; q < outputs.rows; q++) {
      for (const [j, row] of picked.entries()) {
        expect(Math.abs(alone.data[q * 3 + j] - whole.data[q * 48 + row]) / size).toBeLessThan(1e-3);
      }
    }
  });
});
