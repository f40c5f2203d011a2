/** Sums of multiples of points against ffjavascript's curve, one multiple at a time, with scalars and points chosen badly. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bn254 } from '../../../src/prover/curve.js';
import { SPLIT, WHOLE } from '../../../src/prover/fast/curveKernel.js';
import { type Arithmetic, BASE_FIELD, MultiScalar, openArithmetic } from '../../../src/prover/fast/index.js';
import { cheapestDigits, MOST_SPLIT, MOST_WIDTH, sumProducts } from '../../../src/prover/fast/msmWidth.js';

type Bn254 = Awaited<ReturnType<typeof bn254>>;

interface Group {
  readonly bytes: number;
  readonly coordinates: number;
  readonly curve: Bn254['G1'] | Bn254['G2'];
  sum(of: MultiScalar, points: number, scalars: number, count: number): Promise<Uint8Array>;
}

interface Term {
  readonly point: Uint8Array;
  readonly scalar: bigint;
}

const SCALAR_BYTES = 32;
const MOST = 1024;

let groups: Record<'G1' | 'G2', Group>;
let r: bigint;
let opened: Arithmetic[];
let sums: MultiScalar[];

beforeAll(async () => {
  const curve = await bn254();
  r = curve.r;
  groups = {
    G1: { bytes: 64, coordinates: 2, curve: curve.G1, sum: (of, ...sum) => of.g1(...sum) },
    G2: { bytes: 128, coordinates: 4, curve: curve.G2, sum: (of, ...sum) => of.g2(...sum) },
  };
  opened = await Promise.all([1, 2, 3].map((threads) => openArithmetic({ threads })));
  sums = opened.map((arithmetic) => new MultiScalar(arithmetic, { g1: MOST, g2: MOST }));
});

afterAll(() => Promise.all(opened.map((arithmetic) => arithmetic.close())));

function bytesOf(value: bigint): Uint8Array {
  return Uint8Array.from({ length: SCALAR_BYTES }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** The sum by our kernel on the given arithmetic. */
async function computed(
  of: number,
  { bytes, coordinates, sum }: Group,
  terms: readonly Term[],
  by = sums[of],
): Promise<Uint8Array> {
  const arithmetic = opened[of];
  const mark = arithmetic.mark;
  const points = arithmetic.allocate(bytes * terms.length);
  const scalars = arithmetic.allocate(SCALAR_BYTES * terms.length);
  for (const [i, { point, scalar }] of terms.entries()) {
    arithmetic.bytes.set(point, points + bytes * i);
    arithmetic.bytes.set(bytesOf(scalar), scalars + SCALAR_BYTES * i);
  }
  arithmetic.kernel.fromKey(BASE_FIELD, points, points, coordinates * terms.length);
  const result = await sum(by, points, scalars, terms.length);
  arithmetic.release(mark);
  return result;
}

/** A point's affine bytes as they lie in a key. */
function affine({ curve, bytes }: Group, point: Uint8Array): Uint8Array {
  return curve.isZero(point) ? new Uint8Array(bytes) : curve.toAffine(point).slice(0, bytes);
}

/** The sum by multiplying and adding one term after the other. */
function expected(group: Group, terms: readonly Term[]): Uint8Array {
  const { curve } = group;
  let total = curve.add(curve.g, curve.neg(curve.g));
  for (const { point, scalar } of terms) total = curve.add(total, curve.timesScalar(point, scalar % r));
  return affine(group, total);
}

/** Multiples g, 2g, 3g … and the scalars' pseudo-random sequence: full-length numbers from a linear recurrence modulo r. */
function multiples(group: Group, count: number): Uint8Array[] {
  const { curve } = group;
  const points: Uint8Array[] = [];
  let point = curve.g;
  for (let i = 0; i < count; i++) {
    points.push(affine(group, point));
    point = curve.add(point, curve.g);
  }
  return points;
}

function scalar(i: number): bigint {
  const mixed = BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95n;
  return (mixed * mixed) % r;
}

