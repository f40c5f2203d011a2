import { describe, expect, it } from 'vitest';
import { fillDropoutMask, maskKey } from '../../src/models/dropoutMasks.js';

const mask = (length: number, seed: number, step: number, rate: number): Float32Array => {
  const filled = new Float32Array(length);
  fillDropoutMask(filled, maskKey(seed, step), rate);
  return filled;
};
const share = (values: ArrayLike<number>): number => Array.from(values).filter((x) => x === 0).length / values.length;

/** The generator again, in exact integers. */
function dropped(seed: number, step: number, position: number, lanes: number): boolean {
  const M = 1n << 32n;
  const word = (n: number): bigint => BigInt.asUintN(32, BigInt(n));
  const hash = (input: bigint, key: bigint): bigint => {
    let z = input ^ (input >> 17n);
    z = (z * 0xed5ad4bbn) % M;
    z ^= (z >> 11n) ^ key;
    z = (z * 0xac4c1b51n) % M;
    z ^= z >> 15n;
    z = (z * 0x31848babn) % M;
    return z ^ (z >> 14n);
  };
  const counter = hash(hash(word(seed), 0x9e3779b9n) ^ word(step), 0x7f4a7c15n);
  const middle = hash(hash(word(step), 0x85ebca6bn) ^ word(seed), counter);
  const z = hash((BigInt(position >> 1) + counter) % M, middle);
  return Number(position % 2 === 0 ? z % 65536n : z / 65536n) < lanes;
}

describe('dropout masks', () => {
  it('are what exact integers give', () => {
    for (const [seed, step] of [
      [0, 0],
      [1, 2],
      [-5, 70_000],
      [2 ** 31, 2 ** 32 - 1],
    ]) {
      const filled = mask(999, seed, step, 0.1);
      for (const [i, x] of filled.entries()) expect(x === 0).toBe(dropped(seed, step, i, 6554));
    }
  });

  it('do not depend on the parts they are filled in', () => {
    const whole = mask(1001, 3, 4, 0.3);
    const parts = new Float32Array(1001);
    for (const [from, to] of [
      [600, 1001],
      [0, 2],
      [2, 600],
    ])
      fillDropoutMask(parts.subarray(from, to), maskKey(3, 4), 0.3, from);
    expect(parts).toEqual(whole);
  });

  it('keep the mean at 1: kept entries are scaled by the rate as it was rounded', () => {
    for (const rate of [0.1, 0.5, 0.9]) {
      const filled = mask(2_000_000, 7, 1, rate);
      const lanes = Math.round(rate * 65536);
      const kept = Math.fround(65536 / (65536 - lanes));
      expect(new Set(filled)).toEqual(new Set([0, kept]));
      // 5 standard errors
      expect(Math.abs(share(filled) - lanes / 65536)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / 2_000_000));
    }
    expect(share(mask(1000, 1, 1, 0))).toBe(0);
    expect(mask(10, 1, 1, 0)[0]).toBe(1);
  });

  it('are uncorrelated between steps, seeds and neighbouring positions', () => {
    const n = 400_000;
    const bits = (seed: number, step: number): number[] => Array.from(mask(n + 2, seed, step, 0.5), (x) => x - 1);
    const base = bits(1, 1);
    const correlation = (other: number[], lag: number): number =>
      Array.from({ length: n }, (_, i) => base[i] * other[i + lag]).reduce((sum, x) => sum + x, 0) / n;
    const bound = 5 / Math.sqrt(n);
    for (const [seed, step] of [
      [1, 2],
      [2, 1],
      [2, 2],
      [1, 1 + 2 ** 16],
    ])
      for (const lag of [0, 1, 2]) expect(Math.abs(correlation(bits(seed, step), lag))).toBeLessThan(bound);
    for (const lag of [1, 2]) expect(Math.abs(correlation(base, lag))).toBeLessThan(bound);
  });

  it('every unit is dropped equally often over the steps (chi-square)', () => {
    const [units, steps, rate] = [192, 4000, 0.1];
    const counts = new Float64Array(units);
    for (let step = 0; step < steps; step++)
      for (const [i, x] of mask(units, 9, step, rate).entries()) counts[i] += Number(x === 0);
    const statistic = counts.reduce((sum, c) => sum + (c - steps * rate) ** 2 / (steps * rate * (1 - rate)), 0);
    // mean 192, deviation √384 = 19.6: within five
    expect(Math.abs(statistic - units)).toBeLessThan(98);
  });

  it('refuses rates and places that are none', () => {
    expect(() => mask(2, 0, 0, 1)).toThrow(/rate is 1/);
    expect(() => mask(2, 0, 0, Number.NaN)).toThrow(/rate is NaN/);
    expect(() => fillDropoutMask(new Float32Array(2), maskKey(0, 0), 0.1, 3)).toThrow(/begin at position 3/);
  });
});
