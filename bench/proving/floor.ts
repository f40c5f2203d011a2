/**
 * The products of field elements that a proof takes, a floor for the way it is made here: six transforms of n log₂(n)/2
 * each and the pointwise products, and an addition of affine points that shares its inversion (five products and a square)
 * for every digit of every scalar that is not zero, with the width of digits that takes the fewest, whole scalars or long
 * ones in two halves (the curve's endomorphism). Half the scalars' digits are one bit shorter by sign, which is left out;
 * conversions, sums of coefficients and the endomorphism's own products are not counted, so no prover of this kind is below
 * it. An addition in G2 counts as three.
 */
import { openArithmetic, SCALAR_FIELD } from '../../src/prover/fast/index.js';

const ELEMENT_BYTES = 32;
const SCALAR_BITS = 254;
const HALF_BITS = 127;
const ADDITION = 6;
/** Products of a bucket's share in the weighted sum of its window. */
const BUCKET = 2 * ADDITION;
const OVER_G2 = 3;
/** A, B and C go down and up; the sums and products between are of n each. */
const TRANSFORMS = 6;
const POINTWISE = 6;
/** The sums over the witness: A, B and C in G1, B in G2. */
const WITNESS_SUMS = 3 + OVER_G2;

/** @param wtns the bytes of the witness, whose values are its last section */
export function productsOfProof(log: number, wtns: Uint8Array): number {
  const n = 2 ** log;
  const lengths = bitLengths(wtns);
  const full = new Uint16Array(n).fill(SCALAR_BITS);
  return (
    TRANSFORMS * (n / 2) * log +
    POINTWISE * n +
    additions(full) * ADDITION +
    WITNESS_SUMS * additions(lengths) * ADDITION
  );
}

function additions(lengths: Uint16Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let width = 2; width <= 18; width++) {
    const [whole, halves] = [SCALAR_BITS, HALF_BITS].map((bits) => Math.ceil(bits / width));
    let [ofWhole, ofHalves] = [0, 0];
    for (const bits of lengths) {
      ofWhole += Math.ceil(bits / width);
      ofHalves += bits > HALF_BITS ? 2 * halves : Math.ceil(bits / width);
    }
    const buckets = (2 ** (width - 1) * BUCKET) / ADDITION;
    least = Math.min(least, ofWhole + whole * buckets, ofHalves + halves * buckets);
  }
  return least;
}

/** Of each wire's value or, where shorter, of what is missing to the field's modulus: not looked at, so values only. */
function bitLengths(wtns: Uint8Array): Uint16Array {
  const view = new DataView(wtns.buffer, wtns.byteOffset, wtns.length);
  const first = 12 + 12 + 40 + 12;
  const lengths = new Uint16Array((wtns.length - first) / ELEMENT_BYTES);
  for (let wire = 0; wire < lengths.length; wire++) {
    for (let word = 7; word >= 0; word--) {
      const value = view.getUint32(first + ELEMENT_BYTES * wire + 4 * word, true);
      if (value === 0) continue;
      lengths[wire] = 32 * word + 32 - Math.clz32(value);
      break;
    }
  }
  return lengths;
}

/** Nanoseconds of one product on one thread, the best of several passes over a buffer that fits the cache. */
export async function productNanoseconds(): Promise<number> {
  const arithmetic = await openArithmetic({ threads: 1 });
  const count = 2 ** 10;
  const at = arithmetic.allocate(32 * count);
  arithmetic.bytes.fill(7, at, at + 32 * count);
  let best = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < 200; pass++) {
    const start = performance.now();
    arithmetic.kernel.mulArray(SCALAR_FIELD, at, at, at, count);
    best = Math.min(best, performance.now() - start);
  }
  await arithmetic.close();
  return (1e6 * best) / count;
}

/** Partial rounds of circomlib's Poseidon by inputs, from one on. */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
const FULL_ROUNDS = 8;

/**
 * Products of a Poseidon permutation: three a fifth power, t² a full round (t in the last, of which one output is asked)
 * and 2t − 1 a partial one.
 */
export function poseidonProducts(inputs: number): number {
  const t = inputs + 1;
  return FULL_ROUNDS * 3 * t + (FULL_ROUNDS - 1) * t * t + t + PARTIAL_ROUNDS[inputs - 1] * (2 * t + 2);
}
