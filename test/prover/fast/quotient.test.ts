/** The quotient's scalars against integers, at every shape of transform, and on a real key and witness. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { bn254 } from '../../../src/prover/curve.js';
import { bytesAsSource } from '../../../src/prover/fast/byteSource.js';
import { type Arithmetic, openArithmetic } from '../../../src/prover/fast/fieldThreads.js';
import { openQuotient } from '../../../src/prover/fast/quotient.js';
import { elementBytes, power, rootOfUnity } from '../../../src/prover/fast/roots.js';
import { type Coefficients, compressRows } from '../../../src/prover/fast/sparseRows.js';
import { readWtns, valuesAt } from '../../../src/prover/fast/wtns.js';
import { readZkey } from '../../../src/prover/fast/zkey.js';
import { FIELD_MODULUS as r } from '../../../src/prover/reference/index.js';
import { randomField } from '../support/statements.js';
import { interpolate, onCoset, quotientScalars, rowSums, transform } from './support/polynomials.js';
import { tinyKey } from './support/tiny.js';

const opened: Arithmetic[] = [];
async function arithmeticWith(threads: number): Promise<Arithmetic> {
  const arithmetic = await openArithmetic({ threads });
  opened.push(arithmetic);
  return arithmetic;
}

let one: Arithmetic;
beforeAll(async () => {
  one = await arithmeticWith(1);
});
afterAll(() => Promise.all(opened.map((arithmetic) => arithmetic.close())));

/** R² with the key's radix: what its coefficients carry. */
const KEY_FORM = 1n << 512n;

interface System {
  readonly coefficients: Coefficients;
  readonly values: readonly bigint[];
  readonly witness: readonly bigint[];
}

/** Rows of 0 to 3 terms, now and then 40; scalars at the edges of the field among them. */
function randomSystem(log: number, wires: number, seed: number): System {
  const random = new Random(seed);
  const field = (): bigint => [0n, 1n, r - 1n, (r - 1n) / 2n][random.below(12)] ?? randomField(random);
  const values = Array.from({ length: 20 }, field);
  const rows = () => {
    const starts = new Uint32Array(2 ** log + 1);
    const terms: number[] = [];
    for (let row = 0; row < 2 ** log; row++) {
      const count = random.below(50) === 0 ? 40 : random.below(4);
      for (let t = 0; t < count; t++) terms.push(random.below(wires), random.below(values.length));
      starts[row + 1] = terms.length / 2;
    }
    return { starts, terms: Uint32Array.from(terms) };
  };
  const witness = [1n, ...Array.from({ length: wires - 1 }, field)];
  const stored = Buffer.concat(values.map((value) => elementBytes((value * KEY_FORM) % r)));
  return { coefficients: { a: rows(), b: rows(), values: stored }, values, witness };
}

async function computed(arithmetic: Arithmetic, system: System, log: number): Promise<bigint[]> {
  const mark = arithmetic.mark;
  const quotient = await openQuotient(arithmetic, system.coefficients, {
    wires: system.witness.length,
    logDomain: log,
  });
  arithmetic.bytes.set(Buffer.concat(system.witness.map(elementBytes)), quotient.witness);
  await quotient.compute();
  const n = 2 ** log;
  const scalars = valuesAt(arithmetic.bytes.slice(quotient.scalars, quotient.scalars + 32 * n), 0, n);
  arithmetic.release(mark);
  return scalars;
}

function expected({ coefficients: { a, b }, values, witness }: System, log: number): bigint[] {
  const value = (index: number): bigint => values[index];
  return quotientScalars(rowSums(a, value, witness), rowSums(b, value, witness), rootOfUnity(log + 1));
}

