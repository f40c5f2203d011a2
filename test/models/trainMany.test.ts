import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { interpret } from '../../src/graph/index.js';
import { fillDropoutMask, maskKey } from '../../src/models/dropoutMasks.js';
import { fastStepGraph, openFastStep } from '../../src/models/fastStep.js';
import { logitsGraph } from '../../src/models/graphs.js';
import { lenet, mlp, mlpRegressor } from '../../src/models/index.js';
import { adamW, sgd } from '../../src/models/optimisers.js';
import { trainMany } from '../../src/models/trainMany.js';
import { localPool } from '../../src/work/index.js';
import { cloud } from './tiny.js';

const WIDTHS = [4, 6, 5, 3];
const samples = cloud(40, 4, 3, 7);
const model = mlp(WIDTHS);
const shared = {
  model: model.definition,
  features: samples.features,
  targets: samples.targets,
  epochs: 6,
  batch: 8,
  optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 1e-3 },
  schedule: { name: 'constant', rate: 0.1 },
  dropout: 0.2,
} as const;

/** Mean loss of some rows by a plain loop in float64, with the masks given. */
function plainLoss(w: Float64Array, positions: readonly number[], masks: Float32Array, batch: number): number {
  let total = 0;
  for (const [b, row] of positions.entries()) {
    let values = [...samples.features.subarray(row * 4, row * 4 + 4)].map(Number);
    let offset = 0;
    let masked = 0;
    for (let l = 0; l + 1 < WIDTHS.length; l++) {
      const [fanIn, fanOut] = [WIDTHS[l], WIDTHS[l + 1]];
      const next = Array.from({ length: fanOut }, (_, o) =>
        values.reduce((sum, x, i) => sum + x * w[offset + i * fanOut + o], w[offset + fanIn * fanOut + o]),
      );
      offset += (fanIn + 1) * fanOut;
      const last = l + 2 === WIDTHS.length;
      values = last ? next : next.map((z, o) => Math.max(z, 0) * masks[masked + b * fanOut + o]);
      if (!last) masked += batch * fanOut;
    }
    const max = Math.max(...values);
    total += max + Math.log(values.reduce((sum, z) => sum + Math.exp(z - max), 0)) - values[samples.targets[row]];
  }
  return total / positions.length;
}

