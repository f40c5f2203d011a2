/** The prover's field arithmetic against integers written out, at the edges and on random representatives. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import {
  type Arithmetic,
  BASE_FIELD,
  ELEMENT_BYTES,
  type Field,
  openArithmetic,
  SCALAR_FIELD,
} from '../../../src/prover/fast/index.js';

const MODULI = {
  [BASE_FIELD]: 21888242871839275222246405745257275088696311157297823662689037894645226208583n,
  [SCALAR_FIELD]: 21888242871839275222246405745257275088548364400416034343698204186575808495617n,
};
const RADIX = 1n << 261n;
const KEY_RADIX = 1n << 256n;

function modulo(value: bigint, p: bigint): bigint {
  return ((value % p) + p) % p;
}

function power(base: bigint, exponent: bigint, p: bigint): bigint {
  let [result, square] = [1n, modulo(base, p)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}

let arithmetic: Arithmetic;

beforeAll(async () => {
  arithmetic = await openArithmetic({ threads: 1 });
});

afterAll(() => arithmetic.close());

function place(values: readonly bigint[]): number {
  const address = arithmetic.allocate(values.length * ELEMENT_BYTES);
  const words = new BigUint64Array(arithmetic.bytes.buffer, address, 4 * values.length);
  for (const [i, value] of values.entries()) {
    for (let word = 0; word < 4; word++) words[4 * i + word] = (value >> BigInt(64 * word)) & 0xffffffffffffffffn;
  }
  return address;
}

function read(address: number, count: number): bigint[] {
  const words = new BigUint64Array(arithmetic.bytes.buffer, address, 4 * count);
  return Array.from({ length: count }, (_, i) =>
    [3, 2, 1, 0].reduce((value, word) => (value << 64n) | words[4 * i + word], 0n),
  );
}

const random = new Random(5);

/** Any 256 bits. */
function anyElement(): bigint {
  let value = 0n;
  for (let word = 0; word < 16; word++) value = (value << 16n) | BigInt(random.below(65536));
  return value;
}

describe.each([
  ['base', BASE_FIELD],
  ['scalar', SCALAR_FIELD],
] as const)('the %s field', (_, field: Field) => {
  const p = MODULI[field];
  const edges = [0n, 1n, 2n, p - 1n, p, p + 1n, 2n * p, 3n * p, 4n * p, 5n * p, 5n * p - 1n];
  const bits = [(1n << 256n) - 1n, (1n << 256n) - 2n, 1n << 255n, (1n << 232n) - 1n, (1n << 29n) - 1n, RADIX % p];
  const left: bigint[] = [];
  const right: bigint[] = [];
  for (const a of [...edges, ...bits]) for (const b of [...edges, ...bits]) left.push(a) && right.push(b);
  for (let i = 0; i < 110; i++) left.push(anyElement()) && right.push(anyElement());
  const count = left.length;
  const unradix = power(RADIX, p - 2n, p);

  function expectEach(out: number, expected: (a: bigint, b: bigint) => bigint): void {
    const wrong = read(out, count).flatMap((value, i) =>
      modulo(value - expected(left[i], right[i]), p) === 0n ? [] : [[left[i], right[i], value]],
    );
    expect(wrong).toEqual([]);
  }

  it('multiplies, squares, adds and subtracts unreduced numbers', () => {
    const { kernel } = arithmetic;
    const mark = arithmetic.mark;
    const [a, b, out] = [place(left), place(right), arithmetic.allocate(count * ELEMENT_BYTES)];
    kernel.mulArray(field, a, b, out, count);
    expectEach(out, (x, y) => x * y * unradix);
    kernel.squareArray(field, a, out, count);
    expectEach(out, (x) => x * x * unradix);
    kernel.addArray(field, a, b, out, count);
    expectEach(out, (x, y) => x + y);
    kernel.subArray(field, a, b, out, count);
    expectEach(out, (x, y) => x - y);
    kernel.scaleArray(field, a, b + ELEMENT_BYTES, out, count);
    expectEach(out, (x) => x * right[1] * unradix);
    kernel.addArray(field, a, b, a, count);
    expectEach(a, (x, y) => x + y);
    arithmetic.release(mark);
  });

  it('inverts all but zero, whose representatives give zero', () => {
    const mark = arithmetic.mark;
    for (const length of [1, 2, 3, 4, 5, count]) {
      const [a, out] = [place(left.slice(0, length)), arithmetic.allocate(length * ELEMENT_BYTES)];
      arithmetic.kernel.invertArray(field, a, out, length);
      const products = read(out, length).map((value, i) => modulo(value * left[i] * unradix * unradix, p));
      expect(products).toEqual(left.slice(0, length).map((value) => (value % p === 0n ? 0n : 1n)));
    }
    arithmetic.release(mark);
  });

  it('reads and writes the forms of keys and of integers', () => {
    const { kernel } = arithmetic;
    const mark = arithmetic.mark;
    const [a, out] = [place(left), arithmetic.allocate(count * ELEMENT_BYTES)];
    kernel.fromInteger(field, a, out, count);
    expect(read(out, count)).toEqual(left.map((value) => (value * RADIX) % p));
    kernel.toKey(field, out, out, count);
    expect(read(out, count)).toEqual(left.map((value) => (value * KEY_RADIX) % p));
    kernel.fromKey(field, out, out, count);
    kernel.toInteger(field, out, out, count);
    expect(read(out, count)).toEqual(left.map((value) => value % p));
    arithmetic.release(mark);
  });

  it('computes the same in a thread', async () => {
    const mark = arithmetic.mark;
    const [a, b, out] = [place(left), place(right), arithmetic.allocate(count * ELEMENT_BYTES)];
    await arithmetic.run('mulArray', field, a, b, out, count);
    expectEach(out, (x, y) => x * y * unradix);
    arithmetic.release(mark);
  });
});

describe('the memory of the arithmetic', () => {
  it('has a budget', async () => {
    await expect(openArithmetic({ memoryBytes: 2 ** 18 })).rejects.toThrow(/may use 262144/);
    await expect(openArithmetic({ memoryBytes: 1 })).rejects.toThrow(/cannot do with 1 bytes/);
    await expect(openArithmetic({ threads: 0 })).rejects.toThrow(/cannot have 0 threads/);
    expect(() => arithmetic.allocate(2 ** 32)).toThrow(/may use 4294967296/);
  });

  it('is given back to a mark', () => {
    const mark = arithmetic.mark;
    const first = arithmetic.allocate(100);
    arithmetic.release(mark);
    expect(arithmetic.allocate(1000)).toBe(first);
    arithmetic.release(mark);
    expect(() => arithmetic.release(mark + 1)).toThrow(RangeError);
  });
});
