/** The pure part of every measure against its definition written out, and on scores of which the answer is known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../src/engine/index.js';
import {
  chooseMark,
  copyRanks,
  crossedMean,
  duplicateDetection,
  harmDetection,
  leaveOneOutCorrelation,
  mislabelDetection,
  pearson,
  plantCopies,
  plantFlips,
  type Scorer,
  selfInfluence,
  shortcutDetection,
  stamp,
  totalScores,
} from '../../../src/influence/index.js';
import { cloud } from '../../models/tiny.js';
import { normals } from './tinySetting.js';

const FEW = { replicates: 40 };

function matrix(rows: number, columns: number, data: ArrayLike<number>): Tensor {
  return { shape: [rows, columns], data: Float32Array.from(data) };
}

/** Every pair compared. */
function slowArea(suspicion: ArrayLike<number>, wrong: ArrayLike<number>): number {
  let [hits, pairs] = [0, 0];
  for (let i = 0; i < wrong.length; i++) {
    for (let j = 0; j < wrong.length; j++) {
      if (wrong[i] !== 1 || wrong[j] === 1) continue;
      pairs++;
      hits += suspicion[i] > suspicion[j] ? 1 : suspicion[i] === suspicion[j] ? 0.5 : 0;
    }
  }
  return hits / pairs;
}

const labelled = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, 1)), {
  minLength: 2,
  maxLength: 25,
});