describe.each(['G1', 'G2'] as const)('sums on %s', (name) => {
  it('of no, one, two, three and a hundred terms, by one, two and three threads', async () => {
    const group = groups[name];
    const points = multiples(group, 100);
    for (const count of [0, 1, 2, 3, 100]) {
      const terms = points.slice(0, count).map((point, i) => ({ point, scalar: scalar(i) }));
      const sum = expected(group, terms);
      for (const threads of [0, 1, 2]) expect(await computed(threads, group, terms)).toEqual(sum);
    }
  });

  it('of scalars at the edges', async () => {
    const group = groups[name];
    const edges = [0n, 1n, 2n, r - 1n, r - 2n, r, r + 1n, (r - 1n) / 2n, (r + 1n) / 2n, 2n ** 256n - 1n, 2n ** 64n];
    const points = multiples(group, edges.length);
    for (const [i, point] of points.entries()) {
      const terms = [{ point, scalar: edges[i] }];
      expect(await computed(0, group, terms)).toEqual(expected(group, terms));
    }
    const all = points.map((point, i) => ({ point, scalar: edges[i] }));
    expect(await computed(1, group, all)).toEqual(expected(group, all));
  });

  it('of equal and opposite points, and of points at infinity', async () => {
    const group = groups[name];
    const { curve } = group;
    const [point, other] = multiples(group, 2);
    const opposite = affine(group, curve.neg(point));
    const none = new Uint8Array(group.bytes);
    const cases: Term[][] = [
      Array.from({ length: 37 }, () => ({ point, scalar: 3n })),
      Array.from({ length: 37 }, (_, i) => ({ point, scalar: scalar(i) })),
      Array.from({ length: 36 }, (_, i) => ({ point: i % 2 ? opposite : point, scalar: 5n })),
      Array.from({ length: 37 }, (_, i) => ({ point: i % 2 ? opposite : point, scalar: 5n })),
      Array.from({ length: 36 }, (_, i) => ({ point, scalar: i % 2 ? r - 7n : 7n })),
      Array.from({ length: 38 }, (_, i) => ({ point: [point, opposite, other, none][i % 4], scalar: 9n })),
      Array.from({ length: 9 }, (_, i) => ({ point: none, scalar: scalar(i) })),
      Array.from({ length: 9 }, () => ({ point, scalar: 0n })),
    ];
    for (const terms of cases) {
      const sum = expected(group, terms);
      for (const threads of [0, 2]) expect(await computed(threads, group, terms)).toEqual(sum);
    }
  });

  it('of a thousand terms like a witness: the multiples of one point add up to one multiple', async () => {
    const group = groups[name];
    const points = multiples(group, MOST);
    const terms = points.map((point, i) => ({
      point,
      scalar: i % 8 === 0 ? scalar(i) : i % 8 === 1 ? r - BigInt(i) : i % 2 ? 1n : i % 4 === 2 ? 0n : BigInt(i * 57),
    }));
    const multiple = terms.reduce((total, { scalar }, i) => (total + BigInt(i + 1) * scalar) % r, 0n);
    const sum = affine(group, group.curve.timesScalar(group.curve.g, multiple));
    for (const threads of [0, 1, 2]) expect(await computed(threads, group, terms)).toEqual(sum);
  });

  it('asked for together are each right', async () => {
    const group = groups[name];
    const points = multiples(group, 8);
    const arithmetic = opened[1];
    const mark = arithmetic.mark;
    const at = arithmetic.allocate(group.bytes * 8);
    for (const [i, point] of points.entries()) arithmetic.bytes.set(point, at + group.bytes * i);
    arithmetic.kernel.fromKey(BASE_FIELD, at, at, group.coordinates * 8);
    const scalars = arithmetic.allocate(SCALAR_BYTES * 8);
    for (let i = 0; i < 8; i++) arithmetic.bytes.set(bytesOf(scalar(i)), scalars + SCALAR_BYTES * i);
    const counts = [8, 5, 1];
    const results = await Promise.all(counts.map((count) => group.sum(sums[1], at, scalars, count)));
    for (const [i, count] of counts.entries()) {
      const terms = points.slice(0, count).map((point, k) => ({ point, scalar: scalar(k) }));
      expect(results[i]).toEqual(expected(group, terms));
    }
    arithmetic.release(mark);
  });
});

describe('a sum', () => {
  it('of more points than its memory was taken for is refused', () => {
    expect(() => sums[0].g1(0, 0, MOST + 1)).toThrow(/there is memory for 1024/);
    expect(() => sums[0].g2(0, 0, -1)).toThrow(RangeError);
  });

  it('has wider digits the more points it has, and short scalars do not widen them', () => {
    const widths = [1, 2 ** 8, 2 ** 12, 2 ** 16, 2 ** 20].map((count) => cheapestDigits(count, count, 1).width);
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    expect(new Set(widths).size).toBeGreaterThan(3);
    const few = cheapestDigits(2 ** 16, 2 ** 8, 1);
    expect(few.width).toBeLessThan(cheapestDigits(2 ** 16, 2 ** 16, 1).width);
  });

  it('is split where that takes fewer products, and its windows share out evenly among the threads', () => {
    for (const threads of [1, 2, 4]) {
      const { terms, width } = cheapestDigits(2 ** 14, 2 ** 14, threads);
      expect(terms).toBe(SPLIT);
      expect(opened[0].kernel.windowCount(width, terms) % threads).toBe(0);
    }
    for (let log = 0; 2 ** log <= MOST_SPLIT; log++) {
      const chosen = cheapestDigits(2 ** log, 2 ** log, 1);
      const whole = cheapestDigits(2 ** log, 2 ** log, 1, { width: MOST_WIDTH, terms: WHOLE });
      expect(whole.terms).toBe(WHOLE);
      expect(sumProducts(2 ** log, 2 ** log, chosen)).toBeLessThan(sumProducts(2 ** log, 2 ** log, whole));
    }
    // what counts is how many are long: a witness is split where a sum of as many long scalars is not
    expect(cheapestDigits(4 * MOST_SPLIT, 4 * MOST_SPLIT, 1).terms).toBe(WHOLE);
    expect(cheapestDigits(4 * MOST_SPLIT, MOST_SPLIT, 1).terms).toBe(SPLIT);
  });

  it('is the same with scalars that are not split, and takes less memory so', async () => {
    const group = groups.G1;
    const terms = multiples(group, 100).map((point, i) => ({ point, scalar: scalar(i) }));
    const arithmetic = opened[0];
    const mark = arithmetic.mark;
    const whole = new MultiScalar(arithmetic, { g1: MOST, g2: MOST, terms: WHOLE });
    const bytes = arithmetic.mark - mark;
    new MultiScalar(arithmetic, { g1: MOST, g2: MOST });
    expect(arithmetic.mark - mark - bytes).toBeGreaterThan(bytes + MOST * group.bytes);
    expect(await computed(0, group, terms, whole)).toEqual(expected(group, terms));
    arithmetic.release(mark);
  });
});
