/** What every method owes, whatever it computes: independence of its neighbours, means over runs, finite numbers or a sentence. */
import { expect } from 'vitest';
import { MeedError } from '../../../src/foundation/index.js';
import type { Attribution, Method, Settings } from '../../../src/influence/index.js';
import { mlp, type Samples, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionAt, scoresOf } from '../dense/attribution.js';
import { relativeError } from '../dense/dense.js';

/** A row's scores are the same bits whatever else is asked for, in whatever order. */
export async function expectIndependence<S extends Settings>(
  method: Method<S>,
  attribution: Attribution,
  outputs: Samples,
  settings: Partial<S> = {},
): Promise<void> {
  const { samples } = attribution;
  const whole = await scoresOf(method, attribution, outputs, settings);
  expect(whole.shape).toEqual([outputs.rows, samples.rows]);
  const [queries, rows] = [
    [outputs.rows - 1, 1],
    [3, samples.rows - 1, 0],
  ];
  const part = await scoresOf(
    method,
    attribution,
    selectSamples(outputs, queries),
    settings,
    selectSamples(samples, rows),
  );
  expect([...part.data]).toEqual(queries.flatMap((q) => rows.map((i) => whole.data[q * samples.rows + i])));
}

/** Scores of several runs are the mean of the scores of each. */
export async function expectMeanOverRuns<S extends Settings>(
  method: Method<S>,
  attribution: Attribution,
  outputs: Samples,
  settings: Partial<S> = {},
): Promise<void> {
  const { runs } = attribution;
  expect(runs.length).toBeGreaterThan(1);
  const whole = await scoresOf(method, attribution, outputs, settings);
  const mean = new Float64Array(whole.data.length);
  for (const run of runs) {
    const { data } = await scoresOf(method, { ...attribution, runs: [run] }, outputs, settings);
    for (const [i, score] of data.entries()) mean[i] += score / runs.length;
  }
  expect(relativeError(whole.data, mean)).toBeLessThan(1e-6);
}

/**
 * Constant and duplicated features, duplicated rows, a class of one sample, and weights so large that every sample is
 * fitted with p = 1 in float32: each gives finite scores, or a sentence.
 * @returns what was said instead of scores
 */
export async function degenerateAnswers<S extends Settings>(
  method: Method<S>,
  settings: Partial<S> = {},
): Promise<string[]> {
  const said: string[] = [];
  const base = cloud(12, 4, 3, 5);
  const features = base.features.map((value, i) => (i % 4 === 3 ? 1 : i % 4 === 2 ? base.features[i - 1] : value));
  const targets = base.targets.map((_, i) => (i === 0 ? 2 : i % 2));
  const rows = selectSamples({ ...base, features, targets }, [0, 1, 2, 3, 4, 5, 6, 7, 1, 1, 2, 2]);
  const model = mlp([4, 3]);
  const small = Float32Array.from({ length: 15 }, (_, p) => Math.sin(p) / 5);
  const large = Float32Array.from({ length: 15 }, (_, p) => (p % 3 === 1 ? 400 : -400));
  for (const parameters of [small, large, new Float32Array(15)]) {
    const attribution = attributionAt(model, rows, [parameters]);
    try {
      const { data } = await scoresOf(method, attribution, selectSamples(rows, [0, 1, 4]), settings);
      expect(data.every(Number.isFinite)).toBe(true);
    } catch (error) {
      if (!(error instanceof MeedError)) throw error;
      said.push(error.message);
    }
  }
  return said;
}
