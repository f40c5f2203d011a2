/**
 * Scalars in signed digits of c bits (Booth's idea, for any width): adding 2^(c−1) to every digit but the top one turns
 * digits in [0, 2^c) into digits in [−2^(c−1), 2^(c−1)), so a digit is read from its bits alone and buckets are half as
 * many. Of s and r − s the smaller is taken, with its sign: then −1 is as short as 1. That is one term of 32 bytes, or it
 * is split into two of 16 (see `endomorphism.ts`).
 * For each term a byte says how many digits there are up to its last that is not zero (0 for a term of zero or a point
 * at infinity), so most windows pass over a short scalar without reading it; its highest bit is the sign.
 * The trap: a sum with the offsets must stay within the term's bytes, so the top digit gets none; it fits since scalars
 * are below r/2 and halves below 2¹²⁷.
 */

import { FIRST_NEGATIVE, SECOND_NEGATIVE, split } from './endomorphism';
import { WORDS } from './field';
import { isInfinite } from './pairs';
import { roomAt } from './room';

/** Bits that digits must cover: r/2 is below 2²⁵³, a half below 2¹²⁷, and a carry. */
const WHOLE_BITS: i32 = 254;
const HALF_BITS: i32 = 128;
const NEGATIVE: u8 = 128;

const R0: u64 = ((<u64>0x43e1f593) << 32) | 0xf0000001;
const R1: u64 = ((<u64>0x2833e848) << 32) | 0x79b97091;
const R2: u64 = ((<u64>0xb85045b6) << 32) | 0x8181585d;
const R3: u64 = ((<u64>0x30644e72) << 32) | 0xe131a029;

/** Four words of the offsets, and of a scalar's terms. */
const OFFSETS: usize = 0;
const TERMS: usize = WORDS;

/** @param terms into how many a scalar is split: 1 or 2 */
export function windowCount(width: i32, terms: i32): i32 {
  return ((terms === 1 ? WHOLE_BITS : HALF_BITS) + width - 1) / width;
}

/** Digit `window` of a recoded term of so many bits. */
export function digitAt(recoded: usize, window: i32, width: i32, windows: i32, bits: i32): i32 {
  const bit = window * width;
  const top = window === windows - 1;
  const taken = top ? bits - bit : width;
  const value = (load<u64>(recoded + (<usize>bit >> 3)) >> (<u64>bit & 7)) & (((<u64>1) << (<u64>taken)) - 1);
  return <i32>value - (top ? 0 : 1 << (width - 1));
}

/** Number of digits, from the byte of a term. */
export function digitCount(byte: u8): i32 {
  return <i32>(byte & 127);
}

export function isNegative(byte: u8): bool {
  return (byte & NEGATIVE) !== 0;
}

/**
 * Recodes scalars.
 * @param scalars integers below 2²⁵⁶, 32 bytes each; taken modulo r
 * @param points  affine points, of `degree`; those at infinity get no digits
 * @param terms   into how many each is split: 1 or 2
 * @param recoded 32 bytes a scalar, and 8 behind the last
 * @param counts  a byte a term
 * @returns the largest number of digits
 */
export function recode(
  scalars: usize,
  points: usize,
  count: usize,
  width: i32,
  terms: i32,
  degree: i32,
  recoded: usize,
  counts: usize,
): i32 {
  const windows = windowCount(width, terms);
  const offsets = roomAt(OFFSETS);
  memory.fill(offsets, 0, WORDS);
  for (let window = 0; window < windows - 1; window++) {
    const bit = <usize>(window * width + width - 1);
    const at = offsets + ((bit >> 6) << 3);
    store<u64>(at, load<u64>(at) | ((<u64>1) << (bit & 63)));
  }
  const pointBytes = <usize>(2 * degree) * WORDS;
  const words = roomAt(TERMS);
  let most = 0;
  for (let i: usize = 0; i < count; i++) {
    const at = counts + i * <usize>terms;
    const negative = takeSmaller(scalars + i * WORDS, words);
    const nothing = (load<u64>(words) | load<u64>(words, 8) | load<u64>(words, 16) | load<u64>(words, 24)) === 0;
    if (nothing || isInfinite(points + i * pointBytes, degree)) {
      for (let term: usize = 0; term < <usize>terms; term++) store<u8>(at + term, 0);
      continue;
    }
    const out = recoded + i * WORDS;
    if (terms === 1) {
      store<u8>(at, recodeWhole(words, out, width, windows) | (negative ? NEGATIVE : 0));
      most = max(most, digitCount(load<u8>(at)));
      continue;
    }
    const signs = split(load<u64>(words), load<u64>(words, 8), load<u64>(words, 16), load<u64>(words, 24), words);
    const first = recodeHalf(words, out, width, windows);
    const second = recodeHalf(words + 16, out + 16, width, windows);
    most = max(most, max(<i32>first, <i32>second));
    store<u8>(at, first | (negative !== ((signs & FIRST_NEGATIVE) !== 0) ? NEGATIVE : 0));
    store<u8>(at, second === 0 ? 0 : second | (negative !== ((signs & SECOND_NEGATIVE) !== 0) ? NEGATIVE : 0), 1);
  }
  return most;
}

