/**
 * One window of a multi-scalar multiplication (Pippenger): the points are sorted by the size of their digit, each bucket
 * is summed as a tree, and the buckets' weighted sum follows. All buckets' trees grow level by level together, so that a
 * batch always has thousands of independent additions, whatever the digits are: one bucket that holds all points is as
 * good as many small ones, and no addition waits for another.
 * The trap: the results of one level are operands of the next, so a level's batches are all done before the next begins.
 *
 * Room of the caller for a window of `count` points: see `windowBytes`.
 */
import { QUAD, WORDS } from './field';
import { addPairs, mostPairs } from './pairs';
import {
  addProjective,
  broadcastLane,
  loadAffine,
  loadProjective,
  PROJECTIVE_END,
  projectiveBytes,
  setInfinity,
  storeAffineKey,
  storeProjective,
} from './projective';
import { roomAt } from './room';
import { digitAt, digitCount, isNegative, windowCount } from './scalars';

const POINT: usize = 6 * QUAD;
const RUNNING: usize = PROJECTIVE_END;
const TOTAL: usize = RUNNING + POINT;
const NEXT: usize = TOTAL + POINT;
const BEFORE: usize = NEXT + POINT;
const LANE: usize = BEFORE + POINT;

/** Bytes of work for a window of at most `count` digits of `width` bits that are not zero. */
export function windowBytes(count: usize, width: i32, degree: i32): usize {
  const buckets = ((<usize>1) << (<usize>(width - 1))) + 1;
  const lists: usize = mostPairs(degree) * 12;
  return ((lists + buckets * 8 + count * 4 + 63) & ~63) + count * <usize>(2 * degree) * WORDS;
}

/**
 * Σ digit·point over the points [0, count), for one digit of each, or for one of each half.
 * @param points  affine points in words, and `turned` their images where scalars are split (see `endomorphism.ts`)
 * @param terms   into how many scalars are split: 1 or 2
 * @param recoded scalars, and `counts` their bytes (see `scalars.ts`)
 * @param work    windowBytes(digits that are not zero, width, degree) bytes, a multiple of 16
 * @param result  X, Y, Z in words
 */
export function sumWindow(
  points: usize,
  turned: usize,
  terms: i32,
  recoded: usize,
  counts: usize,
  count: usize,
  window: i32,
  width: i32,
  degree: i32,
  work: usize,
  result: usize,
): void {
  const buckets: usize = (<usize>1) << (<usize>(width - 1));
  const left = work;
  const lengths = left + 3 * 4 * mostPairs(degree);
  const starts = lengths + 4 * (buckets + 1);
  const references = starts + 4 * (buckets + 1);
  const found = sort(points, turned, terms, recoded, counts, count, window, width, degree, lengths, starts, references);
  const sums = (references + 4 * found + 63) & ~63;
  addLevels(left, lengths, starts, references, buckets, degree, sums);
  weigh(lengths, starts, references, width, degree, result);
}

