/** Arithmetic modulo r for the analysis: its own, so that it agrees with the prover's by result and not by sharing code. */
import { FIELD_MODULUS } from '../reference/constants.js';

/** The residue in [0, r). */
export function modulo(x: bigint): bigint {
  const residue = x % FIELD_MODULUS;
  return residue < 0n ? residue + FIELD_MODULUS : residue;
}

/** 1/x by Euclid's algorithm. @throws RangeError for x ≡ 0 */
export function inverse(x: bigint): bigint {
  let [low, high] = [modulo(x), FIELD_MODULUS];
  let [lowFactor, highFactor] = [1n, 0n];
  if (low === 0n) throw new RangeError('0 has no inverse');
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [lowFactor, highFactor] = [highFactor - quotient * lowFactor, lowFactor];
  }
  return modulo(lowFactor);
}
