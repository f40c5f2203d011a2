/**
 * Number-theoretic transforms of n = 2^L elements over the scalar field, in place on quads: from values on the n-th roots
 * of unity down to coefficients, times powers of a shift, and up to values on the shifted roots. A transform is cut into
 * rows of n/2^k elements that fit a core's cache: the levels whose butterflies span rows go strip of columns by strip, the
 * others row by row, and since down ends and up begins within a row, a row goes all the way at once. So the data passes
 * through a core three times, and strips and rows are what threads share out.
 *
 * Element e lies in lane e mod 4 of quad ⌊e/4⌋. The lowest level (four neighbours) would work across lanes; there sixteen
 * elements are transposed, and back after the way up, so the factors between are those of the transposed places.
 * Roots: of the level that joins `size` elements the powers w^j, w^2j, w^3j (w of order `size`, j < size/4), one array
 * after the other, the largest level first; when L is odd a level of radix 2 (w^j, j < n/2) goes before them.
 * The trap: rows are an even power of two, at least 16, so that the odd level is always among the columns.
 */
import { down2, down4, down4Ones, up2, up4, up4Ones } from './butterflies';
import { mul, QUAD, R } from './field';

/** Bytes of so many elements, a multiple of four. */
function bytesOf(elements: usize): usize {
  return elements * 36;
}

/** Elements of the first level of radix 4. */
function fourLevels(log: i32): usize {
  return (<usize>1) << (log & ~1);
}

/** Roots of the level of that size. */
function rootsOf(roots: usize, log: i32, size: usize): usize {
  const odd = (log & 1) === 0 ? <usize>0 : bytesOf((<usize>1) << (log - 1));
  return roots + odd + bytesOf(fourLevels(log) - size);
}

/** The levels down that span rows, for `count` quads of columns from quad `column` on. */
export function downColumns(
  data: usize,
  log: i32,
  logRow: i32,
  column: usize,
  count: usize,
  roots: usize,
  constants: usize,
): void {
  const n: usize = (<usize>1) << log;
  const row = bytesOf((<usize>1) << logRow);
  const from = column * QUAD;
  const bytes = count * QUAD;
  if ((log & 1) !== 0) {
    const half = bytesOf(n >> 1);
    for (let r: usize = 0; r < half; r += row) {
      for (let at = r + from; at < r + from + bytes; at += QUAD) down2(data + at, data + half + at, roots + at);
    }
  }
  for (let size = fourLevels(log); size >> logRow > 1; size >>= 2) {
    const quarter = bytesOf(size >> 2);
    const w = rootsOf(roots, log, size);
    for (let block = data; block < data + bytesOf(n); block += quarter << 2) {
      for (let r: usize = 0; r < quarter; r += row) {
        for (let at = r + from; at < r + from + bytes; at += QUAD) downAt(block + at, quarter, w + at, constants);
      }
    }
  }
}

/** The levels up that span rows; see `downColumns`. */
export function upColumns(
  data: usize,
  log: i32,
  logRow: i32,
  column: usize,
  count: usize,
  roots: usize,
  constants: usize,
): void {
  const n: usize = (<usize>1) << log;
  const row = bytesOf((<usize>1) << logRow);
  const from = column * QUAD;
  const bytes = count * QUAD;
  for (let size: usize = (<usize>4) << logRow; size <= fourLevels(log); size <<= 2) {
    const quarter = bytesOf(size >> 2);
    const w = rootsOf(roots, log, size);
    for (let block = data; block < data + bytesOf(n); block += quarter << 2) {
      for (let r: usize = 0; r < quarter; r += row) {
        for (let at = r + from; at < r + from + bytes; at += QUAD) upAt(block + at, quarter, w + at, constants);
      }
    }
  }
  if ((log & 1) === 0) return;
  const half = bytesOf(n >> 1);
  for (let r: usize = 0; r < half; r += row) {
    for (let at = r + from; at < r + from + bytes; at += QUAD) up2(data + at, data + half + at, roots + at);
  }
}

/**
 * One row all the way down, times its factors, and up again.
 * @param row     address of the row's first quad
 * @param factors address of the row's factors
 */
export function turnRow(
  row: usize,
  log: i32,
  logRow: i32,
  factors: usize,
  downRoots: usize,
  upRoots: usize,
  downConstants: usize,
  upConstants: usize,
): void {
  const all: usize = (<usize>1) << logRow;
  const end = row + bytesOf(all);
  for (let size = all; size > 4; size >>= 2) {
    const quarter = bytesOf(size >> 2);
    const w = rootsOf(downRoots, log, size);
    for (let block = row; block < end; block += quarter << 2) {
      for (let at: usize = 0; at < quarter; at += QUAD) downAt(block + at, quarter, w + at, downConstants);
    }
  }
  for (let at: usize = 0; at < bytesOf(all); at += 4 * QUAD) {
    turnSixteen(row + at, factors + at, downConstants, upConstants);
  }
  for (let size: usize = 16; size <= all; size <<= 2) {
    const quarter = bytesOf(size >> 2);
    const w = rootsOf(upRoots, log, size);
    for (let block = row; block < end; block += quarter << 2) {
      for (let at: usize = 0; at < quarter; at += QUAD) upAt(block + at, quarter, w + at, upConstants);
    }
  }
}

function downAt(a: usize, quarter: usize, w: usize, constants: usize): void {
  down4(a, a + quarter, a + 2 * quarter, a + 3 * quarter, w, w + quarter, w + 2 * quarter, constants);
}

function upAt(a: usize, quarter: usize, w: usize, constants: usize): void {
  up4(a, a + quarter, a + 2 * quarter, a + 3 * quarter, w, w + quarter, w + 2 * quarter, constants);
}

function turnSixteen(a: usize, factors: usize, downConstants: usize, upConstants: usize): void {
  const b = a + QUAD;
  const c = a + 2 * QUAD;
  const d = a + 3 * QUAD;
  transpose(a);
  down4Ones(a, b, c, d, downConstants);
  for (let at: usize = 0; at < 4 * QUAD; at += QUAD) mul(a + at, factors + at, a + at, R);
  up4Ones(a, b, c, d, upConstants);
  transpose(a);
}

/** Lane l of quad k becomes lane k of quad l. */
function transpose(quads: usize): void {
  for (let at = quads; at < quads + QUAD; at += 16) {
    const a = v128.load(at);
    const b = v128.load(at, 144);
    const c = v128.load(at, 288);
    const d = v128.load(at, 432);
    const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    const CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    v128.store(at, v128.shuffle<u32>(ab, cd, 0, 1, 4, 5));
    v128.store(at, v128.shuffle<u32>(ab, cd, 2, 3, 6, 7), 144);
    v128.store(at, v128.shuffle<u32>(AB, CD, 0, 1, 4, 5), 288);
    v128.store(at, v128.shuffle<u32>(AB, CD, 2, 3, 6, 7), 432);
  }
}
