/** Ranks, correlations and the two-way bootstrap against definitions written out with loops, and against known answers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import {
  bootstrap,
  correlator,
  meanCorrelation,
  midRanks,
  pairedDifference,
  pearson,
  percentileInterval,
  spearman,
} from '../../../src/influence/evaluation/statistics/index.js';

/** By definition: as many as are smaller, and half of those that are equal. */
function slowRanks(values: readonly number[]): number[] {
  return values.map(
    (value) => 0.5 + values.filter((other) => other < value).length + values.filter((o) => o === value).length / 2,
  );
}

function slowPearson(x: readonly number[], y: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (f: (i: number) => number): number => x.reduce((total, _, i) => total + f(i), 0);
  return sum((i) => (x[i] - mx) * (y[i] - my)) / Math.sqrt(sum((i) => (x[i] - mx) ** 2) * sum((i) => (y[i] - my) ** 2));
}

const coarse = fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })), {
  minLength: 2,
  maxLength: 12,
});

describe('correlation', () => {
  it('gives equal values the mean of the ranks that they cover', () => {
    fc.assert(
      fc.property(coarse, (pairs) => {
        const values = pairs.map(([x]) => x);
        expect([...midRanks(values)]).toEqual(slowRanks(values));
      }),
    );
    expect([...midRanks([5, -Infinity, 5, Infinity])]).toEqual([2.5, 1, 2.5, 4]);
  });

  it('is that of the sample in which each pair stands as often as it was drawn', () => {
    const drawn = fc.tuple(coarse, fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }));
    fc.assert(
      fc.property(drawn, ([pairs, counts]) => {
        const [x, y] = [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])];
        const many = pairs.flatMap((pair, i) => new Array<readonly number[]>(counts[i]).fill(pair));
        const [mx, my] = [many.map((pair) => pair[0]), many.map((pair) => pair[1])];
        for (const kind of ['pearson', 'spearman'] as const) {
          const found = correlator(kind, x, y).of(counts);
          if (new Set(mx).size < 2 || new Set(my).size < 2) expect(found).toBeNaN();
          else if (kind === 'pearson') expect(found).toBeCloseTo(slowPearson(mx, my), 12);
          else expect(found).toBeCloseTo(slowPearson(slowRanks(mx), slowRanks(my)), 12);
        }
      }),
    );
  });

  it('has known values, bounds and no answer for constants and NaN', () => {
    // Kendall and Gibbons, Rank Correlation Methods: ten students by two subjects, ρ = 1 − 6·Σd²/(n³ − n)
    const other = [6, 4, 1, 2, 3, 7, 8, 10, 5, 9];
    const first = other.map((_, i) => i + 1);
    const squares = other.reduce((sum, rank, i) => sum + (rank - i - 1) ** 2, 0);
    expect(spearman(first, other)).toBeCloseTo(1 - (6 * squares) / 990, 12);
    expect(spearman(first, first.map(Math.exp))).toBe(1);
    expect(
      spearman(
        first,
        first.map((v) => -(v ** 3)),
      ),
    ).toBe(-1);
    expect(pearson([1, 2, 3], [10, 20, 30])).toBe(1);
    // a mean of 0.1 three times is not 0.1: rounding must not make a constant vary
    expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
    expect(spearman([1, 2, Number.NaN], [1, 2, 3])).toBeNaN();
    expect(spearman([], [])).toBeNaN();
  });
});

