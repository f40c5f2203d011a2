/**
 * Coordinates of both groups, four at once: elements of the base field (degree 1, one quad) for G1, of Fq2 = Fq[u]/(u²+1)
 * (degree 2, two quads) for G2. A product over Fq2 is three products (Karatsuba), a square two.
 * Bounds: every result is below 2.4 p, of sums and differences below 1.001 p, except `differ`, which is below 6.4 p for
 * what is only multiplied next.
 * The trap: a result may be written over an operand, so nothing is stored before all is read.
 */
import {
  add,
  copyLane,
  invert,
  isZero,
  load4,
  maybeZero,
  mul,
  negate,
  ONE,
  Q,
  QUAD,
  reduce,
  square,
  store4,
  sub,
  TWIST,
  WORDS,
} from './field';
import { roomAt } from './room';

const FIRST: usize = 0;
const SECOND: usize = QUAD;
const SUM_A: usize = 2 * QUAD;
const SUM_B: usize = 3 * QUAD;
/** Room behind this offset is free for who uses coordinates. */
export const COORDINATES_END: usize = 32 * QUAD;
const INVERSION: usize = 8 * QUAD;

export function mulCoordinate(a: usize, b: usize, out: usize, degree: i32): void {
  if (degree === 1) {
    mul(a, b, out, Q);
    return;
  }
  const first = roomAt(FIRST);
  const second = roomAt(SECOND);
  const sumA = roomAt(SUM_A);
  const sumB = roomAt(SUM_B);
  mul(a, b, first, Q);
  mul(a + QUAD, b + QUAD, second, Q);
  add(a, a + QUAD, sumA);
  add(b, b + QUAD, sumB);
  mul(sumA, sumB, sumA, Q);
  sub(first, second, sumB, Q);
  reduce(sumB, out, Q);
  sub(sumA, first, sumA, Q);
  sub(sumA, second, sumA, Q);
  reduce(sumA, out + QUAD, Q);
}

export function squareCoordinate(a: usize, out: usize, degree: i32): void {
  if (degree === 1) {
    square(a, out, Q);
    return;
  }
  const first = roomAt(FIRST);
  const second = roomAt(SECOND);
  add(a, a + QUAD, first);
  sub(a, a + QUAD, second, Q);
  mul(a, a + QUAD, roomAt(SUM_A), Q);
  mul(first, second, out, Q);
  add(roomAt(SUM_A), roomAt(SUM_A), roomAt(SUM_A));
  reduce(roomAt(SUM_A), out + QUAD, Q);
}

export function addCoordinate(a: usize, b: usize, out: usize, degree: i32): void {
  for (let i = 0; i < degree; i++) {
    const at = <usize>i * QUAD;
    add(a + at, b + at, out + at);
    reduce(out + at, out + at, Q);
  }
}

/** out = a − b, for b at most 3p. */
export function subCoordinate(a: usize, b: usize, out: usize, degree: i32): void {
  for (let i = 0; i < degree; i++) {
    const at = <usize>i * QUAD;
    sub(a + at, b + at, out + at, Q);
    reduce(out + at, out + at, Q);
  }
}

/** out = a − b below 6.4 p, for a below 2.4 p and b at most 3p. */
export function differ(a: usize, b: usize, out: usize, degree: i32): void {
  sub(a, b, out, Q);
  if (degree === 2) sub(a + QUAD, b + QUAD, out + QUAD, Q);
}

/** out = a − b − c, for a and c below 2.4 p and b at most 3p. */
export function subTwice(a: usize, b: usize, c: usize, out: usize, degree: i32): void {
  for (let i = 0; i < degree; i++) {
    const at = <usize>i * QUAD;
    sub(a + at, b + at, out + at, Q);
    sub(out + at, c + at, out + at, Q);
    reduce(out + at, out + at, Q);
  }
}

/**
 * Negates the lanes whose integers are odd; they are at most 3p then.
 * @param lanes address of four int32
 */
export function negateOddLanes(a: usize, lanes: usize, degree: i32): void {
  const odd = i32x4.neg(v128.and(v128.load(lanes), i32x4.splat(1)));
  if (!v128.any_true(odd)) return;
  const negated = roomAt(FIRST);
  for (let i = 0; i < degree; i++) {
    const at = a + <usize>i * QUAD;
    negate(at, negated, Q);
    for (let limb: usize = 0; limb < QUAD; limb += 16) {
      v128.store(at + limb, v128.bitselect(v128.load(negated + limb), v128.load(at + limb), odd));
    }
  }
}

/** out = 3b·a, b the curve's constant: 9 a on G1, by additions, 9/(9 + u)·a on G2. */
export function timesThreeB(a: usize, out: usize, degree: i32): void {
  if (degree === 2) {
    mulCoordinate(a, Q + TWIST, out, degree);
    return;
  }
  const sum = roomAt(FIRST);
  add(a, a, sum);
  add(sum, sum, sum);
  reduce(sum, sum, Q);
  add(sum, sum, sum);
  add(sum, a, sum);
  reduce(sum, out, Q);
}

/** Lanes that may be zero, of a reduced coordinate. */
export function maybeZeroCoordinate(a: usize, degree: i32): i32 {
  const lanes = maybeZero(a, Q);
  return degree === 1 || lanes === 0 ? lanes : lanes & maybeZero(a + QUAD, Q);
}

export function isZeroCoordinate(a: usize, lane: i32, degree: i32): bool {
  return isZero(a, lane, Q) && (degree === 1 || isZero(a + QUAD, lane, Q));
}

export function copyCoordinateLane(a: usize, lane: i32, out: usize, degree: i32): void {
  copyLane(a, lane, out);
  if (degree === 2) copyLane(a + QUAD, lane, out + QUAD);
}

export function setOneCoordinate(out: usize, degree: i32): void {
  memory.copy(out, Q + ONE, QUAD);
  if (degree === 2) memory.fill(out + QUAD, 0, QUAD);
}

/** out = a⁻¹ in every lane: 1/(x + y·u) = (x − y·u)/(x² + y²). */
export function invertCoordinate(a: usize, out: usize, degree: i32): void {
  if (degree === 1) {
    invert(a, out, Q, roomAt(INVERSION));
    return;
  }
  const first = roomAt(FIRST);
  const second = roomAt(SECOND);
  square(a, first, Q);
  square(a + QUAD, second, Q);
  add(first, second, first);
  invert(first, second, Q, roomAt(INVERSION));
  mul(a, second, first, Q);
  mul(a + QUAD, second, second, Q);
  negate(second, second, Q);
  memory.copy(out, first, QUAD);
  reduce(second, out + QUAD, Q);
}

/** One coordinate of four points, from words. */
export function loadCoordinate(p0: usize, p1: usize, p2: usize, p3: usize, out: usize, degree: i32): void {
  load4(p0, p1, p2, p3, out);
  if (degree === 2) load4(p0 + WORDS, p1 + WORDS, p2 + WORDS, p3 + WORDS, out + QUAD);
}

export function storeCoordinate(a: usize, p0: usize, p1: usize, p2: usize, p3: usize, degree: i32): void {
  store4(a, p0, p1, p2, p3);
  if (degree === 2) store4(a + QUAD, p0 + WORDS, p1 + WORDS, p2 + WORDS, p3 + WORDS);
}