/**
 * How many scalars are neither below 2⁶⁴ nor (nearly all of these) above r − 2⁶⁴. No other has a second half, which bounds
 * the memory that a window needs.
 */
export function countLong(scalars: usize, count: usize): usize {
  let long: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    const at = scalars + i * WORDS;
    const s1 = load<u64>(at, 8);
    const s2 = load<u64>(at, 16);
    const s3 = load<u64>(at, 24);
    const short = (s1 | s2 | s3) === 0 || (s3 === R3 && s2 === R2 && (s1 === R1 || s1 === R1 - 1));
    if (!short) long++;
  }
  return long;
}

/** Of s and r − s the smaller, in words; tells whether it is r − s. */
function takeSmaller(scalar: usize, out: usize): bool {
  let s0 = load<u64>(scalar);
  let s1 = load<u64>(scalar, 8);
  let s2 = load<u64>(scalar, 16);
  let s3 = load<u64>(scalar, 24);
  while (s3 > R3 || (s3 === R3 && (s2 > R2 || (s2 === R2 && (s1 > R1 || (s1 === R1 && s0 >= R0)))))) {
    const b0 = <u64>(s0 < R0);
    s0 -= R0;
    const b1 = <u64>(s1 < R1) | <u64>(s1 === R1 && b0 !== 0);
    s1 -= R1 + b0;
    const b2 = <u64>(s2 < R2) | <u64>(s2 === R2 && b1 !== 0);
    s2 -= R2 + b1;
    s3 -= R3 + b2;
  }
  // r − s
  const n0 = R0 - s0;
  const c0 = <u64>(R0 < s0);
  const n1 = R1 - s1 - c0;
  const c1 = <u64>(R1 < s1) | <u64>(R1 === s1 && c0 !== 0);
  const n2 = R2 - s2 - c1;
  const c2 = <u64>(R2 < s2) | <u64>(R2 === s2 && c1 !== 0);
  const n3 = R3 - s3 - c2;
  const negative = n3 < s3 || (n3 === s3 && (n2 < s2 || (n2 === s2 && (n1 < s1 || (n1 === s1 && n0 < s0)))));
  store<u64>(out, negative ? n0 : s0);
  store<u64>(out, negative ? n1 : s1, 8);
  store<u64>(out, negative ? n2 : s2, 16);
  store<u64>(out, negative ? n3 : s3, 24);
  return negative;
}

/** Adds the offsets to four words; gives the number of digits. */
function recodeWhole(words: usize, recoded: usize, width: i32, windows: i32): u8 {
  const s0 = load<u64>(words);
  const s1 = load<u64>(words, 8);
  const s2 = load<u64>(words, 16);
  const s3 = load<u64>(words, 24);
  let length: i32;
  if (s3 !== 0) length = 256 - <i32>clz(s3);
  else if (s2 !== 0) length = 192 - <i32>clz(s2);
  else if (s1 !== 0) length = 128 - <i32>clz(s1);
  else length = 64 - <i32>clz(s0);
  const offsets = roomAt(OFFSETS);
  const o0 = load<u64>(offsets);
  const o1 = load<u64>(offsets, 8);
  const o2 = load<u64>(offsets, 16);
  const t0 = s0 + o0;
  const d0 = <u64>(t0 < s0);
  const t1 = s1 + o1 + d0;
  const d1 = <u64>(t1 < s1) | <u64>(t1 === s1 && d0 !== 0);
  const t2 = s2 + o2 + d1;
  const d2 = <u64>(t2 < s2) | <u64>(t2 === s2 && d1 !== 0);
  store<u64>(recoded, t0);
  store<u64>(recoded, t1, 8);
  store<u64>(recoded, t2, 16);
  store<u64>(recoded, s3 + load<u64>(offsets, 24) + d2, 24);
  return digitsWithin(length, recoded, width, windows, 256);
}

/** The same for two words; a half of zero has no digits. */
function recodeHalf(words: usize, recoded: usize, width: i32, windows: i32): u8 {
  const s0 = load<u64>(words);
  const s1 = load<u64>(words, 8);
  if ((s0 | s1) === 0) return 0;
  const length = s1 !== 0 ? 128 - <i32>clz(s1) : 64 - <i32>clz(s0);
  const offsets = roomAt(OFFSETS);
  const t0 = s0 + load<u64>(offsets);
  store<u64>(recoded, t0);
  store<u64>(recoded, s1 + load<u64>(offsets, 8) + <u64>(t0 < s0), 8);
  return digitsWithin(length, recoded, width, windows, 128);
}

/** Number of digits up to the last that is not zero, of a term of so many significant bits, which is not zero. */
function digitsWithin(length: i32, recoded: usize, width: i32, windows: i32, bits: i32): u8 {
  let digits = min(length / width + 2, windows);
  while (digits > 1 && digitAt(recoded, digits - 1, width, windows, bits) === 0) digits--;
  return <u8>digits;
}
