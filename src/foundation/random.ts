/**
 * xoshiro128** (Blackman and Vigna, 2018): a small generator whose whole state is four 32-bit words, so that a training
 * state can publish the generator's position and an auditor can go on from it. Seeds are spread by SplitMix32.
 * The trap: `Math.random` is neither seeded nor the same on two engines; nothing in Meed uses it.
 */
export type RandomState = readonly [number, number, number, number];

export class Random {
  #s: [number, number, number, number];

  constructor(seed: number | RandomState) {
    this.#s = typeof seed === 'number' ? spread(seed) : [seed[0], seed[1], seed[2], seed[3]];
  }

  /** A generator of its own for a named purpose, so that adding a draw in one place moves no draw elsewhere. */
  static named(seed: number, purpose: string): Random {
    let h = seed >>> 0;
    for (const character of purpose) h = Math.imul(h ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    return new Random(h);
  }

  get state(): RandomState {
    return [...this.#s];
  }

  /** Uniform integer in [0, 2³²). */
  uint32(): number {
    const s = this.#s;
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotateLeft(s[3], 11);
    for (let i = 0; i < 4; i++) s[i] >>>= 0;
    return result;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform integer in [0, bound), without modulo bias; the bound is a whole number from 1 to 2³². */
  below(bound: number): number {
    // any other bound would be rejected for ever
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32)
      throw new RangeError(`no draw below the bound ${bound}`);
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const draw = this.uint32();
      if (draw < limit) return draw % bound;
    }
  }

  /** Standard normal (Box and Muller; the second value is dropped so that the state stays four words). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A random permutation of 0 … n−1 (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}

function rotateLeft(x: number, k: number): number {
  return ((x << k) | (x >>> (32 - k))) >>> 0;
}

function spread(seed: number): [number, number, number, number] {
  let z = seed >>> 0;
  const next = (): number => {
    z = (z + 0x9e3779b9) >>> 0;
    let t = z ^ (z >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  return [next(), next(), next(), next()];
}
