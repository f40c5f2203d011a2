/**
 * Multiples of a group's generator. A scalar is cut into windows of w bits with signed digits in (−2^(w−1), 2^(w−1)], and
 * the table holds k·2^(wj)·G for k = 1 … 2^(w−1): a multiplication is then ⌈254/w⌉ mixed additions and no doubling.
 * (Brickell, Gordon, McCurley, Wilson 1992, with signed digits.) Points of a block share one inversion when they are made affine.
 * Scalars and points never leave the WebAssembly memory in between; zero scalars give the point at infinity at once.
 */
import { type CurveMemory, FIELD_BYTES } from './curveMemory.js';

export type GroupName = 'g1m' | 'g2m';

/** Bytes of a coordinate. */
const COORDINATE = { g1m: 32, g2m: 64 } as const;
/** A table entry costs an addition and its share of an inversion, about this many additions. */
const ENTRY_COST = 1.6;
const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15] as const;
const SCALAR_BITS = 254;
/** Points multiplied at once. */
export const BLOCK = 1024;

export function affineBytes(group: GroupName): number {
  return 2 * COORDINATE[group];
}

/**
 * The width with the fewest additions for the table and `multiplications` together. The top window is never full, as no
 * width divides 254, so its digit does not carry.
 */
export function windowWidth(multiplications: number): number {
  const cost = (width: number): number =>
    Math.ceil(SCALAR_BITS / width) * (ENTRY_COST * 2 ** (width - 1) + multiplications);
  return WINDOWS.reduce((best, width) => (cost(width) < cost(best) ? width : best));
}

export class FixedBase {
  readonly #memory: CurveMemory;
  readonly #group: GroupName;
  readonly #width: number;
  readonly #table: number;
  readonly #block: number;
  readonly #output: number;

  /** @param multiplications about how many will be asked for; it decides the size of the table */
  constructor(memory: CurveMemory, group: GroupName, multiplications: number) {
    this.#memory = memory;
    this.#group = group;
    this.#width = windowWidth(multiplications);
    const jacobian = 3 * COORDINATE[group];
    const half = 2 ** (this.#width - 1);
    const windows = Math.ceil(SCALAR_BITS / this.#width);
    this.#table = memory.allocate(windows * half * affineBytes(group));
    this.#block = memory.allocate(BLOCK * jacobian);
    this.#output = memory.allocate(BLOCK * affineBytes(group));
    const base = memory.allocate(affineBytes(group));
    const multiples = memory.allocate(half * jacobian);
    memory.reserveScratch(half, jacobian);

    const addMixed = memory.operation(`${group}_addMixed`);
    const toAffine = memory.operation(`${group}_toAffine`);
    toAffine(memory.generators[group], base);
    for (let window = 0; window < windows; window++) {
      memory.operation(`${group}_toJacobian`)(base, multiples);
      for (let k = 1; k < half; k++) addMixed(multiples + (k - 1) * jacobian, base, multiples + k * jacobian);
      memory.operation(`${group}_batchToAffine`)(multiples, half, this.#table + window * half * affineBytes(group));
      const last = multiples + (half - 1) * jacobian;
      memory.operation(`${group}_double`)(last, last);
      toAffine(last, base);
    }
  }

  /**
   * Multiplies the generator by each scalar.
   * @param scalars 8 words each, plain little-endian, at most BLOCK of them
   * @returns affine points in Montgomery form; valid until the next call
   */
  multiply(scalars: Uint32Array): Uint8Array {
    const group = this.#group;
    const count = scalars.length / (FIELD_BYTES / 4);
    const [affine, jacobian] = [affineBytes(group), 3 * COORDINATE[group]];
    const addMixed = this.#memory.operation(`${group}_addMixed`);
    const subMixed = this.#memory.operation(`${group}_subMixed`);
    const zero = this.#memory.operation(`${group}_zero`);
    const width = this.#width;
    const half = 2 ** (width - 1);
    for (let i = 0; i < count; i++) {
      const point = this.#block + i * jacobian;
      zero(point);
      let carry = 0;
      let row = this.#table;
      for (let bit = 0; bit < SCALAR_BITS; bit += width, row += half * affine) {
        let digit = bitsAt(scalars, i * 8, bit, width) + carry;
        carry = digit > half ? 1 : 0;
        if (carry === 1) digit -= 2 * half;
        if (digit > 0) addMixed(point, row + (digit - 1) * affine, point);
        else if (digit < 0) subMixed(point, row + (-digit - 1) * affine, point);
      }
    }
    this.#memory.reserveScratch(BLOCK, jacobian);
    this.#memory.operation(`${group}_batchToAffine`)(this.#block, count, this.#output);
    return this.#memory.bytes().subarray(this.#output, this.#output + count * affine);
  }
}

/** `width` bits of the 256-bit integer at words[from …] from bit `bit` up. */
function bitsAt(words: Uint32Array, from: number, bit: number, width: number): number {
  const word = bit >>> 5;
  const shift = bit & 31;
  let bits = words[from + word] >>> shift;
  if (shift + width > 32 && word < 7) bits |= words[from + word + 1] << (32 - shift);
  return bits & ((1 << width) - 1);
}
