/**
 * Reads memory and does as little as possible with it: what any scan of the same bytes must spend, and so the measure
 * beside which a scan's bytes per second are put. Eight loads are under way at a time.
 */

/**
 * The exclusive or of all 64-bit words, so that no load can be left out.
 * @param bytes a multiple of 128
 */
export function readThrough(address: usize, bytes: usize): i64 {
  const end = address + bytes;
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  let c = i64x2.splat(0);
  let d = i64x2.splat(0);
  for (let at = address; at < end; at += 128) {
    a = v128.xor(a, v128.xor(v128.load(at), v128.load(at, 64)));
    b = v128.xor(b, v128.xor(v128.load(at, 16), v128.load(at, 80)));
    c = v128.xor(c, v128.xor(v128.load(at, 32), v128.load(at, 96)));
    d = v128.xor(d, v128.xor(v128.load(at, 48), v128.load(at, 112)));
  }
  const all = v128.xor(v128.xor(a, b), v128.xor(c, d));
  return i64x2.extract_lane(all, 0) ^ i64x2.extract_lane(all, 1);
}
