import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  gatherTrainRows,
  imputeMedians,
  median,
  type RowTable,
  standardise,
  stratifiedSplit,
} from '../../src/data/index.js';
import { Random } from '../../src/foundation/index.js';

const tables = fc.array(fc.record({ label: fc.nat(3), contributor: fc.nat(5) }), { minLength: 1, maxLength: 120 }).map(
  (rows): RowTable => ({
    features: Float32Array.from(rows, (_, i) => i),
    labels: Int32Array.from(rows, ({ label }) => label),
    contributors: Int32Array.from(rows, ({ contributor }) => contributor),
    width: 1,
  }),
);

describe('stratifiedSplit', () => {
  it('keeps every row once, every class and every contributor in training, and never more than a fifth of a class out', () => {
    fc.assert(
      fc.property(tables, fc.nat(), (table, seed) => {
        const { train, heldOut } = stratifiedSplit(table, new Random(seed));
        expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from(table.labels.keys()));
        const trained = gatherTrainRows(table, train);
        expect(new Set(trained.labels)).toEqual(new Set(table.labels));
        expect(new Set(trained.contributors)).toEqual(new Set(table.contributors));
        expect([...trained.contributors]).toEqual([...trained.contributors].sort((a, b) => a - b));
        for (const label of new Set(table.labels)) {
          const all = table.labels.filter((each) => each === label).length;
          expect(heldOut.filter((row) => table.labels[row] === label).length).toBeLessThanOrEqual(Math.round(all / 5));
        }
      }),
    );
  });

  it('holds out exactly a fifth where nothing stands against it, by the seed', () => {
    const table: RowTable = {
      features: new Float32Array(100),
      labels: Int32Array.from({ length: 100 }, (_, i) => (i < 70 ? 0 : 1)),
      contributors: new Int32Array(100),
      width: 1,
    };
    const heldOut = (seed: number) => stratifiedSplit(table, new Random(seed)).heldOut;
    expect([heldOut(1).filter((row) => row < 70).length, heldOut(1).length]).toEqual([14, 20]);
    expect(heldOut(1)).toEqual(heldOut(1));
    expect(heldOut(1)).not.toEqual(heldOut(2));
  });
});

describe('column statistics', () => {
  const table: RowTable = {
    features: Float32Array.of(1, 5, Number.NaN, 5, 3, 5, 1000, 5, 8, 5),
    labels: new Int32Array(5),
    contributors: new Int32Array(5),
    width: 2,
  };

  it('imputes the median of the training rows alone', () => {
    expect([...imputeMedians(table, [0, 1, 2, 4]).features]).toEqual([1, 5, 3, 5, 3, 5, 1000, 5, 8, 5]);
    expect([median([4, 1, 3, 2]), median([]), median([7])]).toEqual([2.5, 0, 7]);
  });

  it('gives training columns mean 0 and deviation 1, and a constant column 0, untouched by held-out rows', () => {
    const { features } = standardise(imputeMedians(table, [0, 2, 4]), [0, 2, 4]);
    const column = [features[0], features[4], features[8]];
    expect(column.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 6);
    expect(column.reduce((sum, value) => sum + value * value, 0) / 3).toBeCloseTo(1, 6);
    expect(Math.abs(features[1]) + Math.abs(features[7])).toBe(0);
  });
});
