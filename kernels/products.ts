/**
 * Inner products of int8 rows with int16 queries, in AssemblyScript (WebAssembly SIMD): `i32x4.dot_i16x8_s` multiplies
 * eight pairs and adds neighbours, so eight columns cost one widening load, one product and one sum. Four rows meet two
 * queries at a time: every loaded query serves four rows, every widened row two queries, and the eight sums stay in the
 * fifteen vector registers that V8 hands out.
 * The bounds: |row| ≤ 128, |query| ≤ 32767 and at most 512 columns keep every sum within 128·32767·512 < 2³¹, so int32
 * is exact. The trap: rows lie without gaps, so the last step of a row reads into the next one; the queries are zero
 * there, and the memory behind the last row must be readable.
 *
 * A query lies as its columns in groups of eight, padded with zeros to a multiple of sixteen; two queries lie with their
 * groups in turn, so that one address serves both.
 */

/**
 * scores[q·stride + r] = ⟨row r, query q⟩ for all queries.
 * @param rows     address of count × width int8; 3·width + 16 bytes behind them are read, too
 * @param count    rows
 * @param width    columns of a row, at most 512
 * @param queries  address of the packed queries: pairs first, the odd one last
 * @param number   queries
 * @param scores   address of number × stride int32
 * @param stride   count rounded up to a multiple of four; the scores between are meaningless
 */
export function products(
  rows: usize,
  count: i32,
  width: i32,
  queries: usize,
  number: i32,
  scores: usize,
  stride: i32,
): void {
  const steps = (width + 15) >> 4;
  let query = queries;
  let out = scores;
  for (let pair = 0; pair < number >> 1; pair++) {
    for (let r = 0; r < count; r += 4) {
      fourByTwo(rows + <usize>r * width, width, steps, query, out + ((<usize>r) << 2), (<usize>stride) << 2);
    }
    query += (<usize>steps) << 6;
    out += (<usize>stride) << 3;
  }
  if ((number & 1) === 0) return;
  for (let r = 0; r < count; r += 4) {
    fourByOne(rows + <usize>r * width, width, steps, query, out + ((<usize>r) << 2));
  }
}

function fourByTwo(rows: usize, width: usize, steps: i32, query: usize, out: usize, stride: usize): void {
  let a = rows;
  let b = a + width;
  let c = b + width;
  let d = c + width;
  let a0 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let c0 = i32x4.splat(0);
  let d0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let b1 = i32x4.splat(0);
  let c1 = i32x4.splat(0);
  let d1 = i32x4.splat(0);
  for (let step = steps; step !== 0; step--) {
    let p = v128.load(query);
    let q = v128.load(query, 16);
    let x = v128.load_ext<i8>(a);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, p));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(b);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, p));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(c);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, p));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(d);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, p));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, q));
    p = v128.load(query, 32);
    q = v128.load(query, 48);
    x = v128.load_ext<i8>(a, 8);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, p));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(b, 8);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, p));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(c, 8);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, p));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, q));
    x = v128.load_ext<i8>(d, 8);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, p));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, q));
    a += 16;
    b += 16;
    c += 16;
    d += 16;
    query += 64;
  }
  v128.store(out, sumsOf(a0, b0, c0, d0));
  v128.store(out + stride, sumsOf(a1, b1, c1, d1));
}

function fourByOne(rows: usize, width: usize, steps: i32, query: usize, out: usize): void {
  let a = rows;
  let b = a + width;
  let c = b + width;
  let d = c + width;
  let a0 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let c0 = i32x4.splat(0);
  let d0 = i32x4.splat(0);
  for (let step = steps; step !== 0; step--) {
    let p = v128.load(query);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load_ext<i8>(a), p));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v128.load_ext<i8>(b), p));
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load_ext<i8>(c), p));
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(d), p));
    p = v128.load(query, 16);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 8), p));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v128.load_ext<i8>(b, 8), p));
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load_ext<i8>(c, 8), p));
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(d, 8), p));
    a += 16;
    b += 16;
    c += 16;
    d += 16;
    query += 32;
  }
  v128.store(out, sumsOf(a0, b0, c0, d0));
}

/** The sums over the lanes of four vectors, as the lanes of one: a transposition of 4 × 4 and three additions. */
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}
