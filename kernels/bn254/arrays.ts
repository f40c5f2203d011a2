/**
 * Operations on arrays of elements in words (`field.ts`), four at a time. `out` may be an operand itself; otherwise
 * arrays must not overlap. Results are below 2.4 p, in sums and differences below 1.001 p.
 * The trap: a tail of fewer than four takes its last element several times, which is harmless because equal results go
 * to the same address.
 */
import {
  add,
  canonical,
  FROM_INTEGER,
  FROM_KEY,
  invert,
  isZero,
  load4,
  maybeZero,
  mul,
  ONE,
  QUAD,
  reduce,
  square,
  store4,
  sub,
  TO_INTEGER,
  TO_KEY,
  WORDS,
} from './field';
import { roomAt } from './room';

const A: usize = 0;
const B: usize = QUAD;
const C: usize = 2 * QUAD;
const TO_INVERT: usize = 3 * QUAD;
const INVERSION: usize = 4 * QUAD;

function loadAt(array: usize, i: usize, count: usize, out: usize): void {
  const last = count - 1;
  load4(
    array + i * WORDS,
    array + min(i + 1, last) * WORDS,
    array + min(i + 2, last) * WORDS,
    array + min(i + 3, last) * WORDS,
    out,
  );
}

function storeAt(a: usize, array: usize, i: usize, count: usize): void {
  const last = count - 1;
  store4(
    a,
    array + i * WORDS,
    array + min(i + 1, last) * WORDS,
    array + min(i + 2, last) * WORDS,
    array + min(i + 3, last) * WORDS,
  );
}

/** out[i] = a[i] · b[i]. */
export function mulArray(a: usize, b: usize, out: usize, count: usize, field: usize): void {
  for (let i: usize = 0; i < count; i += 4) {
    loadAt(a, i, count, roomAt(A));
    loadAt(b, i, count, roomAt(B));
    mul(roomAt(A), roomAt(B), roomAt(A), field);
    storeAt(roomAt(A), out, i, count);
  }
}

/** out[i] = a[i]². */
export function squareArray(a: usize, out: usize, count: usize, field: usize): void {
  for (let i: usize = 0; i < count; i += 4) {
    loadAt(a, i, count, roomAt(A));
    square(roomAt(A), roomAt(A), field);
    storeAt(roomAt(A), out, i, count);
  }
}

/** out[i] = a[i] + b[i]. */
export function addArray(a: usize, b: usize, out: usize, count: usize, field: usize): void {
  for (let i: usize = 0; i < count; i += 4) {
    loadAt(a, i, count, roomAt(A));
    loadAt(b, i, count, roomAt(B));
    add(roomAt(A), roomAt(B), roomAt(A));
    reduce(roomAt(A), roomAt(A), field);
    storeAt(roomAt(A), out, i, count);
  }
}

/** out[i] = a[i] − b[i]. */
export function subArray(a: usize, b: usize, out: usize, count: usize, field: usize): void {
  for (let i: usize = 0; i < count; i += 4) {
    loadAt(a, i, count, roomAt(A));
    loadAt(b, i, count, roomAt(B));
    reduce(roomAt(B), roomAt(B), field);
    sub(roomAt(A), roomAt(B), roomAt(A), field);
    reduce(roomAt(A), roomAt(A), field);
    storeAt(roomAt(A), out, i, count);
  }
}

/** out[i] = a[i] · factor, for one factor in words. */
export function scaleArray(a: usize, factor: usize, out: usize, count: usize, field: usize): void {
  load4(factor, factor, factor, factor, roomAt(B));
  scale(a, roomAt(B), out, count, field);
}

function scale(a: usize, factor: usize, out: usize, count: usize, field: usize): void {
  for (let i: usize = 0; i < count; i += 4) {
    loadAt(a, i, count, roomAt(A));
    mul(roomAt(A), factor, roomAt(A), field);
    reduce(roomAt(A), roomAt(A), field);
    canonical(roomAt(A), roomAt(A), field);
    storeAt(roomAt(A), out, i, count);
  }
}

/** Words of a key's form (radix 2²⁵⁶) to ours. Zero stays all zero bytes, also in the next three. */
export function fromKey(a: usize, out: usize, count: usize, field: usize): void {
  scale(a, field + FROM_KEY, out, count, field);
}

/** To the form of keys, canonical. */
export function toKey(a: usize, out: usize, count: usize, field: usize): void {
  scale(a, field + TO_KEY, out, count, field);
}

/** From integers below 2²⁵⁶. */
export function fromInteger(a: usize, out: usize, count: usize, field: usize): void {
  scale(a, field + FROM_INTEGER, out, count, field);
}

/** To integers below p. */
export function toInteger(a: usize, out: usize, count: usize, field: usize): void {
  scale(a, field + TO_INTEGER, out, count, field);
}

/**
 * out[i] = a[i]⁻¹ by Montgomery's trick, four chains of products side by side; of zero, zero. `out` must not be `a`.
 */
export function invertArray(a: usize, out: usize, count: usize, field: usize): void {
  if (count === 0) return;
  const running = roomAt(C);
  memory.copy(running, field + ONE, QUAD);
  // out[i] holds the product of what comes before i in its chain
  for (let i: usize = 0; i < count; i += 4) {
    storeAt(running, out, i, count);
    loadNonZero(a, i, count, field);
    mul(running, roomAt(A), running, field);
  }
  invert(running, roomAt(TO_INVERT), field, roomAt(INVERSION));
  memory.copy(running, roomAt(TO_INVERT), QUAD);
  for (let end: usize = (count + 3) & ~3; end > 0; end -= 4) {
    const i = end - 4;
    const zeros = loadNonZero(a, i, count, field);
    loadAt(out, i, count, roomAt(B));
    mul(roomAt(B), running, roomAt(B), field);
    mul(running, roomAt(A), running, field);
    storeAt(roomAt(B), out, i, count);
    for (let lane: usize = 0; lane < 4 && i + lane < count; lane++) {
      if ((zeros >> <i32>lane) & 1) memory.fill(out + (i + lane) * WORDS, 0, WORDS);
    }
  }
}

/** Loads into A, one in place of zeros; gives the zeros' bits. */
function loadNonZero(a: usize, i: usize, count: usize, field: usize): i32 {
  loadAt(a, i, count, roomAt(A));
  reduce(roomAt(A), roomAt(A), field);
  const suspects = maybeZero(roomAt(A), field);
  let zeros = 0;
  if (suspects !== 0) {
    for (let lane = 0; lane < 4; lane++) {
      if (((suspects >> lane) & 1) === 0 || !isZero(roomAt(A), lane, field)) continue;
      zeros |= 1 << lane;
      for (let limb: usize = 0; limb < QUAD; limb += 16) {
        const at = limb + ((<usize>lane) << 2);
        store<u32>(roomAt(A) + at, load<u32>(field + at, ONE));
      }
    }
  }
  return zeros;
}