describe('the fast step', () => {
  it('descends the masked loss of a plain loop: its gradient is the finite difference', async () => {
    const options = { batch: 8, optimiser: sgd(), dropout: 0.3, seed: 3 };
    const step = await openFastStep(cpuEngine(), model, options);
    // no bias is zero: a unit whose inputs are all dropped would stand on the kink of its ReLU
    const random = new Random(1);
    const parameters = Float32Array.from({ length: model.parameterCount }, () => 0.5 * random.normal());
    const positions = [3, 1, 7, 20, 39];
    const masks = new Float32Array(8 * (6 + 5));
    fillDropoutMask(masks, maskKey(3, 12), 0.3);
    const state = new Float32Array(model.parameterCount);
    const result = await step.run({ parameters, state }, samples, positions, { step: 12, rate: 1 });
    await step.dispose();
    const at = Float64Array.from(parameters);
    expect(result.loss).toBeCloseTo(plainLoss(at, positions, masks, 8), 5);
    for (let i = 0; i < model.parameterCount; i++) {
      const moved = (by: number): number => {
        const w = at.slice();
        w[i] += by;
        return plainLoss(w, positions, masks, 8);
      };
      expect(at[i] - result.parameters[i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 4);
    }
  });

  it('is the oracle, with AdamW and clipping too', async () => {
    const options = { batch: 4, optimiser: adamW(), dropout: 0.5, seed: 3, clip: 0.05 };
    const step = await openFastStep(cpuEngine(), model, options);
    const parameters = model.initialise(new Random(2));
    const state = new Float32Array(2 * model.parameterCount);
    const masks = new Float32Array(4 * 11);
    fillDropoutMask(masks, maskKey(3, 0), 0.5);
    const result = await step.run({ parameters, state }, samples, [0, 1, 2, 3], { step: 0, rate: 0.01 });
    await step.dispose();
    const exact = interpret(fastStepGraph(model, options), {
      parameters,
      state,
      masks,
      rates: options.optimiser.rates(0, 0.01),
      x: samples.features.subarray(0, 16),
      targets: samples.targets.subarray(0, 4),
      weights: new Float64Array(4).fill(0.25),
    });
    for (const [i, x] of exact.nextState.data.entries()) expect(result.state[i]).toBeCloseTo(x, 6);
  });

  it('refuses batches that do not fit', async () => {
    const step = await openFastStep(cpuEngine(), model, { batch: 2, optimiser: sgd(), dropout: 0, seed: 0 });
    const zero = { parameters: new Float32Array(model.parameterCount), state: new Float32Array(model.parameterCount) };
    const at = { step: 0, rate: 0.1 };
    await expect(step.run(zero, samples, [0, 1, 2], at)).rejects.toThrow(/2 rows was given 3/);
    await expect(step.run(zero, samples, [], at)).rejects.toThrow(/was given 0/);
    await step.dispose();
  });
});

describe('training many models', () => {
  const members = Array.from({ length: 5 }, (_, seed) => ({
    seed,
    rows: new Random(seed).permutation(40).subarray(0, 20).slice(),
  }));

  it('gives the same bits on one thread, on two, and one by one', async () => {
    const here = await trainMany(shared, members);
    const pool = localPool({ workers: 2 });
    try {
      expect(await trainMany(shared, members, { where: pool })).toEqual(here);
      expect(await trainMany(shared, members.toReversed(), { where: pool })).toEqual(here.toReversed());
    } finally {
      await pool.close();
    }
    const [third] = await trainMany(shared, [members[2]]);
    expect(third).toEqual(here[2]);
    expect(new Set(here.map(({ loss }) => loss)).size).toBe(5);
  }, 60_000);

  it('learns: the loss of its own rows falls', async () => {
    const loss = async (epochs: number): Promise<number> =>
      (await trainMany({ ...shared, epochs, dropout: 0 }, [members[0]]))[0].loss;
    expect(await loss(40)).toBeLessThan(0.5 * (await loss(1)));
  });

  it('depends on no row outside the subset', async () => {
    const { rows, seed } = members[0];
    const features = samples.features.slice();
    for (let row = 0; row < 40; row++) if (!rows.includes(row)) features.fill(9, row * 4, row * 4 + 4);
    const [changed] = await trainMany({ ...shared, features }, [{ rows, seed }]);
    expect(changed).toEqual((await trainMany(shared, [{ rows, seed }]))[0]);
  });

  it('gives back the states that were asked for, the last of which is where it ends', async () => {
    const [whole] = await trainMany({ ...shared, keep: [0, 1, 18] }, [members[0]]);
    expect(whole.states.map(({ step }) => step)).toEqual([0, 1, 18]);
    expect(whole.states[0].parameters).toEqual(model.initialise(Random.named(members[0].seed, 'weights')));
    const [last] = await trainMany(shared, [members[0]]);
    expect(last.states).toEqual([whole.states[2]]);
    await expect(trainMany({ ...shared, keep: [19] }, [members[0]])).rejects.toThrow(
      /State 19 of a training of 18 steps/,
    );
  });

  it("tells the queries' losses under the last weights", async () => {
    const queries = cloud(300, 4, 3, 8);
    const [given] = await trainMany({ ...shared, queries, keep: [18] }, [members[0]]);
    const g = logitsGraph(model, 300);
    const { logits } = interpret(g, { parameters: given.states[0].parameters, x: queries.features });
    for (const [i, loss] of given.queryLosses.entries()) {
      const row = [...logits.data.subarray(i * 3, i * 3 + 3)];
      const expected = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[queries.targets[i]];
      expect(loss).toBeCloseTo(expected, 4);
    }
  });

  it('a sample of weight 0 keeps its place in the order and moves nothing', async () => {
    const rows = Uint32Array.from({ length: 40 }, (_, i) => i);
    const sampleWeights = new Float32Array(40).fill(1).fill(0, 10, 13);
    const features = samples.features.slice().fill(7, 40, 52);
    const weighed = (given: Float32Array) =>
      trainMany({ ...shared, features: given }, [{ rows, seed: 2, sampleWeights }]);
    const [a, b] = [await weighed(samples.features), await weighed(features)];
    expect(a[0].states).toEqual(b[0].states);
    const [all] = await trainMany(shared, [{ rows, seed: 2, sampleWeights: new Float32Array(40).fill(1) }]);
    expect(all).toEqual((await trainMany(shared, [{ rows, seed: 2 }]))[0]);
    expect(a[0].states).not.toEqual(all.states);
    const short = new Float32Array(39);
    await expect(trainMany(shared, [{ rows, seed: 2, sampleWeights: short }])).rejects.toThrow(/39 sample weights/);
  });

  it.each([
    [
      'a convolutional net',
      lenet({ channels: 1, height: 8, width: 8, classes: 3 }),
      Int32Array.from([0, 2, 1, 1, 0, 2]),
    ],
    ['a regressor', mlpRegressor([64, 5, 1]), Float32Array.from([0.5, -1, 2, 1, 0, -0.3])],
  ])('trains %s by its definition', async (_, other, targets) => {
    const random = new Random(3);
    const features = Float32Array.from({ length: 6 * 64 }, () => random.normal());
    const given = {
      ...shared,
      model: other.definition,
      features,
      targets,
      batch: 3,
      dropout: 0,
      schedule: { name: 'constant', rate: 0.01 },
    } as const;
    const rows = Uint32Array.from([0, 1, 2, 3, 5]);
    const at = async (epochs: number) => (await trainMany({ ...given, epochs }, [{ rows, seed: 1 }]))[0];
    const last = await at(30);
    expect(last.states[0].parameters).toHaveLength(other.parameterCount);
    expect(last.loss).toBeLessThan(0.5 * (await at(1)).loss);
  });

  it('refuses what is no model, a model whose file is elsewhere, and rows of another width', async () => {
    const member = [members[0]];
    await expect(trainMany({ ...shared, model: { name: 'oracle' } }, member)).rejects.toThrow(
      /retraining says "oracle"/,
    );
    const elsewhere = { name: 'onnx', objective: 'class', output: 'y', fill: {} };
    await expect(trainMany({ ...shared, model: elsewhere }, member)).rejects.toThrow(/ONNX file, which is not at hand/);
    await expect(trainMany({ ...shared, model: mlp([5, 3]).definition }, member)).rejects.toThrow(
      /40 targets in Int32Array were given for 32 samples/,
    );
  });

  it('refuses a target that the model does not know', async () => {
    const stray = (id: number) => trainMany({ ...shared, targets: samples.targets.with(7, id) }, [members[0]]);
    await expect(stray(3)).rejects.toThrow(/Sample 7 has the target 3, the model knows 3/);
    await expect(stray(-2)).rejects.toThrow(/Sample 7 has the target -2/);
    await expect(stray(-1)).resolves.toHaveLength(1);
  });

  it('says when it diverges, and refuses an empty subset', async () => {
    await expect(trainMany({ ...shared, schedule: { name: 'constant', rate: 1e30 } }, [members[0]])).rejects.toThrow(
      /training loss is/,
    );
    await expect(trainMany(shared, [{ seed: 1, rows: new Uint32Array(0) }])).rejects.toThrow(/no rows/);
  });
});
