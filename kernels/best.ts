/**
 * The best rows of each query so far: a heap whose root is the worst that is kept, the lowest score and among equal
 * scores the highest row number, so that ties are broken by row number whatever the order of arrival. The root's score
 * is a threshold for four scores at a time; after a short while almost none passes.
 * The trap: a score equal to the threshold can still win by its row number if rows do not come in ascending order, so
 * what passes is compared again, exactly.
 *
 * A heap lies as [kept: i32, capacity: i32], then `capacity` pairs [score: i32, row: u32].
 */

/**
 * Offers the scores of `count` consecutive rows.
 * @param scores   address of int32 scores; the vector that holds the last one is read whole
 * @param firstRow number of the first row
 * @param removed  address of bits, row r's is bit r % 8 of byte r / 8, 1 for rows that may not be answered; 0 for none
 * @param heap     address of the heap
 */
export function offer(scores: usize, count: i32, firstRow: u32, removed: usize, heap: usize): void {
  const capacity = load<i32>(heap, 4);
  let bar = threshold(heap, capacity);
  for (let r = 0; r < count; r += 4) {
    const four = v128.load(scores + ((<usize>r) << 2));
    if (!v128.any_true(i32x4.ge_s(four, i32x4.splat(bar)))) continue;
    const end = min(r + 4, count);
    for (let i = r; i < end; i++) {
      const score = load<i32>(scores + ((<usize>i) << 2));
      if (score < bar) continue;
      if (removed !== 0 && ((load<u8>(removed + (<usize>i >> 3)) >> (<u8>i & 7)) & 1) !== 0) continue;
      insert(heap, capacity, score, firstRow + i);
      bar = threshold(heap, capacity);
    }
  }
}

/** What a score must reach to be kept. */
function threshold(heap: usize, capacity: i32): i32 {
  return load<i32>(heap) < capacity ? i32.MIN_VALUE : load<i32>(heap, 8);
}

function worse(scoreA: i32, rowA: u32, scoreB: i32, rowB: u32): bool {
  return scoreA < scoreB || (scoreA === scoreB && rowA > rowB);
}

function insert(heap: usize, capacity: i32, score: i32, row: u32): void {
  const pairs = heap + 8;
  const kept = load<i32>(heap);
  if (kept < capacity) {
    store<i32>(heap, kept + 1);
    rise(pairs, kept, score, row);
  } else if (worse(load<i32>(pairs), load<u32>(pairs, 4), score, row)) {
    sink(pairs, capacity, score, row);
  }
}

/** Places a pair at the end and moves it up while its parent is better. */
function rise(pairs: usize, end: i32, score: i32, row: u32): void {
  let at = end;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const p = pairs + ((<usize>parent) << 3);
    if (!worse(score, row, load<i32>(p), load<u32>(p, 4))) break;
    store<i64>(pairs + ((<usize>at) << 3), load<i64>(p));
    at = parent;
  }
  put(pairs + ((<usize>at) << 3), score, row);
}

/** Places a pair at the root and moves it down while a child is worse. */
function sink(pairs: usize, kept: i32, score: i32, row: u32): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= kept) break;
    let c = pairs + ((<usize>child) << 3);
    if (child + 1 < kept && worse(load<i32>(c, 8), load<u32>(c, 12), load<i32>(c), load<u32>(c, 4))) {
      child++;
      c += 8;
    }
    if (!worse(load<i32>(c), load<u32>(c, 4), score, row)) break;
    store<i64>(pairs + ((<usize>at) << 3), load<i64>(c));
    at = child;
  }
  put(pairs + ((<usize>at) << 3), score, row);
}

function put(pair: usize, score: i32, row: u32): void {
  store<i32>(pair, score);
  store<u32>(pair, row, 4);
}
