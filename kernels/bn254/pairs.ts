/**
 * Additions of pairs of affine points, thousands at a time with one inversion (Montgomery's trick, four chains of
 * products side by side): an addition costs five products and a square, where one in projective coordinates costs more
 * than twice that. Every case is exact: equal points are doubled, opposite ones give infinity, infinity adds nothing.
 * A reference to a point is its address, and one more when the point is to be negated. Infinity is all zero bytes.
 * The trap: one denominator of zero would make the whole batch zero. What might be zero is looked at lane by lane: the low
 * limb of x₂ − x₁ decides for all but one lane in 2²⁸ that it is not.
 */
import {
  addCoordinate,
  COORDINATES_END,
  copyCoordinateLane,
  differ,
  invertCoordinate,
  isZeroCoordinate,
  loadCoordinate,
  maybeZeroCoordinate,
  mulCoordinate,
  negateOddLanes,
  setOneCoordinate,
  squareCoordinate,
  storeCoordinate,
  subCoordinate,
  subTwice,
} from './coordinates';
import { QUAD, WORDS } from './field';
import { roomAt } from './room';

/** Pairs of one call at most, degree 1; half as many of degree 2. */
const MOST_PAIRS: usize = 4096;

const BIG: usize = 2 * QUAD;
const X1: usize = COORDINATES_END;
const X2: usize = X1 + BIG;
const Y1: usize = X2 + BIG;
const Y2: usize = Y1 + BIG;
const SLOPE: usize = Y2 + BIG;
const X3: usize = SLOPE + BIG;
const Y3: usize = X3 + BIG;
const RUNNING: usize = Y3 + BIG;
const INVERSE: usize = RUNNING + BIG;
const TANGENT: usize = INVERSE + BIG;
const ONE_LANE: usize = TANGENT + BIG;
/** Four references. */
const FOUR: usize = ONE_LANE + BIG;
/** A byte a pair: how it is added. */
const KINDS: usize = 0x4000;
const DENOMINATORS: usize = 0x8000;
const BEFORE: usize = DENOMINATORS + (MOST_PAIRS / 4) * QUAD;

const ADDED: u8 = 0;
const DOUBLED: u8 = 1;
const LEFT: u8 = 2;
const RIGHT: u8 = 3;
const INFINITE: u8 = 4;

export function mostPairs(degree: i32): usize {
  return MOST_PAIRS / <usize>degree;
}

function address(references: usize, i: usize): usize {
  return <usize>(load<u32>(references + (i << 2)) & ~1);
}

/** Loads a coordinate, at `offset` in each point, of four references from the i-th on; the last one repeats. */
function gather(references: usize, i: usize, last: usize, offset: usize, out: usize, degree: i32): void {
  loadCoordinate(
    address(references, i) + offset,
    address(references, min(i + 1, last)) + offset,
    address(references, min(i + 2, last)) + offset,
    address(references, min(i + 3, last)) + offset,
    out,
    degree,
  );
}

/** y with the reference's sign. */
function gatherY(references: usize, i: usize, last: usize, out: usize, degree: i32): void {
  gather(references, i, last, <usize>degree * WORDS, out, degree);
  const four = roomAt(FOUR);
  store<u32>(four, load<u32>(references + (i << 2)));
  store<u32>(four, load<u32>(references + (min(i + 1, last) << 2)), 4);
  store<u32>(four, load<u32>(references + (min(i + 2, last) << 2)), 8);
  store<u32>(four, load<u32>(references + (min(i + 3, last) << 2)), 12);
  negateOddLanes(out, four, degree);
}

/** Whether one of four points may be infinity: the first word of y is zero. */
function maybeInfinite(references: usize, i: usize, last: usize, degree: i32): bool {
  const y = <usize>degree * WORDS;
  return (
    load<u64>(address(references, i) + y) === 0 ||
    load<u64>(address(references, min(i + 1, last)) + y) === 0 ||
    load<u64>(address(references, min(i + 2, last)) + y) === 0 ||
    load<u64>(address(references, min(i + 3, last)) + y) === 0
  );
}

export function isInfinite(point: usize, degree: i32): bool {
  let bits: u64 = 0;
  const bytes = <usize>(2 * degree) * WORDS;
  for (let i: usize = 0; i < bytes; i += 8) bits |= load<u64>(point + i);
  return bits === 0;
}

/**
 * *out[i] = *left[i] + *right[i].
 * @param left  references, as `right`
 * @param out   addresses; no result may lie where an operand of the same call does
 * @param count 1 to mostPairs(degree)
 */
export function addPairs(left: usize, right: usize, out: usize, count: usize, degree: i32): void {
  const size = <usize>degree * QUAD;
  const last = count - 1;
  const running = roomAt(RUNNING);
  setOneCoordinate(running, degree);
  let denominator = roomAt(DENOMINATORS);
  let before = roomAt(BEFORE);
  for (let i: usize = 0; i < count; i += 4) {
    gather(left, i, last, 0, roomAt(X1), degree);
    gather(right, i, last, 0, roomAt(X2), degree);
    subCoordinate(roomAt(X2), roomAt(X1), denominator, degree);
    store<u32>(roomAt(KINDS) + i, 0);
    if (
      maybeZeroCoordinate(denominator, degree) !== 0 ||
      maybeInfinite(left, i, last, degree) ||
      maybeInfinite(right, i, last, degree)
    ) {
      settle(left, right, i, last, denominator, degree);
    }
    memory.copy(before, running, size);
    mulCoordinate(running, denominator, running, degree);
    denominator += size;
    before += size;
  }
  invertCoordinate(running, running, degree);
  for (let end = (count + 3) & ~3; end > 0; end -= 4) {
    const i = end - 4;
    denominator -= size;
    before -= size;
    mulCoordinate(running, before, roomAt(INVERSE), degree);
    mulCoordinate(running, denominator, running, degree);
    finish(left, right, out, i, last, degree);
  }
}

