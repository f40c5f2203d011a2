/**
 * Dropout masks from a counter-based generator (the idea of Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"): bit k of a mask is a hash of (seed, step, position), so it depends neither on what was drawn before nor on
 * which worker draws it. The hash is one pass of three multiplications and four xor-shifts (constants of Wellons'
 * `triple32`), whose counter is shifted and whose middle is mixed with the two words of the step's key; each 32-bit word
 * decides two positions, 16 bits each. Philox4x32-10 was tried: with 32-bit products only, as in JavaScript, 12,288
 * masks take it four times as long.
 * The trap: 16 bits round the rate to a multiple of 2⁻¹⁶, so kept entries are scaled by the rounded rate, not by the
 * asked one; and this is no cryptographic generator.
 */
import { MeedError } from '../foundation/index.js';

const LANES = 2 ** 16;

/** The key of one training step's masks. */
export interface MaskKey {
  readonly counter: number;
  readonly middle: number;
}

/** @param step whole, from 0; with another step the masks are others */
export function maskKey(seed: number, step: number): MaskKey {
  const counter = mixed(mixed(seed | 0, 0x9e3779b9) ^ step, 0x7f4a7c15);
  return { counter, middle: mixed(mixed(step | 0, 0x85ebca6b) ^ seed, counter) };
}

/**
 * Fills `mask` with 1/(1 − rate) where the unit is kept and 0 where it is dropped: multiply and nothing is left to scale.
 * @param rate  share dropped, in [0, 1), rounded to a multiple of 2⁻¹⁶
 * @param first position of `mask[0]`, even: a mask may be filled in parts
 */
export function fillDropoutMask(mask: Float32Array, key: MaskKey, rate: number, first = 0): void {
  if (!(rate >= 0 && rate < 1)) throw new MeedError(`The dropout rate is ${rate}`, 'Give a rate from 0 to below 1');
  if (!Number.isInteger(first) || first < 0 || first % 2 !== 0 || first + mask.length > 2 ** 32) {
    throw new MeedError(`A mask cannot begin at position ${first}`, 'Begin at an even position below 2³²');
  }
  const dropped = Math.min(Math.round(rate * LANES), LANES - 1);
  // Written as bits, without a branch: x & (sign of a difference) is x or 0.
  const bits = new Int32Array(mask.buffer, mask.byteOffset, mask.length);
  const kept = new Int32Array(Float32Array.of(LANES / (LANES - dropped)).buffer)[0];
  const last = dropped - 1;
  const { counter, middle } = key;
  const pairs = mask.length >>> 1;
  let word = first / 2;
  for (let i = 0; i < pairs; i++, word++) {
    const z = mixed((word + counter) | 0, middle);
    bits[2 * i] = kept & ((last - (z & 0xffff)) >> 31);
    bits[2 * i + 1] = kept & ((last - (z >>> 16)) >> 31);
  }
  if (mask.length % 2 === 1) {
    const z = mixed((word + counter) | 0, middle);
    bits[mask.length - 1] = kept & ((last - (z & 0xffff)) >> 31);
  }
}

function mixed(word: number, key: number): number {
  let z = word ^ (word >>> 17);
  z = Math.imul(z, 0xed5ad4bb);
  z ^= (z >>> 11) ^ key;
  z = Math.imul(z, 0xac4c1b51);
  z ^= z >>> 15;
  z = Math.imul(z, 0x31848bab);
  return z ^ (z >>> 14);
}
