/**
 * The butterflies of number-theoretic transforms over the scalar field, on quads (four elements side by side): radix 4,
 * on the way down by decimation in frequency (Gentleman and Sande 1966), on the way up by decimation in time (Cooley and
 * Tukey 1965). Both work in place, so down leaves bit-reversed order and up takes it, and nobody reverses bits.
 *
 * Down, with i a fourth root of unity:   a' = a + b + c + d                 b' = (a − b + c − d)·w²
 *                                        c' = (a − c + i·(b − d))·w         d' = (a − c − i·(b − d))·w³
 * Up is the same with the products first. Four products and one reduction serve two levels of radix 2, which would reduce
 * four times.
 * Bounds: down takes values below 2.4 p (what `mul` gives) and gives such; up takes and gives values below 16 p (what
 * `reduce` takes); without products both take values below 2.4 p and give values below 16 p.
 * The trap: a limb of a sum of two may reach 2³⁰, so what it is subtracted from must be padded more than `sub`'s 4 p is:
 * the constants' 8 p has every limb but the top one at least 2³¹ − 4.
 */
import { mul, QUAD, R, reduce } from './field';
import { FOUR_PADDED } from './product.generated';
import { roomAt } from './room';

const TOP: usize = 128;
const WIDTH: i32 = 29;
const MASK: i32 = (1 << 29) - 1;

/** Offsets in a direction's constants. */
const FOURTH_ROOT: usize = 0;
const EIGHT_PADDED: usize = QUAD;

const S0: usize = 0;
const S1: usize = QUAD;
const S2: usize = 2 * QUAD;
const S3: usize = 3 * QUAD;
/** Bytes of room that butterflies use, from its beginning. */
export const BUTTERFLY_ROOM: usize = 4 * QUAD;

/** s0 = a + b + c + d, s1 = a + c − (b + d) + 8p, s2 = a − c + 4p, s3 = b − d + 4p. */
function sumsDown(a: usize, b: usize, c: usize, d: usize, constants: usize): void {
  const mask = i32x4.splat(MASK);
  const room = roomAt(0);
  let c0 = i32x4.splat(0);
  let c1 = i32x4.splat(0);
  let c2 = i32x4.splat(0);
  let c3 = i32x4.splat(0);
  for (let i: usize = 0; i < QUAD; i += 16) {
    const ai = v128.load(a + i);
    const bi = v128.load(b + i);
    const ci = v128.load(c + i);
    const di = v128.load(d + i);
    const four = v128.load(R + i, FOUR_PADDED);
    const ac = i32x4.add(ai, ci);
    const bd = i32x4.add(bi, di);
    const s0 = i32x4.add(ac, bd);
    const s1 = i32x4.add(ac, i32x4.sub(v128.load(constants + i, EIGHT_PADDED), bd));
    const s2 = i32x4.add(ai, i32x4.sub(four, ci));
    const s3 = i32x4.add(bi, i32x4.sub(four, di));
    if (i === TOP) {
      v128.store(room, i32x4.add(s0, c0), S0 + TOP);
      v128.store(room, i32x4.add(s1, c1), S1 + TOP);
      v128.store(room, i32x4.add(s2, c2), S2 + TOP);
      v128.store(room, i32x4.add(s3, c3), S3 + TOP);
    } else {
      v128.store(room + i, i32x4.add(v128.and(s0, mask), c0), S0);
      v128.store(room + i, i32x4.add(v128.and(s1, mask), c1), S1);
      v128.store(room + i, i32x4.add(v128.and(s2, mask), c2), S2);
      v128.store(room + i, i32x4.add(v128.and(s3, mask), c3), S3);
    }
    c0 = i32x4.shr_u(s0, WIDTH);
    c1 = i32x4.shr_u(s1, WIDTH);
    c2 = i32x4.shr_u(s2, WIDTH);
    c3 = i32x4.shr_u(s3, WIDTH);
  }
}

/** plus = a + b, minus = a − b + 4p, for b below 3p; plus and minus may be a and b. */
function both(a: usize, b: usize, plus: usize, minus: usize): void {
  sumAndDifference(a, b, plus, minus, R + FOUR_PADDED);
}