/** Finds how each of four pairs is added, and gives those that are not plain sums another denominator. */
function settle(left: usize, right: usize, i: usize, last: usize, denominator: usize, degree: i32): void {
  gatherY(left, i, last, roomAt(Y1), degree);
  gatherY(right, i, last, roomAt(Y2), degree);
  subCoordinate(roomAt(Y2), roomAt(Y1), roomAt(SLOPE), degree);
  addCoordinate(roomAt(Y1), roomAt(Y1), roomAt(TANGENT), degree);
  setOneCoordinate(roomAt(ONE_LANE), degree);
  for (let lane = 0; lane < 4; lane++) {
    const at = min(i + <usize>lane, last);
    const noLeft = isInfinite(address(left, at), degree);
    const noRight = isInfinite(address(right, at), degree);
    let kind = ADDED;
    if (noLeft) kind = noRight ? INFINITE : RIGHT;
    else if (noRight) kind = LEFT;
    else if (isZeroCoordinate(denominator, lane, degree)) {
      kind = isZeroCoordinate(roomAt(SLOPE), lane, degree) ? DOUBLED : INFINITE;
    }
    store<u8>(roomAt(KINDS) + i + <usize>lane, kind);
    if (kind === DOUBLED) copyCoordinateLane(roomAt(TANGENT), lane, denominator, degree);
    else if (kind !== ADDED) copyCoordinateLane(roomAt(ONE_LANE), lane, denominator, degree);
  }
}

/** Four sums, from the inverses of their denominators. */
function finish(left: usize, right: usize, out: usize, i: usize, last: usize, degree: i32): void {
  const x1 = roomAt(X1);
  const x2 = roomAt(X2);
  const x3 = roomAt(X3);
  const y1 = roomAt(Y1);
  const y2 = roomAt(Y2);
  const y3 = roomAt(Y3);
  const slope = roomAt(SLOPE);
  gather(left, i, last, 0, x1, degree);
  gather(right, i, last, 0, x2, degree);
  gatherY(left, i, last, y1, degree);
  gatherY(right, i, last, y2, degree);
  subCoordinate(y2, y1, slope, degree);
  const special = load<u32>(roomAt(KINDS) + i) !== 0;
  if (special) takeTangents(i, degree);
  mulCoordinate(slope, roomAt(INVERSE), slope, degree);
  squareCoordinate(slope, x3, degree);
  subTwice(x3, x1, x2, x3, degree);
  differ(x1, x3, y3, degree);
  mulCoordinate(slope, y3, y3, degree);
  subCoordinate(y3, y1, y3, degree);
  if (special) replace(i, degree);
  const p0 = address(out, i);
  const p1 = address(out, min(i + 1, last));
  const p2 = address(out, min(i + 2, last));
  const p3 = address(out, min(i + 3, last));
  const y = <usize>degree * WORDS;
  storeCoordinate(x3, p0, p1, p2, p3, degree);
  storeCoordinate(y3, p0 + y, p1 + y, p2 + y, p3 + y, degree);
}

/** The numerator 3x² for the lanes that are doubled. */
function takeTangents(i: usize, degree: i32): void {
  const tangent = roomAt(TANGENT);
  squareCoordinate(roomAt(X1), tangent, degree);
  addCoordinate(tangent, tangent, roomAt(X3), degree);
  addCoordinate(tangent, roomAt(X3), tangent, degree);
  for (let lane = 0; lane < 4; lane++) {
    if (load<u8>(roomAt(KINDS) + i + <usize>lane) === DOUBLED) {
      copyCoordinateLane(tangent, lane, roomAt(SLOPE), degree);
    }
  }
}

/** Puts the operand or infinity where the sum is one of them. */
function replace(i: usize, degree: i32): void {
  const zero = roomAt(ONE_LANE);
  memory.fill(zero, 0, <usize>degree * QUAD);
  // what was negated is brought below 1.001 p; zero stays zero only in x
  addCoordinate(roomAt(Y1), zero, roomAt(Y1), degree);
  addCoordinate(roomAt(Y2), zero, roomAt(Y2), degree);
  for (let lane = 0; lane < 4; lane++) {
    const kind = load<u8>(roomAt(KINDS) + i + <usize>lane);
    if (kind === LEFT) take(roomAt(X1), roomAt(Y1), lane, degree);
    else if (kind === RIGHT) take(roomAt(X2), roomAt(Y2), lane, degree);
    else if (kind === INFINITE) take(zero, zero, lane, degree);
  }
}

function take(x: usize, y: usize, lane: i32, degree: i32): void {
  copyCoordinateLane(x, lane, roomAt(X3), degree);
  copyCoordinateLane(y, lane, roomAt(Y3), degree);
}
