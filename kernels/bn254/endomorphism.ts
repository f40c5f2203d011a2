/**
 * The curve's endomorphism (Gallant, Lambert and Vanstone 2001): φ(x, y) = (βx, y) with β³ = 1 is multiplication by a λ with
 * λ² + λ + 1 = 0 modulo r, so k·P = k₁·P + k₂·φ(P) with k₁ and k₂ half as long as k. Twice the points and half the digits
 * are as many additions, but half the windows, and so half the buckets' weighted sums.
 * The pairs (u, v) with u + v·λ = 0 modulo r are a lattice; (S, −N) and (N + S, S) are its short basis. What is left of
 * (k, 0) behind the multiple of the basis nearest to it is (k₁, k₂).
 * The traps: the two quotients are rounded from the highest words only. One that is wrong by one still gives k, but a
 * longer half: that they are never wrong by more than .7 keeps both halves below 2¹²⁷. And φ is that multiplication only
 * in the subgroup of order r, which on the twist is not all points; a key's are in it.
 */

import { loadCoordinate, storeCoordinate } from './coordinates';
import { BETA, mul, Q, QUAD, WORDS } from './field';
import { roomAt } from './room';

/** S = 2x + 1 and N = 6x² + 2x, x the curve's parameter; M = N + S. */
const S: u64 = ((<u64>0x89d32568) << 32) | 0x94d213e3;
const N0: u64 = ((<u64>0x8211bbeb) << 32) | 0x7d4f1128;
const N1: u64 = ((<u64>0x6f4d8248) << 32) | 0xeeb859fc;
const M0: u64 = ((<u64>0x0be4e154) << 32) | 0x1221250b;
const M1: u64 = ((<u64>0x6f4d8248) << 32) | 0xeeb859fd;
/** 2²⁵⁴·S/r and 2²⁵⁴·N/r. */
const G: u64 = ((<u64>0xb64748cb) << 32) | 0xb1f82cf6;
const H0: u64 = ((<u64>0xde9ef675) << 32) | 0x0e47ac63;
const H1: u64 = ((<u64>0x9333bc05) << 32) | 0x29dcf4b3;
/** Bits of a quotient's fraction in its lowest word. */
const FRACTION: u64 = 62;
const HALF: u64 = (<u64>1) << (FRACTION - 1);

/** Signs of the two halves. */
export const FIRST_NEGATIVE: i32 = 1;
export const SECOND_NEGATIVE: i32 = 2;

const X: usize = 0;
/** Four points to turn, and where to. */
const FROM: usize = 2 * QUAD;
const TO: usize = FROM + 16;

/** The high word of a product. */
function high(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  const other = a0 * b1 + (middle & 0xffffffff);
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

/**
 * Splits an integer below r/2, given in words.
 * @param out the absolute values of k₁ and k₂, 16 bytes each
 * @returns their signs
 */
export function split(s0: u64, s1: u64, s2: u64, s3: u64, out: usize): i32 {
  if ((s2 | s3) === 0 && s1 >> FRACTION === 0) {
    store<u64>(out, s0);
    store<u64>(out, s1, 8);
    store<u64>(out, 0, 16);
    store<u64>(out, 0, 24);
    return 0;
  }
  // c = k·S/r
  let low = s3 * G;
  let w1 = high(s2, G) + low;
  let w2 = high(s3, G) + <u64>(w1 < low);
  w1 += HALF;
  w2 += <u64>(w1 < HALF);
  const c = (w2 << (64 - FRACTION)) | (w1 >> FRACTION);
  // d = k·N/r
  low = s2 * H1;
  w1 = high(s1, H1) + low;
  w2 = <u64>(w1 < low);
  low = s3 * H0;
  w1 += low;
  w2 += <u64>(w1 < low);
  low = high(s2, H0);
  w1 += low;
  w2 += <u64>(w1 < low);
  w1 += HALF;
  w2 += <u64>(w1 < HALF);
  let w3: u64 = 0;
  low = high(s2, H1);
  w2 += low;
  w3 += <u64>(w2 < low);
  low = high(s3, H0);
  w2 += low;
  w3 += <u64>(w2 < low);
  low = s3 * H1;
  w2 += low;
  w3 += high(s3, H1) + <u64>(w2 < low);
  const d0 = (w2 << (64 - FRACTION)) | (w1 >> FRACTION);
  const d1 = (w3 << (64 - FRACTION)) | (w2 >> FRACTION);
  // k₁ = k − c·S − d·M and k₂ = c·N − d·S, modulo 2¹²⁸
  low = c * S;
  let first1 = s1 - high(c, S) - <u64>(s0 < low);
  let first0 = s0 - low;
  low = d0 * M0;
  first1 -= high(d0, M0) + d0 * M1 + d1 * M0 + <u64>(first0 < low);
  first0 -= low;
  let second0 = c * N0;
  low = d0 * S;
  const second1 = high(c, N0) + c * N1 - high(d0, S) - d1 * S - <u64>(second0 < low);
  second0 -= low;
  return storeSize(first0, first1, out, FIRST_NEGATIVE) | storeSize(second0, second1, out + 16, SECOND_NEGATIVE);
}

/** Stores the absolute value of a signed number of 128 bits; gives `negative` if it was. */
function storeSize(low: u64, high: u64, out: usize, negative: i32): i32 {
  const below = high >> 63 !== 0;
  store<u64>(out, below ? 0 - low : low);
  store<u64>(out, below ? ~high + <u64>(low === 0) : high, 8);
  return below ? negative : 0;
}

/**
 * φ of those points whose second half has digits.
 * @param counts two bytes a point (see `scalars.ts`)
 * @param out    room for all of them, each at its own index
 */
export function turnPoints(points: usize, counts: usize, count: usize, degree: i32, out: usize): void {
  const bytes = <usize>(2 * degree) * WORDS;
  const from = roomAt(FROM);
  const to = roomAt(TO);
  let waiting: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    if (load<u8>(counts + 2 * i, 1) === 0) continue;
    store<u32>(from + (waiting << 2), <u32>(points + i * bytes));
    store<u32>(to + (waiting << 2), <u32>(out + i * bytes));
    waiting++;
    if (waiting === 4) {
      turnFour(degree);
      waiting = 0;
    }
  }
  if (waiting === 0) return;
  for (; waiting < 4; waiting++) {
    store<u32>(from + (waiting << 2), load<u32>(from));
    store<u32>(to + (waiting << 2), load<u32>(to));
  }
  turnFour(degree);
}

function turnFour(degree: i32): void {
  const x = roomAt(X);
  const from = roomAt(FROM);
  const to = roomAt(TO);
  const p0 = <usize>load<u32>(from);
  const p1 = <usize>load<u32>(from, 4);
  const p2 = <usize>load<u32>(from, 8);
  const p3 = <usize>load<u32>(from, 12);
  const q0 = <usize>load<u32>(to);
  const q1 = <usize>load<u32>(to, 4);
  const q2 = <usize>load<u32>(to, 8);
  const q3 = <usize>load<u32>(to, 12);
  loadCoordinate(p0, p1, p2, p3, x, degree);
  const root = Q + BETA + <usize>(degree - 1) * QUAD;
  for (let i = 0; i < degree; i++) mul(x + <usize>i * QUAD, root, x + <usize>i * QUAD, Q);
  storeCoordinate(x, q0, q1, q2, q3, degree);
  const y = <usize>degree * WORDS;
  memory.copy(q0 + y, p0 + y, y);
  memory.copy(q1 + y, p1 + y, y);
  memory.copy(q2 + y, p2 + y, y);
  memory.copy(q3 + y, p3 + y, y);
}
