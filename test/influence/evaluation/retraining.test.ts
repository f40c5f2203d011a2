/** Subsets, ground truth, runs and removals on trainings of milliseconds: what they say follows from plain retrainings. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import {
  allRows,
  classesWithout,
  drawSubsets,
  joinSamples,
  jointTruth,
  keptEpochs,
  leaveOneOutEffects,
  lossesWithout,
  masksOf,
  refuseOverlap,
  retrainingTruth,
  samplesNotIn,
  trainingSeed,
  trainRuns,
} from '../../../src/influence/index.js';
import { lossesOf, predict, predictedClasses, selectSamples, trainMany } from '../../../src/models/index.js';
import { CLASSES, tinySetting } from './tinySetting.js';

const setting = tinySetting();
const { samples, evaluation, heldOut, recipe, model, engine, subsets } = setting;

/** A training by its own words. */
async function trained(rows: Uint32Array, seed: number, sampleWeights?: Float32Array): Promise<Float32Array> {
  const { features, targets } = samples;
  const [{ states }] = await trainMany({ ...recipe, model: model.definition, features, targets }, [
    { rows, seed, sampleWeights },
  ]);
  return states[0].parameters;
}

describe('subsets', () => {
  it('are drawn without replacement by seed + i, of the size that was asked for', () => {
    const drawn = drawSubsets(21, { count: 4, fraction: 0.5, seed: 9 });
    for (const [i, rows] of drawn.entries()) {
      expect(rows).toHaveLength(10);
      expect(new Set(rows).size).toBe(10);
      expect(rows).toEqual(drawSubsets(21, { count: 1, fraction: 0.5, seed: 9 + i })[0]);
      const expected = Random.named(9 + i, 'subset')
        .permutation(21)
        .slice(0, 10)
        .sort();
      expect(rows).toEqual(expected);
    }
    const masks = masksOf(drawn, 21);
    expect(masks.shape).toEqual([4, 21]);
    for (let i = 0; i < 84; i++) expect(masks.data[i]).toBe(drawn[Math.floor(i / 21)].includes(i % 21) ? 1 : 0);
    expect(() => drawSubsets(1, { count: 2, fraction: 0.5, seed: 1 })).toThrow(/share 0.5 of 1 samples/);
    expect(() => drawSubsets(9, { count: 0, fraction: 0.5, seed: 1 })).toThrow(/0 subsets/);
  });
});

describe('ground truth', () => {
  it('is −loss under a model trained on the subset with its own seed, twice with other seeds', async () => {
    const { masks, truth, again } = await retrainingTruth(setting, evaluation, { ...subsets, count: 3 });
    const drawn = drawSubsets(samples.rows, { ...subsets, count: 3 });
    expect(masks).toEqual(masksOf(drawn, samples.rows));
    for (const [matrix, purpose] of [
      [truth, 'truth'],
      [again, 'again'],
    ] as const) {
      const parameters = await trained(drawn[2], trainingSeed(purpose, subsets.seed, 2));
      const losses = await lossesOf(engine, model, parameters, evaluation);
      expect(matrix?.shape).toEqual([3, evaluation.rows]);
      expect([...(matrix?.data.subarray(2 * evaluation.rows) ?? [])]).toEqual([...losses.map((loss) => -loss)]);
    }
    expect(trainingSeed('truth', 7, 3)).toBe(10);
    expect((await retrainingTruth(setting, evaluation, { ...subsets, count: 2, sets: 1 })).again).toBeUndefined();
  });

  it('of two lists of queries is what each alone would have', async () => {
    const few = { ...subsets, count: 2 };
    const both = await jointTruth(setting, { heldOut, evaluation }, few);
    expect(both.evaluation).toEqual(await retrainingTruth(setting, evaluation, few));
    expect(both.heldOut).toEqual(await retrainingTruth(setting, heldOut, few));
    const numbers = { ...heldOut, targets: new Float32Array(heldOut.rows) };
    expect(() => joinSamples(evaluation, numbers)).toThrow(/Int32Array cannot be joined .* Float32Array/);
  });

  it('refuses held-out queries that are evaluated', () => {
    expect(() => refuseOverlap(heldOut, evaluation)).not.toThrow();
    const both = joinSamples(heldOut, selectSamples(evaluation, [4]));
    expect(() => refuseOverlap(both, evaluation)).toThrow(/Held-out query 12 is evaluation query 4/);
    expect(samplesNotIn(both, evaluation)).toEqual(heldOut);
    // another target of the same features is another query
    const other = selectSamples(evaluation, [4]);
    other.targets[0] = (other.targets[0] + 1) % CLASSES;
    expect(() => refuseOverlap(other, evaluation)).not.toThrow();
  });
});

