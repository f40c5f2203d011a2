/**
 * Multiplies and adds in registers and touches no memory: what any scan must spend on its products with the instruction
 * that it uses, and so the measure beside which a batch's operations per second are put. Twelve chains are under way at a
 * time, each product of one depending on its last sum, so that none can be left out or computed once for all.
 */

/**
 * @param steps twelve products of eight pairs, and their sums, each
 * @returns a number made of all sums
 */
export function multiplyThrough(steps: i32): i32 {
  const x = i16x8(1, 3, -5, 7, -9, 11, -13, 15);
  let a = i32x4.splat(1);
  let b = i32x4.splat(2);
  let c = i32x4.splat(3);
  let d = i32x4.splat(4);
  let e = i32x4.splat(5);
  let f = i32x4.splat(6);
  let g = i32x4.splat(7);
  let h = i32x4.splat(8);
  let i = i32x4.splat(9);
  let j = i32x4.splat(10);
  let k = i32x4.splat(11);
  let l = i32x4.splat(12);
  for (let step = 0; step < steps; step++) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(a, x));
    b = i32x4.add(b, i32x4.dot_i16x8_s(b, x));
    c = i32x4.add(c, i32x4.dot_i16x8_s(c, x));
    d = i32x4.add(d, i32x4.dot_i16x8_s(d, x));
    e = i32x4.add(e, i32x4.dot_i16x8_s(e, x));
    f = i32x4.add(f, i32x4.dot_i16x8_s(f, x));
    g = i32x4.add(g, i32x4.dot_i16x8_s(g, x));
    h = i32x4.add(h, i32x4.dot_i16x8_s(h, x));
    i = i32x4.add(i, i32x4.dot_i16x8_s(i, x));
    j = i32x4.add(j, i32x4.dot_i16x8_s(j, x));
    k = i32x4.add(k, i32x4.dot_i16x8_s(k, x));
    l = i32x4.add(l, i32x4.dot_i16x8_s(l, x));
  }
  a = v128.xor(v128.xor(v128.xor(a, b), v128.xor(c, d)), v128.xor(e, f));
  g = v128.xor(v128.xor(v128.xor(g, h), v128.xor(i, j)), v128.xor(k, l));
  a = v128.xor(a, g);
  return i32x4.extract_lane(a, 0) ^ i32x4.extract_lane(a, 1) ^ i32x4.extract_lane(a, 2) ^ i32x4.extract_lane(a, 3);
}
