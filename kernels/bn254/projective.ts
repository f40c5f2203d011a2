/**
 * Points (X : Y : Z), x = X/Z, y = Y/Z, infinity (0 : 1 : 0), four at once, added by the complete formulas for
 * y² = x³ + b (Renes, Costello, Batina 2016, algorithm 7): twelve products and two by 3b, the same for every pair of
 * points, so four lanes never differ in what they do.
 * The trap: complete means no point of order two. G1 has prime order and the twist's order is odd, so that holds on both
 * curves, in the subgroup or not.
 */
import {
  addCoordinate,
  COORDINATES_END,
  copyCoordinateLane,
  invertCoordinate,
  isZeroCoordinate,
  loadCoordinate,
  mulCoordinate,
  negateOddLanes,
  setOneCoordinate,
  storeCoordinate,
  subCoordinate,
  subTwice,
  timesThreeB,
} from './coordinates';
import { canonical, mul, Q, QUAD, reduce, TO_KEY, WORDS } from './field';
import { isInfinite } from './pairs';
import { roomAt } from './room';

const BIG: usize = 2 * QUAD;
const T0: usize = COORDINATES_END;
const T1: usize = T0 + BIG;
const T2: usize = T1 + BIG;
const T3: usize = T2 + BIG;
const T4: usize = T3 + BIG;
const S0: usize = T4 + BIG;
const S1: usize = S0 + BIG;
const FOUR: usize = S1 + BIG;
/** Room behind this offset is free for who uses projective points. */
export const PROJECTIVE_END: usize = FOUR + 16;

/** Bytes of four points. */
export function projectiveBytes(degree: i32): usize {
  return <usize>(3 * degree) * QUAD;
}

export function setInfinity(out: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  memory.fill(out, 0, 3 * size);
  setOneCoordinate(out + size, degree);
}

/** out = a + b, also where out is one of them. */
export function addProjective(a: usize, b: usize, out: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const t0 = roomAt(T0);
  const t1 = roomAt(T1);
  const t2 = roomAt(T2);
  const t3 = roomAt(T3);
  const t4 = roomAt(T4);
  const s0 = roomAt(S0);
  const s1 = roomAt(S1);
  mulCoordinate(a, b, t0, degree);
  mulCoordinate(a + size, b + size, t1, degree);
  mulCoordinate(a + 2 * size, b + 2 * size, t2, degree);
  // t3 = X₁Y₂ + X₂Y₁
  addCoordinate(a, a + size, s0, degree);
  addCoordinate(b, b + size, s1, degree);
  mulCoordinate(s0, s1, t3, degree);
  subTwice(t3, t0, t1, t3, degree);
  // t4 = Y₁Z₂ + Y₂Z₁
  addCoordinate(a + size, a + 2 * size, s0, degree);
  addCoordinate(b + size, b + 2 * size, s1, degree);
  mulCoordinate(s0, s1, t4, degree);
  subTwice(t4, t1, t2, t4, degree);
  // s0 = 3b·(X₁Z₂ + X₂Z₁)
  addCoordinate(a, a + 2 * size, s0, degree);
  addCoordinate(b, b + 2 * size, s1, degree);
  mulCoordinate(s0, s1, s0, degree);
  subTwice(s0, t0, t2, s0, degree);
  timesThreeB(s0, s0, degree);
  // t0 = 3X₁X₂, t2 = Y₁Y₂ + 3bZ₁Z₂, t1 = Y₁Y₂ − 3bZ₁Z₂
  addCoordinate(t0, t0, s1, degree);
  addCoordinate(t0, s1, t0, degree);
  timesThreeB(t2, s1, degree);
  addCoordinate(t1, s1, t2, degree);
  subCoordinate(t1, s1, t1, degree);
  // X₃ = t3·t1 − t4·s0, Y₃ = t1·t2 + s0·t0, Z₃ = t2·t4 + t0·t3
  mulCoordinate(t3, t1, out, degree);
  mulCoordinate(t4, s0, s1, degree);
  subCoordinate(out, s1, out, degree);
  mulCoordinate(t1, t2, out + size, degree);
  mulCoordinate(s0, t0, s1, degree);
  addCoordinate(out + size, s1, out + size, degree);
  mulCoordinate(t2, t4, out + 2 * size, degree);
  mulCoordinate(t0, t3, s1, degree);
  addCoordinate(out + 2 * size, s1, out + 2 * size, degree);
}