/** Sorts references to points by bucket: `starts` and `lengths` of each bucket's part of `references`; gives their number. */
function sort(
  points: usize,
  turned: usize,
  terms: i32,
  recoded: usize,
  counts: usize,
  count: usize,
  window: i32,
  width: i32,
  degree: i32,
  lengths: usize,
  starts: usize,
  references: usize,
): usize {
  const windows = windowCount(width, terms);
  const buckets = (<usize>1) << (<usize>(width - 1));
  const pointBytes = <usize>(2 * degree) * WORDS;
  const digits = count * <usize>terms;
  const bytes = WORDS / <usize>terms;
  const bits = <i32>bytes * 8;
  memory.fill(lengths, 0, 4 * (buckets + 1));
  for (let i: usize = 0; i < digits; i++) {
    if (digitCount(load<u8>(counts + i)) <= window) continue;
    const at = lengths + ((<usize>abs(digitAt(recoded + i * bytes, window, width, windows, bits))) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let next: u32 = 0;
  for (let bucket: usize = 1; bucket <= buckets; bucket++) {
    store<u32>(starts + (bucket << 2), next);
    next += load<u32>(lengths + (bucket << 2));
  }
  memory.fill(lengths, 0, 4 * (buckets + 1));
  for (let i: usize = 0; i < digits; i++) {
    const byte = load<u8>(counts + i);
    if (digitCount(byte) <= window) continue;
    const digit = digitAt(recoded + i * bytes, window, width, windows, bits);
    if (digit === 0) continue;
    const bucket = (<usize>abs(digit)) << 2;
    const filled = load<u32>(lengths + bucket);
    const place = load<u32>(starts + bucket) + filled;
    store<u32>(lengths + bucket, filled + 1);
    const negated = isNegative(byte) !== digit < 0;
    const point = terms === 1 ? points + i * pointBytes : ((i & 1) === 0 ? points : turned) + (i >> 1) * pointBytes;
    store<u32>(references + ((<usize>place) << 2), <u32>point | <u32>negated);
  }
  return <usize>next;
}

/** Adds pairs within buckets, level by level, until none holds more than one. */
function addLevels(
  left: usize,
  lengths: usize,
  starts: usize,
  references: usize,
  buckets: usize,
  degree: i32,
  sums: usize,
): void {
  const most = mostPairs(degree);
  const right = left + 4 * most;
  const out = right + 4 * most;
  const pointBytes = <usize>(2 * degree) * WORDS;
  let free = sums;
  let waiting: usize = 0;
  for (let more = true; more; ) {
    more = false;
    for (let bucket: usize = 1; bucket <= buckets; bucket++) {
      const length = <usize>load<u32>(lengths + (bucket << 2));
      if (length < 2) continue;
      const first = references + ((<usize>load<u32>(starts + (bucket << 2))) << 2);
      const pairs = length >> 1;
      for (let pair: usize = 0; pair < pairs; pair++) {
        store<u32>(left + (waiting << 2), load<u32>(first + (pair << 3)));
        store<u32>(right + (waiting << 2), load<u32>(first + (pair << 3), 4));
        store<u32>(out + (waiting << 2), <u32>free);
        store<u32>(first + (pair << 2), <u32>free);
        free += pointBytes;
        waiting++;
        if (waiting === most) {
          addPairs(left, right, out, waiting, degree);
          waiting = 0;
        }
      }
      if ((length & 1) !== 0) store<u32>(first + (pairs << 2), load<u32>(first + ((length - 1) << 2)));
      const rest = pairs + (length & 1);
      store<u32>(lengths + (bucket << 2), <u32>rest);
      if (rest > 1) more = true;
    }
    if (waiting > 0) addPairs(left, right, out, waiting, degree);
    waiting = 0;
  }
}

/** The reference of a bucket's sum; 0 when it is empty. */
function bucketSum(lengths: usize, starts: usize, references: usize, bucket: usize): u32 {
  if (load<u32>(lengths + (bucket << 2)) === 0) return 0;
  return load<u32>(references + ((<usize>load<u32>(starts + (bucket << 2))) << 2));
}

/**
 * Σ bucket·sum. Each lane takes a quarter of the buckets from its highest down: `running` sums what has come, `total`
 * sums `running`, so a bucket is counted as often as its number within the quarter; then each quarter's sum is added as
 * often as there are buckets before it.
 */
function weigh(lengths: usize, starts: usize, references: usize, width: i32, degree: i32, result: usize): void {
  const running = roomAt(RUNNING);
  const total = roomAt(TOTAL);
  const next = roomAt(NEXT);
  const quarter = (<usize>1) << (<usize>(width - 3));
  setInfinity(running, degree);
  setInfinity(total, degree);
  for (let k = quarter; k > 0; k--) {
    const r0 = bucketSum(lengths, starts, references, k);
    const r1 = bucketSum(lengths, starts, references, quarter + k);
    const r2 = bucketSum(lengths, starts, references, 2 * quarter + k);
    const r3 = bucketSum(lengths, starts, references, 3 * quarter + k);
    if ((r0 | r1 | r2 | r3) !== 0) {
      loadAffine(r0, r1, r2, r3, next, degree);
      addProjective(running, next, running, degree);
    }
    addProjective(total, running, total, degree);
  }
  // one lane's sums, from here on in all lanes: 3·S₃ + 2·S₂ + S₁
  const before = roomAt(BEFORE);
  const lane = roomAt(LANE);
  broadcastLane(running, 3, next, degree);
  memory.copy(before, next, projectiveBytes(degree));
  for (let l = 2; l > 0; l--) {
    broadcastLane(running, l, lane, degree);
    addProjective(next, lane, next, degree);
    addProjective(before, next, before, degree);
  }
  for (let i = 3; i < width; i++) addProjective(before, before, before, degree);
  for (let l = 0; l < 4; l++) {
    broadcastLane(total, l, lane, degree);
    addProjective(before, lane, before, degree);
  }
  storeProjective(before, result, degree);
}

/**
 * Σ 2^(width·window)·(the window's sums), as an affine point in a key's form.
 * @param sums  X, Y, Z in words: `parts` of window 0, then of window 1 …
 * @param out   2 · degree · 32 bytes
 */
export function combineWindows(sums: usize, windows: i32, parts: i32, width: i32, degree: i32, out: usize): void {
  const total = roomAt(TOTAL);
  const next = roomAt(NEXT);
  const bytes = <usize>(3 * degree) * WORDS;
  setInfinity(total, degree);
  for (let window = windows - 1; window >= 0; window--) {
    for (let i = 0; i < width; i++) addProjective(total, total, total, degree);
    for (let part = 0; part < parts; part++) {
      loadProjective(sums + <usize>(window * parts + part) * bytes, next, degree);
      addProjective(total, next, total, degree);
    }
  }
  storeAffineKey(total, out, degree);
}
