/**
 * Roots of unity of the scalar field and the forms in which the transforms want numbers. The 2^28-th root is the one of
 * snarkjs, on which the order of a key's points rests: the smallest non-residue, 5, to the power (r − 1)/2^28.
 * The trap: another primitive root gives sound transforms in another order, and proofs that do not verify.
 */
import { FIELD_MODULUS } from '../reference/constants.js';

const NON_RESIDUE = 5n;
/** The kernel's Montgomery radix. */
const RADIX = 1n << 261n;
const LIMBS = 9;
const LIMB_BITS = 29n;
const LIMB_MASK = (1n << LIMB_BITS) - 1n;
const LANES = 4;

/** A primitive 2^log-th root of unity, log ≤ 28. */
export function rootOfUnity(log: number): bigint {
  return power(NON_RESIDUE, (FIELD_MODULUS - 1n) >> BigInt(log));
}

/** base^exponent mod r; a negative exponent means the inverse's power. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % FIELD_MODULUS;
  for (let e = exponent < 0n ? -exponent * (FIELD_MODULUS - 2n) : exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % FIELD_MODULUS;
    square = (square * square) % FIELD_MODULUS;
  }
  return result;
}

/** x·R mod r with the kernel's radix, the form of its elements. */
export function montgomery(x: bigint): bigint {
  return (x * RADIX) % FIELD_MODULUS;
}

/** 32 bytes, little-endian. */
export function elementBytes(x: bigint): Uint8Array {
  const words = new BigUint64Array(4);
  for (let i = 0; i < 4; i++) words[i] = (x >> BigInt(64 * i)) & 0xffffffffffffffffn;
  return new Uint8Array(words.buffer);
}

/** x in all four lanes of a quad, x < 2^261. */
export function quadBytes(x: bigint): Uint8Array {
  return lanesOf(Array.from({ length: LIMBS }, (_, i) => (x >> (LIMB_BITS * BigInt(i))) & LIMB_MASK));
}

/**
 * The number with every limb but the top one at least 2^31 − 4, so that limbs below that can be subtracted: each lends
 * 2^31, four of the next limb's units.
 */
export function paddedQuadBytes(x: bigint): Uint8Array {
  return lanesOf(
    Array.from({ length: LIMBS }, (_, i) => {
      const limb = i === LIMBS - 1 ? x >> (LIMB_BITS * BigInt(i)) : (x >> (LIMB_BITS * BigInt(i))) & LIMB_MASK;
      return limb + (i < LIMBS - 1 ? 1n << 31n : 0n) - (i > 0 ? 4n : 0n);
    }),
  );
}

function lanesOf(limbs: readonly bigint[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(limbs.flatMap((limb) => Array<number>(LANES).fill(Number(limb)))).buffer);
}
