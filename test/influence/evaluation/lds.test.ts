/** The linear datamodelling score by its definition, on truths of which the answer is known. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { lds, ldsDifference, noiseCeiling, subsetPredictions } from '../../../src/influence/evaluation/index.js';

const [QUERIES, SAMPLES, SUBSETS] = [6, 30, 24];

function matrix(rows: number, columns: number, value: (r: number, c: number) => number): Tensor {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
  return { shape: [rows, columns], data };
}

/** Scores, half subsets, and what a linear world does under them plus noise. */
function world(seed: number, noise: number) {
  const random = new Random(seed);
  const scores = matrix(QUERIES, SAMPLES, () => random.normal());
  const masks = matrix(SUBSETS, SAMPLES, () => random.below(2));
  const exact = subsetPredictions(scores, masks);
  const truth = (): Tensor => matrix(SUBSETS, QUERIES, (k, q) => exact[q * SUBSETS + k] + noise * random.normal());
  return { scores, masks, truth: truth(), again: truth() };
}

describe('lds', () => {
  it('sums the scores of the subset, whatever weights a mask holds', () => {
    const { scores, masks } = world(1, 0);
    const weighed = { shape: masks.shape, data: masks.data.map((value, i) => value * (1 + (i % 3))) };
    const found = subsetPredictions(scores, weighed);
    for (const [q, k] of [
      [0, 0],
      [3, 7],
      [5, 23],
    ]) {
      let sum = 0;
      for (let i = 0; i < SAMPLES; i++) sum += scores.data[q * SAMPLES + i] * weighed.data[k * SAMPLES + i];
      expect(found[q * SUBSETS + k]).toBeCloseTo(sum, 10);
    }
  });

  it('is 1 where the world is the sum of the scores, −1 where the truth is losses, and neither scale nor offset matter', () => {
    const { scores, masks, truth } = world(2, 0);
    expect(lds({ scores, masks, truth }, { replicates: 20 })).toMatchObject({ value: 1, low: 1, high: 1, dropped: 0 });
    const losses = { shape: truth.shape, data: truth.data.map((value) => 3 - 2 * value) };
    expect(lds({ scores, masks, truth: losses }, { replicates: 20 }).value).toBe(-1);
  });

  it('falls with noise, and its interval holds it', () => {
    const [little, much] = [0.5, 8].map((noise) => lds(world(3, noise), { replicates: 200 }));
    expect(little.value).toBeGreaterThan(much.value + 0.2);
    for (const { value, low, high } of [little, much]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it('does not depend on which other queries are asked', () => {
    const { scores, masks, truth } = world(4, 2);
    const whole = lds({ scores, masks, truth }, { replicates: 5 });
    const one = lds(
      {
        scores: matrix(1, SAMPLES, (_, i) => scores.data[2 * SAMPLES + i]),
        masks,
        truth: matrix(SUBSETS, 1, (k) => truth.data[k * QUERIES + 2]),
      },
      { replicates: 5 },
    );
    expect(one.value).toBe(whole.perQuery[2]);
  });

  it('compares two methods on the same draws', () => {
    const { scores, masks, truth } = world(5, 2);
    const random = new Random(8);
    const worse = { shape: scores.shape, data: scores.data.map((value) => value + random.normal()) };
    const gap = ldsDifference(scores, worse, { masks, truth }, { replicates: 200 });
    const [a, b] = [scores, worse].map((given) => lds({ scores: given, masks, truth }, { replicates: 5 }).value);
    expect(gap.value).toBeCloseTo(a - b, 12);
    expect(gap.low).toBeGreaterThan(0);
  });

  it('refuses what does not fit together, naming both numbers', () => {
    const { scores, masks, truth } = world(6, 1);
    const cut = ({ shape: [rows, columns] }: Tensor, r: number, c: number) => matrix(rows - r, columns - c, () => 1);
    expect(() => lds({ scores: cut(scores, 0, 1), masks, truth })).toThrow(/of 29 samples and the masks of 30/);
    expect(() => lds({ scores, masks: cut(masks, 1, 0), truth })).toThrow(/of 23 subsets and the truth of 24/);
    expect(() => lds({ scores: cut(scores, 2, 0), masks, truth })).toThrow(/of 4 queries and the truth of 6/);
    expect(() => lds({ scores, masks: cut(masks, 23, 0), truth: cut(truth, 23, 0) })).toThrow(/over 1 subsets/);
    expect(() => lds({ scores: { shape: [6, 31], data: scores.data }, masks, truth })).toThrow(/180 numbers/);
    const holes = { shape: masks.shape, data: masks.data.with(SAMPLES + 4, Number.NaN) };
    expect(() => lds({ scores, masks: holes, truth })).toThrow(/mask of subset 1 holds NaN for sample 4/);
  });

  it('drops a query whose scores are not numbers, and says how many', () => {
    const { scores, masks, truth } = world(7, 1);
    const found = lds(
      { scores: { shape: scores.shape, data: scores.data.with(3, Number.NaN) }, masks, truth },
      { replicates: 20 },
    );
    expect(found.dropped).toBe(1);
    expect(found.perQuery[0]).toBeNaN();
    expect(found.value).not.toBeNaN();
  });
});

describe('the noise ceiling', () => {
  it('is what the best predictor reaches', () => {
    const [trials, noise] = [30, 4];
    let [ceiling, reached] = [0, 0];
    for (let seed = 0; seed < trials; seed++) {
      const { truth, again, ...known } = world(100 + seed, noise);
      ceiling += noiseCeiling(truth, again, { replicates: 2 }).correlation.value / trials;
      reached += lds({ ...known, truth }, { replicates: 2 }).value / trials;
    }
    expect(Math.sqrt(ceiling)).toBeCloseTo(reached, 1);
    expect(reached).toBeLessThan(0.9);
  });

  it('prints both numbers, one the root of the other, and 0 where nothing agrees', () => {
    const { truth, again } = world(8, 3);
    const { value, correlation, low, high } = noiseCeiling(truth, again, { replicates: 100 });
    expect(value).toBe(Math.sqrt(correlation.value));
    expect([low, high]).toEqual([Math.sqrt(correlation.low), Math.sqrt(correlation.high)]);
    const opposite = { shape: truth.shape, data: truth.data.map((v) => -v) };
    expect(noiseCeiling(truth, opposite, { replicates: 5 })).toMatchObject({ value: 0, correlation: { value: -1 } });
    expect(noiseCeiling(truth, truth, { replicates: 5 }).value).toBe(1);
    expect(() =>
      noiseCeiling(
        truth,
        matrix(3, QUERIES, () => 1),
      ),
    ).toThrow(/\[24,6\] were compared with others of the shape \[3,6\]/);
  });
});
