import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnScales, quantiseQuery, quantiseRow, roundHalfEven } from '../../src/prover/reference/index.js';

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });
const matrix = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
  fc.record({
    columns: fc.constant(columns),
    values: fc.float32Array({
      noNaN: true,
      noDefaultInfinity: true,
      minLength: rows * columns,
      maxLength: rows * columns,
    }),
  }),
);

/** Half-even by exact decimal reasoning on multiples of one half. */
function halfEvenOfHalves(halves: number): number {
  if (halves % 2 === 0) return halves / 2;
  const [below, above] = [(halves - 1) / 2, (halves + 1) / 2];
  return below % 2 === 0 ? below : above;
}

describe('rounding', () => {
  it('goes to the nearest, and from the middle to the even one', () => {
    for (let halves = -41; halves <= 41; halves++) {
      expect(roundHalfEven(halves / 2) + 0).toBe(halfEvenOfHalves(halves) + 0);
    }
    fc.assert(
      fc.property(float, (x) => {
        const rounded = roundHalfEven(x);
        expect(Number.isInteger(rounded)).toBe(true);
        expect(Math.abs(rounded - x)).toBeLessThanOrEqual(0.5);
        expect(roundHalfEven(-x) + 0).toBe(-rounded + 0);
      }),
    );
    expect(roundHalfEven(0.49999999999999994)).toBe(0);
  });
});

describe('rows', () => {
  it('are within half a unit of the float sketch, and never −128', () => {
    fc.assert(
      fc.property(matrix, ({ columns, values }) => {
        const scales = columnScales(values, columns);
        for (let i = 0; i < values.length; i += columns) {
          const row = values.subarray(i, i + columns);
          for (const [j, entry] of quantiseRow(row, scales).entries()) {
            expect(Math.abs(entry)).toBeLessThanOrEqual(127);
            expect(Math.abs(entry * scales[j] - row[j])).toBeLessThanOrEqual(scales[j] * 0.5000001);
          }
        }
      }),
    );
  });

  it('reach 127 at the largest magnitude of each column, with its sign', () => {
    const sketch = Float32Array.of(-4, 0, 0.5, 2, 0, -0.25);
    const scales = columnScales(sketch, 3);
    expect([...scales]).toEqual([4 / 127, 0, 0.5 / 127]);
    expect([...quantiseRow(sketch.subarray(0, 3), scales)]).toEqual([-127, 0, 127]);
    // 2/4 · 127 = 63.5 and −127/2 = −63.5 go to the even 64
    expect([...quantiseRow(sketch.subarray(3), scales)]).toEqual([64, 0, -64]);
  });

  it('clip what a fixed scale did not foresee, to ±127', () => {
    expect([...quantiseRow([1e9, -1e9, 1], Float64Array.of(1, 1, 0))]).toEqual([127, -127, 0]);
  });

  it('refuse what is not finite, naming row and column', () => {
    expect(() => columnScales(Float32Array.of(1, 2, 3, Number.NaN), 2)).toThrow(
      /Row 1 of the sketch holds NaN in column 1/,
    );
    expect(() => columnScales(Float32Array.of(Number.NEGATIVE_INFINITY, 2), 2)).toThrow(
      /Row 0 .* -Infinity in column 0/,
    );
    expect(() => quantiseRow([0, Number.NaN], Float64Array.of(1, 1))).toThrow(/NaN in column 1/);
  });
});

describe('queries', () => {
  it('are the direction of ψ·scale at length 32767', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(float, fc.double({ min: 1e-6, max: 1, noNaN: true })), { minLength: 1, maxLength: 8 }),
        (pairs) => {
          const query = pairs.map(([x]) => x);
          const scales = Float64Array.from(pairs, ([, scale]) => scale);
          const { entries, norm } = quantiseQuery(query, scales);
          expect(norm).toBeCloseTo(Math.hypot(...query.map((x, j) => x * scales[j])), 8);
          for (const [j, entry] of entries.entries()) {
            expect(Math.abs(entry)).toBeLessThanOrEqual(32767);
            if (norm > 0) expect(Math.abs(entry - (query[j] * scales[j] * 32767) / norm)).toBeLessThanOrEqual(0.500001);
          }
        },
      ),
    );
  });

  it('do not depend on the length of ψ, and a zero query stays zero', () => {
    const scales = Float64Array.of(0.5, 0.25, 0);
    const base = quantiseQuery([3, -8, 5], scales);
    expect(quantiseQuery([12, -32, 20], scales)).toEqual({ entries: base.entries, norm: base.norm * 4 });
    expect(base.entries[2]).toBe(0);
    expect(quantiseQuery([0, 0, 7], scales)).toEqual({ entries: Int16Array.of(0, 0, 0), norm: 0 });
    expect([...quantiseQuery([0, -1e-30, 0], scales).entries]).toEqual([0, -32767, 0]);
  });

  it('refuse what is not finite', () => {
    expect(() => quantiseQuery([Number.NaN], Float64Array.of(1))).toThrow(/not finite/);
    expect(() => quantiseQuery([Number.POSITIVE_INFINITY], Float64Array.of(1))).toThrow(/not finite/);
  });
});

describe('integer scores', () => {
  it('times scale and norm are the float scores, within the rounding of both sides', () => {
    fc.assert(
      fc.property(matrix, fc.array(float, { minLength: 5, maxLength: 5 }), ({ columns, values }, psi) => {
        fc.pre(values.every((value) => Math.abs(value) < 1e6));
        const scales = columnScales(values, columns);
        const { entries, norm } = quantiseQuery(psi, scales);
        const row = values.subarray(0, columns);
        const integer = quantiseRow(row, scales).reduce((sum, entry, j) => sum + entry * entries[j], 0);
        const exact = row.reduce((sum, x, j) => sum + x * psi[j], 0);
        // ½ unit of each row entry against |ψ·scale|, ½ unit of each query entry against 127
        const bound =
          scales.reduce((sum, scale, j) => sum + Math.abs(psi[j] * scale) / 2, 0) + (columns * 127 * norm) / 65534;
        expect(Math.abs((integer * norm) / 32767 - exact)).toBeLessThanOrEqual(bound * 1.001 + 1e-9);
      }),
    );
  });
});