describe('runs', () => {
  it('are one on everything and others on halves, with the states asked for, and no seed of the truth', async () => {
    const runs = await trainRuns(setting, { count: 3, fraction: 0.5, seed: 5, epochs: [0, 2] });
    expect(runs.map(({ rows }) => rows?.length)).toEqual([48, 24, 24]);
    expect(runs[0].rows).toEqual(allRows(samples));
    expect(runs.map(({ states }) => states.map(({ step }) => step))).toEqual([
      [0, 12, 36],
      [0, 6, 18],
      [0, 6, 18],
    ]);
    expect(keptEpochs(runs, samples.rows)).toEqual([0, 2, 6]);
    const { rows, seed, states } = runs[2];
    expect(states[2].parameters).toEqual(await trained(rows ?? allRows(samples), seed ?? 0));
    const truths = new Set(Array.from({ length: 1000 }, (_, i) => trainingSeed('truth', 5, i)));
    for (const run of runs) expect(truths.has(run.seed ?? 5)).toBe(false);
    expect(new Set(runs.map((run) => run.seed)).size).toBe(3);
  });
});

describe('removals', () => {
  it('one at a time by a weight of 0: loss without less loss with', async () => {
    const rows = Uint32Array.of(3, 17);
    const effects = await leaveOneOutEffects(setting, evaluation, rows, 9);
    const whole = await lossesOf(engine, model, await trained(allRows(samples), 9), evaluation);
    const weights = new Float32Array(samples.rows).fill(1).with(17, 0);
    const without = await lossesOf(engine, model, await trained(allRows(samples), 9, weights), evaluation);
    expect(effects.shape).toEqual([evaluation.rows, 2]);
    for (let q = 0; q < evaluation.rows; q++) {
      expect(effects.data[2 * q + 1]).toBe(Math.fround(without[q] - whole[q]));
    }
  });

  it('tell the predicted class by losses alone', async () => {
    const removed = Uint32Array.from({ length: 20 }, (_, i) => 2 * i);
    const [none, some] = await classesWithout(setting, evaluation, [new Uint32Array(0), removed], 4);
    const weights = new Float32Array(samples.rows).fill(1);
    for (const row of removed) weights[row] = 0;
    for (const [classes, parameters] of [
      [none, await trained(allRows(samples), 4)],
      [some, await trained(allRows(samples), 4, weights)],
    ] as const) {
      expect(classes).toEqual(predictedClasses(await predict(engine, model, parameters, evaluation), CLASSES));
    }
  });

  it('of many rows train on what is left, with every seed', async () => {
    const removed = Uint32Array.of(0, 5, 6);
    const seeds = [2, 3];
    const [losses] = await lossesWithout(setting, evaluation, [[removed, new Uint32Array(0)]], seeds);
    const left = allRows(samples).filter((row) => !removed.includes(row));
    const first = await lossesOf(engine, model, await trained(left, 2), evaluation);
    const second = await lossesOf(engine, model, await trained(allRows(samples), 3), evaluation);
    expect([...losses]).toEqual(Array.from(first).flatMap((loss, q) => [loss, second[q]]));
  });
});