describe('roots of unity', () => {
  it('are those of snarkjs, of the order that their name says', async () => {
    const { Fr } = await bn254();
    for (let log = 0; log <= 28; log++) {
      expect(rootOfUnity(log)).toBe(Fr.toObject(Fr.w[log]));
      expect(power(rootOfUnity(log), 2n ** BigInt(log))).toBe(1n);
      if (log > 0) expect(power(rootOfUnity(log), 2n ** BigInt(log - 1))).toBe(r - 1n);
    }
    expect((power(7n, -1n) * 7n) % r).toBe(1n);
    expect((power(7n, -3n) * 343n) % r).toBe(1n);
  });
});

describe('the reference itself', () => {
  it('evaluates polynomials: by Horner at every point', () => {
    const random = new Random(9);
    const coefficients = Array.from({ length: 16 }, () => randomField(random));
    const at = (x: bigint): bigint => coefficients.reduceRight((sum, c) => (sum * x + c) % r, 0n);
    const root = rootOfUnity(4);
    const shift = rootOfUnity(5);
    expect(transform(coefficients, root)).toEqual(coefficients.map((_, k) => at(power(root, BigInt(k)))));
    expect(onCoset(coefficients, shift, root)).toEqual(
      coefficients.map((_, k) => at((shift * power(root, BigInt(k))) % r)),
    );
    expect(interpolate(transform(coefficients, root), root)).toEqual(coefficients);
  });
});

describe('the quotient', () => {
  it.each([4, 5, 6, 7, 8, 10])('is that of integers on 2^%i elements', async (log) => {
    const system = randomSystem(log, 30, log);
    expect(await computed(one, system, log)).toEqual(expected(system, log));
  });

  it.each([12, 13, 14])('is that of integers where rows and columns part: 2^%i', async (log) => {
    const system = randomSystem(log, 100, log);
    const [ours, theirs] = [await computed(one, system, log), expected(system, log)];
    expect(ours.findIndex((x, i) => x !== theirs[i])).toBe(-1);
  });

  it('is zero for a witness of zeros, and at the largest values stays exact', async () => {
    const system = randomSystem(8, 10, 1);
    expect(new Set(await computed(one, { ...system, witness: Array(10).fill(0n) }, 8))).toEqual(new Set([0n]));
    const largest = { ...system, witness: Array<bigint>(10).fill(r - 1n) };
    expect(await computed(one, largest, 8)).toEqual(expected(largest, 8));
  });

  it('does not depend on the number of threads', async () => {
    const system = randomSystem(13, 50, 77);
    const first = await computed(one, system, 13);
    for (const threads of [2, 3]) expect(await computed(await arithmeticWith(threads), system, 13)).toEqual(first);
  });

  it('is that of integers for a key and a witness of the tiny circuit', async () => {
    const tiny = await tinyKey();
    const key = await readZkey(bytesAsSource('key.zkey', tiny.zkey));
    const { at, length } = key.coefficients;
    const coefficients = compressRows('key.zkey', new Uint8Array(tiny.zkey.subarray(at, at + length)), key);
    const wtns = await readWtns(await tiny.wtns(8), key.wires);
    const unform = power(KEY_FORM % r, -1n);
    const values = valuesAt(coefficients.values, 0, coefficients.values.length / 32).map((x) => (x * unform) % r);
    const system = { coefficients, values, witness: valuesAt(wtns.values, 0, key.wires) };
    const [ours, theirs] = [await computed(one, system, key.logDomain), expected(system, key.logDomain)];
    expect(ours.findIndex((x, i) => x !== theirs[i])).toBe(-1);
  });

  it('refuses a domain smaller than its transforms, and stops at a signal', async () => {
    const small = randomSystem(3, 5, 1);
    await expect(openQuotient(one, small.coefficients, { wires: 5, logDomain: 3 })).rejects.toThrow('smaller');
    const mark = one.mark;
    const system = randomSystem(6, 5, 1);
    const quotient = await openQuotient(one, system.coefficients, { wires: 5, logDomain: 6 });
    await expect(quotient.compute(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    one.release(mark);
  });
});
