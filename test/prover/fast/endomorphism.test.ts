/**
 * The curve's endomorphism from the curve's equation alone: its factor and its root of one are found here as roots, the
 * basis by Lagrange's reduction, and the kernel's halves are read back from their digits.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bn254 } from '../../../src/prover/curve.js';
import { G1, G2, SPLIT } from '../../../src/prover/fast/curveKernel.js';
import { type Arithmetic, BASE_FIELD, openArithmetic } from '../../../src/prover/fast/index.js';

const HALF_BYTES = 16;
/** Halves are below 2^127, so digits of sixteen bits are eight. */
const [WIDTH, WINDOWS] = [16, 8];
const LIMIT = 2n ** 127n;

interface Vector {
  readonly u: bigint;
  readonly v: bigint;
}

let arithmetic: Arithmetic;
let curve: Awaited<ReturnType<typeof bn254>>;
let r: bigint;

beforeAll(async () => {
  curve = await bn254();
  r = curve.r;
  arithmetic = await openArithmetic({ threads: 1 });
});

afterAll(() => arithmetic.close());

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Both cube roots of one that are not one. */
function cubeRoots(modulus: bigint): [bigint, bigint] {
  for (let base = 2n; ; base++) {
    const root = power(base, (modulus - 1n) / 3n, modulus);
    if (root !== 1n) return [root, (root * root) % modulus];
  }
}

const dot = (a: Vector, b: Vector): bigint => a.u * b.u + a.v * b.v;
const size = (value: bigint): bigint => (value < 0n ? -value : value);

/** The whole number nearest to a fraction of positive denominator. */
function nearest(numerator: bigint, denominator: bigint): bigint {
  const doubled = 2n * numerator + denominator;
  const quotient = doubled / (2n * denominator);
  return doubled < 0n && quotient * 2n * denominator !== doubled ? quotient - 1n : quotient;
}

/** A shortest basis of the pairs with u + v·λ = 0 modulo r, by Lagrange's reduction. */
function shortBasis(lambda: bigint): [Vector, Vector] {
  let [a, b]: [Vector, Vector] = [
    { u: r, v: 0n },
    { u: -lambda, v: 1n },
  ];
  for (;;) {
    if (dot(b, b) > dot(a, a)) [a, b] = [b, a];
    const times = nearest(dot(a, b), dot(b, b));
    if (times === 0n) return [a, b];
    a = { u: a.u - times * b.u, v: a.v - times * b.v };
  }
}