describe('bootstrap', () => {
  it('draws as many as there are, independently of the figure, the same for the same seed', () => {
    const sums: number[] = [];
    const run = (seed: number): Float64Array =>
      bootstrap(
        [7, 5],
        (rows, columns) => {
          sums.push(rows.reduce((a, b) => a + b, 0) * 10 + columns.reduce((a, b) => a + b, 0));
          return rows[0] * 100 + columns[0];
        },
        { replicates: 50, seed },
      );
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
    expect(new Set(sums)).toEqual(new Set([75]));
  });

  it('takes percentiles between the nearest replicates, without those that have no figure', () => {
    const replicates = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
    const { low, high } = percentileInterval(replicates, { level: 0.9 });
    expect(low).toBeCloseTo(5, 12);
    expect(high).toBeCloseTo(95, 12);
    expect(percentileInterval(Float64Array.of(3, Number.NaN, 1), { level: 0.5 })).toEqual({ low: 1.5, high: 2.5 });
    expect(percentileInterval(Float64Array.of(Number.NaN))).toEqual({ low: Number.NaN, high: Number.NaN });
    expect(() => percentileInterval(replicates, { level: 1 })).toThrow(/interval of the level 1 /);
    expect(() => bootstrap([1, 1], () => 0, { replicates: 0 })).toThrow(/0 bootstrap replicates/);
  });

  it('covers the truth about as often as it says, where queries and subsets both vary', () => {
    // x and y share a signal; the population correlation is 1/2, whose rank correlation is (6/π)·asin(1/4)
    const truth = (6 / Math.PI) * Math.asin(0.25);
    let covered = 0;
    const trials = 60;
    for (let trial = 0; trial < trials; trial++) {
      const random = Random.named(trial, 'coverage');
      const correlators = Array.from({ length: 8 }, () => {
        const signal = Array.from({ length: 40 }, () => random.normal());
        const noisy = (): number[] => signal.map((s) => s + random.normal());
        return correlator('spearman', noisy(), noisy());
      });
      const { low, high } = meanCorrelation(correlators, 40, { replicates: 200, seed: trial });
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.9);
  });

  it('is wider than that of queries alone: subsets are a sample too', () => {
    // all queries are one query, so drawing queries changes nothing
    const random = new Random(2);
    const x = Array.from({ length: 30 }, () => random.normal());
    const y = x.map((value) => value + 2 * random.normal());
    const same = new Array(20).fill(correlator('spearman', x, y));
    const { low, high, value } = meanCorrelation(same, 30, { replicates: 300 });
    expect(high - low).toBeGreaterThan(0.2);
    expect(low).toBeLessThan(value);
  });

  it('drops queries without a correlation and counts them', () => {
    const good = correlator('spearman', [1, 2, 3], [1, 2, 3]);
    const constant = correlator('spearman', [1, 2, 3], [4, 4, 4]);
    const found = meanCorrelation([good, constant, good], 3, { replicates: 20 });
    expect(found).toMatchObject({ value: 1, dropped: 1 });
    expect(found.perQuery[1]).toBeNaN();
    expect(meanCorrelation([constant], 3, { replicates: 20 })).toMatchObject({
      value: Number.NaN,
      low: Number.NaN,
      dropped: 1,
    });
    expect(pairedDifference([good, good], [constant, good], 3, { replicates: 20 })).toMatchObject({
      value: 0,
      dropped: 1,
    });
  });

  it('pairs: a method less itself is nothing, and draws that both share leave a narrower interval than draws of their own', () => {
    const random = new Random(9);
    const queries = Array.from({ length: 30 }, () => {
      const truth = Array.from({ length: 40 }, () => random.normal());
      const better = truth.map((t) => t + random.normal());
      const worse = better.map((b) => b + 1.5 * random.normal());
      return { better: correlator('spearman', better, truth), worse: correlator('spearman', worse, truth) };
    });
    const [better, worse] = [queries.map((q) => q.better), queries.map((q) => q.worse)];
    expect(pairedDifference(better, better, 40, { replicates: 30 })).toMatchObject({
      value: 0,
      low: 0,
      high: 0,
      above: 0,
    });
    const options = { replicates: 300 };
    const [a, b] = [better, worse].map((one) => meanCorrelation(one, 40, options));
    const gap = pairedDifference(better, worse, 40, options);
    expect(gap.value).toBeCloseTo(a.value - b.value, 12);
    expect(gap.low).toBeGreaterThan(0);
    expect(gap.above).toBe(1);
    expect(gap.high - gap.low).toBeLessThan(0.9 * Math.hypot(a.high - a.low, b.high - b.low));
    expect(pairedDifference(worse, better, 40, options).high).toBeCloseTo(-gap.low, 12);
  });
});
