/**
 * When weighted bits have one solution only. If the weights are, up to one common factor, plus or minus distinct powers
 * of two below 2^253, then two bit strings of equal weighted sum are equal: their difference is an integer whose lowest
 * differing power does not cancel, and it is smaller than r, so it is no multiple of r either.
 * The trap: Num2Bits(254). With 2^253 among the weights the sums reach r, and x and x + r are one element with two
 * decompositions; such weights are said to wrap.
 */
import { FIELD_MODULUS } from '../reference/constants.js';
import { inverse, modulo } from './field.js';

const LARGEST_EXPONENT = 253;
const EXPONENTS = new Map<bigint, number>();
for (let k = 0; k <= LARGEST_EXPONENT; k++) EXPONENTS.set(1n << BigInt(k), k);

export interface BinaryWeights {
  /** Multiplies every weight to ± a power of two. */
  readonly scale: bigint;
  /** Of the weights in order: the exponent, distinct. */
  readonly exponents: readonly number[];
  /** Of the weights in order: 1 or −1. */
  readonly signs: readonly bigint[];
  /** Whether a sum may have a second solution: that of the sum plus r. */
  readonly wraps: boolean;
}

const found = new Map<string, BinaryWeights | undefined>();

/** The common factor that makes all weights ± distinct powers of two with the smallest exponent 0, if there is one. */
export function binaryWeights(weights: readonly bigint[]): BinaryWeights | undefined {
  const key = weights.join();
  if (found.has(key)) return found.get(key);
  let result: BinaryWeights | undefined;
  for (const unit of weights) {
    result = unit === 0n ? undefined : scaled(weights, inverse(unit));
    if (result !== undefined) break;
  }
  found.set(key, result);
  return result;
}

function scaled(weights: readonly bigint[], scale: bigint): BinaryWeights | undefined {
  const exponents: number[] = [];
  const signs: bigint[] = [];
  for (const weight of weights) {
    const value = modulo(weight * scale);
    const positive = EXPONENTS.get(value);
    const exponent = positive ?? EXPONENTS.get(FIELD_MODULUS - value);
    if (exponent === undefined) return undefined;
    exponents.push(exponent);
    signs.push(positive === undefined ? -1n : 1n);
  }
  if (new Set(exponents).size !== exponents.length) return undefined;
  return { scale, exponents, signs, wraps: exponents.includes(LARGEST_EXPONENT) };
}