/** plus = a + b, minus = a − b + what stands at `padded`, a multiple of p above b; plus and minus may be a and b. */
function sumAndDifference(a: usize, b: usize, plus: usize, minus: usize, padded: usize): void {
  const mask = i32x4.splat(MASK);
  let c0 = i32x4.splat(0);
  let c1 = i32x4.splat(0);
  for (let i: usize = 0; i < QUAD; i += 16) {
    const ai = v128.load(a + i);
    const bi = v128.load(b + i);
    const sum = i32x4.add(ai, bi);
    const difference = i32x4.add(ai, i32x4.sub(v128.load(padded + i), bi));
    if (i === TOP) {
      v128.store(plus, i32x4.add(sum, c0), TOP);
      v128.store(minus, i32x4.add(difference, c1), TOP);
    } else {
      v128.store(plus + i, i32x4.add(v128.and(sum, mask), c0));
      v128.store(minus + i, i32x4.add(v128.and(difference, mask), c1));
    }
    c0 = i32x4.shr_u(sum, WIDTH);
    c1 = i32x4.shr_u(difference, WIDTH);
  }
}

/** Down, with the quads of w, w² and w³. */
export function down4(a: usize, b: usize, c: usize, d: usize, w: usize, w2: usize, w3: usize, constants: usize): void {
  sumsDown(a, b, c, d, constants);
  const s2 = roomAt(S2);
  const s3 = roomAt(S3);
  reduce(roomAt(S0), a, R);
  mul(roomAt(S1), w2, b, R);
  mul(s3, constants + FOURTH_ROOT, s3, R);
  both(s2, s3, s2, s3);
  mul(s2, w, c, R);
  mul(s3, w3, d, R);
}

/** Down with w = 1, and without reducing. */
export function down4Ones(a: usize, b: usize, c: usize, d: usize, constants: usize): void {
  sumsDown(a, b, c, d, constants);
  const s3 = roomAt(S3);
  memory.copy(a, roomAt(S0), QUAD);
  memory.copy(b, roomAt(S1), QUAD);
  mul(s3, constants + FOURTH_ROOT, s3, R);
  both(roomAt(S2), s3, c, d);
}

/** Radix 2 down: a' = a + b, b' = (a − b)·w. */
export function down2(a: usize, b: usize, w: usize): void {
  const s0 = roomAt(S0);
  const s1 = roomAt(S1);
  both(a, b, s0, s1);
  reduce(s0, a, R);
  mul(s1, w, b, R);
}

/**
 * From s0 = a, s1 = b, s2 = c, s3 = d in the room, all below 2.4 p:
 * out0 = a + b + c + d, out1 = a − b + i·(c − d), out2 = a + b − c − d, out3 = a − b − i·(c − d).
 */
function sumsUp(out0: usize, out1: usize, out2: usize, out3: usize, constants: usize): void {
  const s0 = roomAt(S0);
  const s1 = roomAt(S1);
  const s2 = roomAt(S2);
  const s3 = roomAt(S3);
  both(s0, s1, s0, s1);
  both(s2, s3, s2, s3);
  mul(s3, constants + FOURTH_ROOT, s3, R);
  both(s1, s3, out1, out3);
  sumAndDifference(s0, s2, out0, out2, constants + EIGHT_PADDED);
}

/** Up, with the quads of w, w² and w³. */
export function up4(a: usize, b: usize, c: usize, d: usize, w: usize, w2: usize, w3: usize, constants: usize): void {
  reduce(a, roomAt(S0), R);
  mul(b, w2, roomAt(S1), R);
  mul(c, w, roomAt(S2), R);
  mul(d, w3, roomAt(S3), R);
  sumsUp(a, b, c, d, constants);
}

/** Up with w = 1, for values below 2.4 p. */
export function up4Ones(a: usize, b: usize, c: usize, d: usize, constants: usize): void {
  memory.copy(roomAt(S0), a, QUAD);
  memory.copy(roomAt(S1), b, QUAD);
  memory.copy(roomAt(S2), c, QUAD);
  memory.copy(roomAt(S3), d, QUAD);
  sumsUp(a, b, c, d, constants);
}

/** Radix 2 up: a' = a + b·w, b' = a − b·w. */
export function up2(a: usize, b: usize, w: usize): void {
  const s0 = roomAt(S0);
  const s1 = roomAt(S1);
  reduce(a, s0, R);
  mul(b, w, s1, R);
  both(s0, s1, a, b);
}