/** Four affine points from references (see `pairs.ts`); 0 is infinity. */
export function loadAffine(r0: u32, r1: u32, r2: u32, r3: u32, out: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const one = roomAt(S0);
  const zero = roomAt(S1);
  setOneCoordinate(one, degree);
  memory.fill(zero, 0, size);
  const y = <usize>degree * WORDS;
  const p0 = addressOr(r0, Q);
  const p1 = addressOr(r1, Q);
  const p2 = addressOr(r2, Q);
  const p3 = addressOr(r3, Q);
  loadCoordinate(p0, p1, p2, p3, out, degree);
  loadCoordinate(p0 + y, p1 + y, p2 + y, p3 + y, out + size, degree);
  const four = roomAt(FOUR);
  store<u32>(four, r0);
  store<u32>(four, r1, 4);
  store<u32>(four, r2, 8);
  store<u32>(four, r3, 12);
  negateOddLanes(out + size, four, degree);
  memory.copy(out + 2 * size, one, size);
  if (r0 === 0 || isInfinite(p0, degree)) setLaneInfinite(out, 0, zero, one, degree);
  if (r1 === 0 || isInfinite(p1, degree)) setLaneInfinite(out, 1, zero, one, degree);
  if (r2 === 0 || isInfinite(p2, degree)) setLaneInfinite(out, 2, zero, one, degree);
  if (r3 === 0 || isInfinite(p3, degree)) setLaneInfinite(out, 3, zero, one, degree);
}

/** Where a reference points; for none, an address that may be read, whose lane is replaced. */
function addressOr(reference: u32, other: usize): usize {
  return reference === 0 ? other : <usize>(reference & ~1);
}

function setLaneInfinite(out: usize, lane: i32, zero: usize, one: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  copyCoordinateLane(zero, lane, out, degree);
  copyCoordinateLane(one, lane, out + size, degree);
  copyCoordinateLane(zero, lane, out + 2 * size, degree);
}

/** Fills all lanes with one. */
export function broadcastLane(a: usize, lane: i32, out: usize, degree: i32): void {
  const bytes = projectiveBytes(degree);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(out + at, i32x4.splat(load<i32>(a + at + ((<usize>lane) << 2))));
  }
}

/** Lane 0 as words: X, Y, Z. */
export function storeProjective(a: usize, point: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const words = <usize>degree * WORDS;
  for (let i: usize = 0; i < 3; i++) {
    const at = point + i * words;
    storeCoordinate(a + i * size, at, at, at, at, degree);
  }
}

/** One point from words, in all lanes. */
export function loadProjective(point: usize, out: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const words = <usize>degree * WORDS;
  for (let i: usize = 0; i < 3; i++) {
    const at = point + i * words;
    loadCoordinate(at, at, at, at, out + i * size, degree);
  }
}

/** The affine point in a key's form, canonical; infinity all zeros. All lanes must be equal. */
export function storeAffineKey(a: usize, point: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const words = <usize>degree * WORDS;
  const inverse = roomAt(T0);
  for (let i = 0; i < degree; i++) {
    const at = <usize>i * QUAD;
    reduce(a + 2 * size + at, roomAt(T1) + at, Q);
  }
  if (isZeroCoordinate(roomAt(T1), 0, degree)) {
    memory.fill(point, 0, 2 * words);
    return;
  }
  invertCoordinate(roomAt(T1), inverse, degree);
  for (let i: usize = 0; i < 2; i++) {
    const coordinate = roomAt(T2);
    mulCoordinate(a + i * size, inverse, coordinate, degree);
    for (let k: usize = 0; k < <usize>degree; k++) {
      mul(coordinate + k * QUAD, Q + TO_KEY, coordinate + k * QUAD, Q);
      reduce(coordinate + k * QUAD, coordinate + k * QUAD, Q);
      canonical(coordinate + k * QUAD, coordinate + k * QUAD, Q);
    }
    const at = point + i * words;
    storeCoordinate(coordinate, at, at, at, at, degree);
  }
}
