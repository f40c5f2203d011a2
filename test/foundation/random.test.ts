import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random, type RandomState } from '../../src/foundation/index.js';

const MASK = 0xffffffffn;
const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & MASK;

/** xoshiro128** as published (Blackman and Vigna, version 1.1), in unbounded integers. */
function published(seed: RandomState): () => number {
  const s = seed.map(BigInt);
  return () => {
    const result = (rotate((s[1] * 5n) & MASK, 7n) * 9n) & MASK;
    const t = (s[1] << 9n) & MASK;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11n);
    return Number(result);
  };
}

/** SplitMix32: a Weyl sequence through a two-round mixer. */
function splitMix(seed: number): number[] {
  return [1n, 2n, 3n, 4n].map((k) => {
    let z = (BigInt(seed) + k * 0x9e3779b9n) & MASK;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & MASK;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & MASK;
    return Number(z ^ (z >> 15n));
  });
}

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const take = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32());

describe('the generator', () => {
  it('gives the published sequence of the state 1, 2, 3, 4', () => {
    // produced with the authors' C code; the vector of the Rust crate rand_xoshiro
    expect(take(new Random([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('agrees with the published algorithm in unbounded integers, from any state', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (state) => {
        const next = published(state);
        expect(take(new Random(state), 40)).toEqual(Array.from({ length: 40 }, next));
      }),
    );
  });

  it('spreads a seed by SplitMix32', () => {
    expect(new Random(0).state).toEqual([1684164658, 3653269916, 2939563536, 2141751570]);
    fc.assert(
      fc.property(word, (seed) => {
        expect(new Random(seed).state).toEqual(splitMix(seed));
      }),
    );
  });

  it('goes on from a saved state as if it had never stopped', () => {
    fc.assert(
      fc.property(word, fc.nat(50), (seed, before) => {
        const random = new Random(seed);
        take(random, before);
        const saved = random.state;
        const restored = new Random(saved);
        expect([restored.normal(), restored.below(7), [...restored.permutation(9)], restored.state]).toEqual([
          random.normal(),
          random.below(7),
          [...random.permutation(9)],
          random.state,
        ]);
        // a saved state is a copy: drawing does not move it
        expect(take(new Random(saved), 3)).not.toEqual(take(random, 3));
      }),
    );
  });

  it('gives every purpose and every seed a sequence of its own, the same each time', () => {
    expect(take(Random.named(5, 'order'), 4)).toEqual(take(Random.named(5, 'order'), 4));
    const purposes = ['order', 'weights', 'subspace', 'split', 'owners', ''];
    const firsts = purposes.flatMap((purpose) =>
      Array.from({ length: 500 }, (_, seed) => Random.named(seed, purpose).state.join()),
    );
    expect(new Set(firsts).size).toBe(firsts.length);
  });
});

describe('draws', () => {
  it('permutes: every position once, whatever the length', () => {
    fc.assert(
      fc.property(word, fc.nat(300), (seed, n) => {
        const order = new Random(seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('gives all 24 orders of four things equally often', () => {
    const random = new Random(11);
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let i = 0; i < draws; i++) {
      const key = random.permutation(4).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const expected = draws / 24;
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(24);
    expect(chiSquared).toBeLessThan(49.7); // 23 degrees of freedom, p = .001
  });

  it('draws below a bound without bias, also where 2³² is no multiple of it', () => {
    const random = new Random(3);
    const bound = 3 * 2 ** 30; // modulo alone would give the lowest third twice as often
    const draws = 30_000;
    const thirds = [0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const draw = random.below(bound);
      expect(Number.isInteger(draw) && draw >= 0 && draw < bound).toBe(true);
      thirds[Math.floor(draw / 2 ** 30)]++;
    }
    for (const count of thirds) expect(Math.abs(count - draws / 3)).toBeLessThan(4 * Math.sqrt(draws / 4));
  });

  it('refuses bounds below which nothing can be drawn', () => {
    for (const bound of [0, -1, 0.5, 2 ** 32 + 1, Number.NaN]) {
      expect(() => new Random(1).below(bound)).toThrow(/bound/);
    }
    expect(new Random(1).below(1)).toBe(0);
    expect(new Random([1, 2, 3, 4]).below(2 ** 32)).toBe(11520);
  });

  it('has the moments of uniform and normal variables', () => {
    const random = new Random(2024);
    const n = 40_000;
    const uniform = Array.from({ length: n }, () => random.uniform());
    const normal = Array.from({ length: n }, () => random.normal());
    const mean = (values: number[], power: number): number => values.reduce((sum, x) => sum + x ** power, 0) / n;
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(mean(uniform, 1) - 1 / 2)).toBeLessThan(0.006);
    expect(Math.abs(mean(uniform, 2) - 1 / 3)).toBeLessThan(0.006);
    expect(Math.abs(mean(normal, 1))).toBeLessThan(0.02);
    expect(Math.abs(mean(normal, 2) - 1)).toBeLessThan(0.03);
    expect(Math.abs(mean(normal, 3))).toBeLessThan(0.08);
    expect(Math.abs(mean(normal, 4) - 3)).toBeLessThan(0.25);
  });

  it('takes one word a uniform and two a normal, so that a state names a place in the sequence', () => {
    const [a, b] = [new Random(8), new Random(8)];
    a.normal();
    a.uniform();
    take(b, 3);
    expect(a.state).toEqual(b.state);
  });
});