describe('mislabel detection', () => {
  it('is the share of pairs in which the flipped sample is more suspicious, ties half', () => {
    fc.assert(
      fc.property(labelled, (rows) => {
        const [suspicion, flipped] = [rows.map(([s]) => s), rows.map(([, f]) => f)];
        fc.pre(flipped.includes(1) && flipped.includes(0));
        const { value, low, high } = mislabelDetection(suspicion, flipped, FEW);
        expect(value).toBeCloseTo(slowArea(suspicion, flipped), 12);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  });

  it('finds what is inspected first, and of ties the part to be expected', () => {
    const flipped = [1, 1, ...new Array<number>(18).fill(0)];
    const found = (suspicion: number[]): number[] =>
      mislabelDetection(suspicion, flipped, FEW).curve.map(({ value }) => value);
    const first = flipped.map((f, i) => 2 * f - i / 100);
    expect(found(first)).toEqual([0.5, 1, 1, 1, 1, 1]);
    expect(found(first.map((s) => -s))).toEqual([0, 0, 0, 0, 0, 0]);
    const same = mislabelDetection(
      flipped.map(() => 1),
      flipped,
      FEW,
    );
    expect(same.value).toBe(0.5);
    for (const { inspected, value } of same.curve) expect(value).toBeCloseTo(inspected, 12);
  });

  it('by harm ranks the negative mean over queries', () => {
    const [queries, samples] = [5, 30];
    const scores = matrix(queries, samples, normals(queries * samples, 4));
    const flipped = Uint8Array.from({ length: samples }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const harm = Array.from({ length: samples }, (_, i) => {
      let sum = 0;
      for (let q = 0; q < queries; q++) sum -= scores.data[q * samples + i];
      return sum / queries;
    });
    const found = harmDetection(scores, flipped, FEW);
    expect(found.value).toBeCloseTo(slowArea(harm, flipped), 12);
    expect(found.curve.map(({ value }) => value)).toEqual(
      mislabelDetection(harm, flipped, FEW).curve.map(({ value }) => value),
    );
    expect(found.low).toBeLessThan(found.high);
  });

  it('refuses NaN and one kind alone', () => {
    expect(() => mislabelDetection([1, Number.NaN], [0, 1])).toThrow(/suspicion of sample 1 is NaN/);
    expect(() => mislabelDetection([1, 2], [0, 0])).toThrow(/0 of 2 samples are flipped/);
    expect(() => harmDetection(matrix(1, 2, [1, 2]), [1, 1])).toThrow(/2 of 2 samples are flipped/);
    expect(() => harmDetection(matrix(1, 2, [1, Number.NaN]), [0, 1])).toThrow(/sample 1 is NaN/);
  });

  it('plants as many flips as it says, each to another class, and leaves the rest', () => {
    const given = cloud(50, 4, 3, 2);
    const { samples, flipped } = plantFlips(given, 3, 0.2, 7);
    expect(flipped.reduce((a, b) => a + b, 0)).toBe(10);
    for (let i = 0; i < 50; i++) {
      expect(samples.targets[i] !== given.targets[i]).toBe(flipped[i] === 1);
      expect(samples.targets[i]).toBeGreaterThanOrEqual(0);
      expect(samples.targets[i]).toBeLessThan(3);
    }
    expect(plantFlips(given, 3, 0.2, 7)).toEqual({ samples, flipped });
  });

  it('self-influence is the diagonal, whether asked in blocks or whole', async () => {
    const samples = cloud(300, 2, 2, 1);
    const scorer: Scorer = {
      name: 'products',
      scale: '',
      additivity: 'relative',
      async score(outputs, against) {
        const data = new Float32Array(outputs.rows * against.rows);
        for (let q = 0; q < outputs.rows; q++) {
          for (let i = 0; i < against.rows; i++) {
            data[q * against.rows + i] = outputs.features[2 * q] * against.features[2 * i + 1];
          }
        }
        return { shape: [outputs.rows, against.rows], data };
      },
      async dispose() {},
    };
    const expected = Array.from({ length: 300 }, (_, i) =>
      Math.fround(samples.features[2 * i] * samples.features[2 * i + 1]),
    );
    expect([...(await selfInfluence(scorer, samples, 'bilinear'))]).toEqual(expected);
    expect([...(await selfInfluence(scorer, samples, 'direct'))]).toEqual(expected);
  });
});

describe('leave-one-out correlation', () => {
  it("is the mean of every query's Pearson correlation over the samples", () => {
    const [scores, effects] = [matrix(4, 9, normals(36, 1)), matrix(4, 9, normals(36, 2))];
    const { perQuery, value, dropped } = leaveOneOutCorrelation(scores, effects, FEW);
    for (let q = 0; q < 4; q++) {
      expect(perQuery[q]).toBe(
        pearson(scores.data.subarray(q * 9, q * 9 + 9), effects.data.subarray(q * 9, q * 9 + 9)),
      );
    }
    expect(value).toBeCloseTo(perQuery.reduce((a, b) => a + b, 0) / 4, 12);
    expect(dropped).toBe(0);
    expect(leaveOneOutCorrelation(effects, effects, FEW)).toMatchObject({ value: 1, low: 1, high: 1 });
    expect(() => leaveOneOutCorrelation(matrix(4, 8, normals(32, 1)), effects)).toThrow(/\[4,8\].*\[4,9\]/);
  });
});

describe('duplicate detection', () => {
  it('counts a tie against the copy', () => {
    const scores = matrix(3, 4, [5, 9, 1, 2, 7, 7, 7, 7, 0, 1, 2, 3]);
    expect([...copyRanks(scores, [1, 0, 2])]).toEqual([1, 4, 2]);
    const { reciprocalRank, recall } = duplicateDetection(Uint32Array.of(1, 4, 2), FEW);
    expect(reciprocalRank.value).toBeCloseTo((1 + 1 / 4 + 1 / 2) / 3, 12);
    expect(recall.map(({ first, value }) => [first, value])).toEqual([
      [1, 1 / 3],
      [10, 1],
    ]);
    expect(() => copyRanks(matrix(1, 2, [1, Number.NaN]), [0])).toThrow(/query 0 and sample 1 is NaN/);
  });

  it('plants each query once, with its target, at a row of its own', () => {
    const [samples, queries] = [cloud(30, 4, 3, 2), cloud(6, 4, 3, 9)];
    const { samples: planted, copies } = plantCopies(samples, queries, 3);
    expect(new Set(copies).size).toBe(6);
    for (const [q, row] of copies.entries()) {
      expect(planted.features.subarray(row * 4, row * 4 + 4)).toEqual(queries.features.subarray(q * 4, q * 4 + 4));
      expect(planted.targets[row]).toBe(queries.targets[q]);
    }
    const kept = Array.from({ length: 30 }, (_, row) => row).filter((row) => !copies.includes(row));
    for (const row of kept) expect(planted.targets[row]).toBe(samples.targets[row]);
    expect(() => plantCopies(queries, queries, 1)).toThrow(/6 copies were to be planted among 6 samples/);
  });
});

describe('shortcut detection', () => {
  it('is the mean over queries of the area under the curve', () => {
    const scores = matrix(3, 12, normals(36, 6));
    const marked = Uint8Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const expected = [0, 1, 2].map((q) => slowArea(scores.data.subarray(q * 12, q * 12 + 12), marked));
    expect(shortcutDetection(scores, marked, FEW).value).toBeCloseTo((expected[0] + expected[1] + expected[2]) / 3, 12);
    const perfect = matrix(2, 12, [...marked, ...marked]);
    expect(shortcutDetection(perfect, marked, FEW)).toEqual({ value: 1, low: 1, high: 1 });
    expect(() => shortcutDetection(scores, new Uint8Array(12))).toThrow(/0 of 12 samples carry the mark/);
  });

  it('marks with a value that no sample has, in the same columns of every row', () => {
    const samples = cloud(20, 40, 3, 2);
    const mark = chooseMark(samples, 4);
    expect(mark.columns).toHaveLength(2);
    expect(mark.value).toBeGreaterThan(Math.max(...samples.features));
    const stamped = stamp(samples, [3, 7], mark);
    const changed = [...stamped.features.entries()].filter(([i, value]) => value !== samples.features[i]);
    expect(changed.map(([i]) => Math.floor(i / 40))).toEqual([3, 3, 7, 7]);
    for (const [, value] of changed) expect(value).toBe(Math.fround(mark.value));
  });
});

describe('means over queries and repeats', () => {
  it('draws both anew', () => {
    const values = Float64Array.from(normals(40, 3));
    const { value, low, high } = crossedMean(values, [8, 5], { replicates: 200 });
    expect(value).toBeCloseTo(values.reduce((a, b) => a + b, 0) / 40, 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    // one query that is always the same, five repeats that differ: the interval is that of the repeats
    const repeats = Float64Array.of(0, 0, 1, 1, 1);
    expect(crossedMean(repeats, [1, 5], { replicates: 200 }).high).toBe(1);
    expect(crossedMean(Float64Array.of(2, 2, 2, 2), [2, 2], FEW)).toEqual({ value: 2, low: 2, high: 2 });
  });

  it('adds the scores of a sample over the queries', () => {
    expect([...totalScores(matrix(2, 3, [1, 2, 3, 10, 20, 30]))]).toEqual([11, 22, 33]);
  });
});
