/**
 * Both prime fields of BN254 (p is the base field's q or the scalar field's r), four elements at once in SIMD lanes.
 *
 * Two forms of an element a, both a·2²⁶¹ mod p (Montgomery's form with our radix), as any representative below a bound:
 *   words  32 bytes, little-endian, below 2²⁵⁶. How arrays lie in memory.
 *   quad   144 bytes for four elements: nine vectors, vector i holds limb i (29 bits, 32-bit lanes) of all four.
 * Why 29 bits and 32 × 32 → 64 bit products: a column of a product sums eighteen of them below 2⁶⁴, so that no carry
 * is made before a row is done (32-bit limbs need one after every product), and one SIMD instruction makes two products.
 * Bounds: `mul` and `square` take values whose product is below 64 p² with limbs below 2³⁰ and give less than 2.4 p,
 * normalised (limbs below 2²⁹); `add` gives a + b; `sub` gives a + 4p − b; `negate` gives 3p − a for a below 2.4 p;
 * `reduce` takes values below 16p and gives less than 1.001 p, normalised; `load4` and `store4` take four addresses.
 * The trap: `sub` needs b below 3p, and storing words needs a value below 2²⁵⁶ = 5.29 p: reduce sums of sums.
 *
 * `field` is the table of a prime: Q or R.
 */
import { EXPONENT, MODULUS, mul, ONE, square } from './product.generated';

export {
  add,
  BETA,
  FROM_INTEGER,
  FROM_KEY,
  load4,
  mul,
  negate,
  ONE,
  Q,
  R,
  reduce,
  square,
  store4,
  sub,
  TO_INTEGER,
  TO_KEY,
  TWIST,
} from './product.generated';

/** Bytes of four elements in limbs. */
export const QUAD: usize = 144;
/** Bytes of an element in words. */
export const WORDS: usize = 32;

const WIDTH: i32 = 29;
const MASK: i32 = (1 << 29) - 1;

/**
 * Lanes that may be zero, one bit each: those whose low limb is that of 0 or p. Every zero is among them; of others, one
 * in 2²⁸. For reduced elements.
 */
export function maybeZero(a: usize, field: usize): i32 {
  const low = v128.load(a);
  const modulus = v128.load(field, MODULUS);
  return i32x4.bitmask(v128.or(i32x4.eq(low, i32x4.splat(0)), i32x4.eq(low, modulus)));
}

/** Whether one lane of a reduced element is zero. */
export function isZero(a: usize, lane: i32, field: usize): bool {
  const shift = (<usize>lane) << 2;
  let differsFromZero: u32 = 0;
  let differsFromModulus: u32 = 0;
  for (let i: usize = 0; i < QUAD; i += 16) {
    const limb = load<u32>(a + i + shift);
    differsFromZero |= limb;
    differsFromModulus |= limb ^ load<u32>(field + i, MODULUS);
  }
  return differsFromZero === 0 || differsFromModulus === 0;
}

/** Takes the lowest representative of reduced lanes: below p. */
export function canonical(a: usize, out: usize, field: usize): void {
  const mask = i32x4.splat(MASK);
  let borrow = i32x4.splat(0);
  for (let i: usize = 0; i < QUAD; i += 16) {
    borrow = i32x4.shr_s(i32x4.add(i32x4.sub(v128.load(a + i), v128.load(field + i, MODULUS)), borrow), WIDTH);
  }
  // minus one where a < p
  const subtracted = v128.not(borrow);
  let carry = i32x4.splat(0);
  for (let i: usize = 0; i < QUAD; i += 16) {
    const limb = i32x4.add(i32x4.sub(v128.load(a + i), v128.and(subtracted, v128.load(field + i, MODULUS))), carry);
    v128.store(out + i, v128.and(limb, mask));
    carry = i32x4.shr_s(limb, WIDTH);
  }
}

/** out = a. */
export function copy(a: usize, out: usize): void {
  memory.copy(out, a, QUAD);
}

/** Copies one lane. */
export function copyLane(a: usize, lane: i32, out: usize): void {
  const shift = (<usize>lane) << 2;
  for (let i: usize = 0; i < QUAD; i += 16) store<u32>(out + i + shift, load<u32>(a + i + shift));
}

/** out = 1 in all lanes. */
export function setOne(out: usize, field: usize): void {
  copy(field + ONE, out);
}

/**
 * out = a⁻¹ in every lane, by Fermat (a^(p−2)); of zero, zero. Needs 17 quads of room.
 * @param room address of 17 × QUAD bytes that overlap neither a nor out
 */
export function invert(a: usize, out: usize, field: usize, room: usize): void {
  setOne(room, field);
  for (let i: usize = 1; i < 16; i++) mul(room + (i - 1) * QUAD, a, room + i * QUAD, field);
  const result = room + 16 * QUAD;
  setOne(result, field);
  for (let digit: i32 = 63; digit >= 0; digit--) {
    for (let i = 0; i < 4; i++) square(result, result, field);
    const word = load<u32>(field + EXPONENT + ((<usize>digit >> 3) << 2));
    const value = <usize>((word >> ((<u32>digit & 7) << 2)) & 15);
    if (value !== 0) mul(result, room + value * QUAD, result, field);
  }
  copy(result, out);
}
