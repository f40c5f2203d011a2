import { describe, expect, it } from 'vitest';
import { constant, cosine, triangular } from '../../src/models/schedules.js';

describe('schedules', () => {
  it('constant stays', () => {
    expect([0, 1, 1e6].map(constant(0.3))).toEqual([0.3, 0.3, 0.3]);
  });

  it('cosine: warm-up by equal steps, then equation 5 of SGDR, then its floor', () => {
    const [peak, floor, warmup, steps] = [0.4, 0.04, 5, 26];
    const rate = cosine({ peak, floor, warmup, steps });
    for (let step = 0; step < warmup; step++) expect(rate(step)).toBeCloseTo((peak * (step + 1)) / warmup, 14);
    expect(rate(warmup)).toBe(peak);
    for (let step = warmup; step < steps; step++) {
      const [current, total] = [step - warmup, steps - 1 - warmup];
      expect(rate(step)).toBeCloseTo(floor + 0.5 * (peak - floor) * (1 + Math.cos((current / total) * Math.PI)), 14);
    }
    expect(rate(steps - 1)).toBeCloseTo(floor, 14);
    expect(rate(10 * steps)).toBeCloseTo(floor, 14);
    // symmetric about the middle
    for (let k = 0; k <= 20; k++) expect(rate(warmup + k) + rate(warmup + 20 - k)).toBeCloseTo(peak + floor, 14);
  });

  it("triangular is Smith's formula", () => {
    const [low, high, halfCycle] = [0.001, 0.006, 7];
    const rate = triangular({ low, high, halfCycle });
    for (let step = 0; step < 60; step++) {
      const cycle = Math.floor(1 + step / (2 * halfCycle));
      const x = Math.abs(step / halfCycle - 2 * cycle + 1);
      expect(rate(step)).toBeCloseTo(low + (high - low) * Math.max(0, 1 - x), 15);
    }
    expect(rate(halfCycle)).toBeCloseTo(high, 15);
    expect(rate(2 * halfCycle)).toBeCloseTo(low, 15);
  });

  it('refuses what is no schedule', () => {
    expect(() => constant(Number.NaN)).toThrow(/rate is NaN/);
    expect(() => cosine({ peak: -1, steps: 10 })).toThrow(/peak is -1/);
    expect(() => cosine({ peak: 1, warmup: 10, steps: 10 })).toThrow(/warm-up of 10 steps does not fit/);
    expect(() => cosine({ peak: 1, steps: 2.5 })).toThrow(/steps is 2.5/);
    expect(() => triangular({ low: 0, high: 1, halfCycle: 0 })).toThrow(/halfCycle is 0/);
  });
});
