/**
 * Tables of the transforms, gathered from powers of one root that lie in order: the roots of a level are every step-th
 * power, and the factors between the ways down and up lie in the order in which the way down leaves its elements.
 * The trap: an index is taken modulo the number of powers, a power of two, which also makes inverses of a negative step.
 */
import { load4, QUAD, WORDS } from './field';

/** Element j of the table is powers[j·step mod 2^log], for 4·quads elements. */
export function gatherRoots(powers: usize, log: i32, step: u32, out: usize, quads: i32): void {
  const mask: u32 = (1 << log) - 1;
  for (let q: u32 = 0; q < <u32>quads; q++) {
    const j = 4 * q;
    load4(
      powers + <usize>((j * step) & mask) * WORDS,
      powers + <usize>(((j + 1) * step) & mask) * WORDS,
      powers + <usize>(((j + 2) * step) & mask) * WORDS,
      powers + <usize>(((j + 3) * step) & mask) * WORDS,
      out + <usize>q * QUAD,
    );
  }
}

/** Factors of the elements from quad `first` on, a multiple of four: of bit-reversed order, sixteen transposed at a time. */
export function gatherFactors(powers: usize, log: i32, first: i32, quads: i32, out: usize): void {
  for (let q: u32 = <u32>first; q < <u32>(first + quads); q++) {
    const element = 16 * (q >> 2) + (q & 3);
    load4(
      powers + reversed(element, log) * WORDS,
      powers + reversed(element + 4, log) * WORDS,
      powers + reversed(element + 8, log) * WORDS,
      powers + reversed(element + 12, log) * WORDS,
      out + <usize>q * QUAD,
    );
  }
}

/** The lowest `bits` bits in reverse order. */
function reversed(x: u32, bits: i32): usize {
  x = ((x >> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  return <usize>(bswap<u32>(x) >> (32 - bits));
}