function bytesOf(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** The signed halves of scalars, put together from the kernel's digits; the point is G1's generator. */
function halves(scalars: readonly bigint[]): Vector[] {
  const mark = arithmetic.mark;
  const at = arithmetic.allocate(32 * scalars.length);
  const points = arithmetic.allocate(64 * scalars.length);
  const recoded = arithmetic.allocate(32 * scalars.length + 8);
  const counts = arithmetic.allocate(SPLIT * scalars.length);
  const { bytes, kernel } = arithmetic;
  const generator = curve.G1.toAffine(curve.G1.g).subarray(0, 64);
  for (const [i, scalar] of scalars.entries()) {
    bytes.set(bytesOf(scalar), at + 32 * i);
    bytes.set(generator, points + 64 * i);
  }
  const most = kernel.recode(at, points, scalars.length, WIDTH, SPLIT, G1, recoded, counts);
  expect(most).toBeLessThanOrEqual(WINDOWS);
  expect(kernel.windowCount(WIDTH, SPLIT)).toBe(WINDOWS);
  const half = (term: number): bigint => {
    const count = bytes[counts + term];
    let value = 0n;
    for (let digit = 0; digit < (count & 127); digit++) {
      const place = recoded + HALF_BYTES * term + 2 * digit;
      const offset = digit === WINDOWS - 1 ? 0 : 2 ** (WIDTH - 1);
      value += BigInt(bytes[place] + 256 * bytes[place + 1] - offset) << BigInt(WIDTH * digit);
    }
    expect(value).toBeGreaterThanOrEqual(0n);
    return count > 127 ? -value : value;
  };
  const found = scalars.map((_, i) => ({ u: half(2 * i), v: half(2 * i + 1) }));
  arithmetic.release(mark);
  return found;
}

/** The kernel's φ of an affine point in a key's form. */
function turned(group: typeof G1 | typeof G2, point: Uint8Array): Uint8Array {
  const coordinates = 2 * group;
  const mark = arithmetic.mark;
  const [from, to] = [arithmetic.allocate(point.length), arithmetic.allocate(point.length)];
  const counts = arithmetic.allocate(SPLIT);
  const { bytes, kernel } = arithmetic;
  bytes.set(point, from);
  bytes.set([0, 1], counts);
  kernel.fromKey(BASE_FIELD, from, from, coordinates);
  kernel.turnPoints(from, counts, 1, group, to);
  kernel.toKey(BASE_FIELD, to, to, coordinates);
  const result = bytes.slice(to, to + point.length);
  arithmetic.release(mark);
  return result;
}

/** The factor of G1's endomorphism: the root whose multiple of the generator has the same y as the kernel's φ of it. */
function factor(): bigint {
  const { G1: group } = curve;
  const image = turned(G1, group.toAffine(group.g).slice(0, 64));
  const found = cubeRoots(r).filter((root) =>
    Buffer.from(group.toAffine(group.timesScalar(group.g, root)).subarray(0, 64)).equals(image),
  );
  expect(found).toHaveLength(1);
  return found[0];
}

describe('the endomorphism', () => {
  it('multiplies points of both groups by one and the same root of λ² + λ + 1', () => {
    const lambda = factor();
    expect((lambda * lambda + lambda + 1n) % r).toBe(0n);
    for (const [group, of] of [
      [G1, curve.G1],
      [G2, curve.G2],
    ] as const) {
      let point = of.g;
      for (let i = 0; i < 5; i++) {
        const affine = of.toAffine(point).slice(0, 64 * group);
        const multiple = of.toAffine(of.timesScalar(point, lambda)).slice(0, 64 * group);
        expect(turned(group, affine)).toEqual(multiple);
        expect(turned(group, affine).subarray(32 * group)).toEqual(affine.subarray(32 * group));
        point = of.add(of.timesScalar(point, 12345n), of.g);
      }
    }
  });

  it('leaves out points whose second half is zero', () => {
    const mark = arithmetic.mark;
    const points = arithmetic.allocate(64 * 7);
    const out = arithmetic.allocate(64 * 7);
    const counts = arithmetic.allocate(SPLIT * 7);
    const { bytes, kernel } = arithmetic;
    bytes.fill(1, points, points + 64 * 7);
    bytes.fill(0xee, out, out + 64 * 7);
    bytes.set([3, 0, 0, 1, 2, 129, 4, 0, 1, 1, 0, 0, 8, 8], counts);
    kernel.turnPoints(points, counts, 7, G1, out);
    const untouched = Array.from({ length: 7 }, (_, i) =>
      bytes.subarray(out + 64 * i, out + 64 * (i + 1)).every((byte) => byte === 0xee),
    );
    expect(untouched).toEqual([true, false, false, true, false, true, false]);
    arithmetic.release(mark);
  });
});

describe('the halves of a scalar', () => {
  it('are below 2^127 and make the scalar, where the rounding of each quotient turns over and at the ends', () => {
    const lambda = factor();
    const basis = shortBasis(lambda);
    const determinant = size(basis[0].u * basis[1].v - basis[0].v * basis[1].u);
    expect(determinant).toBe(r);
    const scalars = [1n, 2n, r - 1n, r - 2n, r, r + 1n, r / 2n, r / 2n + 1n, lambda, r - lambda, 2n ** 256n - 1n];
    for (const bits of [61n, 62n, 63n, 64n, 125n, 126n, 127n, 128n, 190n, 192n, 252n, 253n]) {
      scalars.push(2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n);
    }
    // a quotient k·v/r has the fraction one half at k = (m + ½)·r/v: where the kernel's and the exact rounding may differ
    for (const { v } of basis) {
      const most = size(v) / 2n;
      for (const m of [0n, 1n, 2n, most / 3n, most / 2n, most - 2n, most - 1n]) {
        const middle = ((2n * m + 1n) * r) / (2n * size(v));
        for (let k = middle - 2n; k <= middle + 2n; k++) scalars.push(k);
      }
    }
    for (const [i, { u, v }] of halves(scalars).entries()) {
      expect(((((u + v * lambda - scalars[i]) % r) + r) % r).toString()).toBe('0');
      expect(size(u) < LIMIT && size(v) < LIMIT).toBe(true);
    }
  });

  it('are those of exact division, but for scalars within a quarter of where that turns over', () => {
    const lambda = factor();
    const basis = shortBasis(lambda);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: r - 1n }), (scalar) => {
        const [{ u, v }] = halves([scalar]);
        expect((((u + v * lambda - scalar) % r) + r) % r).toBe(0n);
        expect(size(u) < LIMIT && size(v) < LIMIT).toBe(true);
        const short = scalar > r / 2n ? scalar - r : scalar;
        // (short, 0) = x·a + y·b by Cramer's rule
        const [a, b] = basis;
        const determinant = a.u * b.v - a.v * b.u;
        const sign = determinant < 0n ? -1n : 1n;
        const quotients = [
          [sign * short * b.v, a],
          [-sign * short * a.v, b],
        ] as const;
        const clear = quotients.every(([numerator]) => {
          const rest = (((numerator % r) + r) % r) * 4n;
          return rest < r || rest > 3n * r;
        });
        if (!clear) return;
        let exact = { u: short, v: 0n };
        for (const [numerator, vector] of quotients) {
          const times = nearest(numerator, r);
          exact = { u: exact.u - times * vector.u, v: exact.v - times * vector.v };
        }
        expect({ u, v }).toEqual(exact);
      }),
      { numRuns: 500 },
    );
  });

  it('are as many as there are long scalars at most, unreduced ones too', () => {
    const scalars = [r - 1n, r, r + 1n, 2n * r, 2n * r - 3n, 5n * r + 7n, 2n ** 64n, r - 2n ** 64n, r - 2n ** 65n];
    for (let i = 0n; i < 70n; i++) scalars.push(2n ** 63n + 2n ** i, r - 2n ** i, r + 2n ** i, 3n * 2n ** i);
    for (const scalar of scalars) {
      const mark = arithmetic.mark;
      const at = arithmetic.allocate(32);
      arithmetic.bytes.set(bytesOf(scalar), at);
      const long = arithmetic.kernel.countLong(at, 1);
      arithmetic.release(mark);
      const [{ v }] = halves([scalar]);
      expect(v === 0n || long === 1).toBe(true);
    }
  });

  it('of a scalar that is short already, or the negative of one, are it and zero', () => {
    const short = [0n, 1n, 255n, 2n ** 16n, 2n ** 64n - 1n, 2n ** 100n, 2n ** 125n];
    expect(halves(short)).toEqual(short.map((u) => ({ u, v: 0n })));
    expect(halves(short.map((scalar) => r - scalar))).toEqual(short.map((scalar) => ({ u: -scalar, v: 0n })));
  });
});
