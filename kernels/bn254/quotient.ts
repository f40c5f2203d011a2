/**
 * The quotient's values of Groth's proof, as snarkjs defines them: with A, B the sums of the key's coefficients times the
 * witness on the n-th roots of unity and C = A∘B there, the integers A·B − C at the odd 2n-th roots. Three passes over
 * the data, each cut into parts that threads take: `openStrip` (sums, and the transforms' levels down across rows),
 * `turnPart` (within a row, down and up), `closeStrip` (levels up across rows, and the integers).
 *
 * The sums of four rows go side by side in the lanes of a quad, term by term; a coefficient c lies as c·2⁵²², so that its
 * product with a plain integer of the witness is in Montgomery form, and nothing is converted before.
 * The trap: rows of four that end at different terms take zeros until the longest has ended, so `zero` must be zero.
 */
import { BUTTERFLY_ROOM } from './butterflies';
import { add, canonical, load4, mul, QUAD, R, reduce, store4, sub, TO_INTEGER, WORDS } from './field';
import { roomAt } from './room';
import { downColumns, turnRow, upColumns } from './transform';

/** What the passes know, 32 bits each; `src/prover/fast/quotient.ts` writes it. */
@unmanaged
class Plan {
  /** n = 2^log. */
  log: i32;
  /** Elements of a row of the transforms: 2^logRow. */
  logRow: i32;
  /** Addresses from here on. n + 1 numbers of terms before a row, of A and of B. */
  startsA: usize;
  startsB: usize;
  /** Pairs (wire, index of the value). */
  termsA: usize;
  termsB: usize;
  values: usize;
  witness: usize;
  /** An element of 32 bytes. */
  zero: usize;
  /** A, B, C: n elements each, in quads, one behind the other. */
  data: usize;
  downRoots: usize;
  upRoots: usize;
  downConstants: usize;
  upConstants: usize;
  factors: usize;
  /** n integers of 32 bytes. */
  scalars: usize;
}

const COEFFICIENT: usize = BUTTERFLY_ROOM;
const VALUE: usize = COEFFICIENT + QUAD;
const SUM: usize = VALUE + QUAD;
/** Products below 2.4 p that a reduced sum can take before it is more than `reduce` takes. */
const UNREDUCED: i32 = 5;

/** Bytes of one polynomial. */
function polynomial(plan: Plan): usize {
  return (<usize>36) << plan.log;
}

/** The sums of rows `row` to `row` + 3, reduced. */
function sumRows(plan: Plan, starts: usize, terms: usize, row: usize, out: usize): void {
  const at = starts + (row << 2);
  const start0 = load<u32>(at);
  const start1 = load<u32>(at, 4);
  const start2 = load<u32>(at, 8);
  const start3 = load<u32>(at, 12);
  const end = load<u32>(at, 16);
  const longest = max(max(start1 - start0, start2 - start1), max(start3 - start2, end - start3));
  if (longest === 0) {
    memory.fill(out, 0, QUAD);
    return;
  }
  const coefficient = roomAt(COEFFICIENT);
  const value = roomAt(VALUE);
  const sum = roomAt(SUM);
  memory.fill(sum, 0, QUAD);
  let unreduced = 0;
  for (let i: u32 = 0; i < longest; i++) {
    const term0 = start0 + i < start1 ? terms + ((<usize>start0 + i) << 3) : 0;
    const term1 = start1 + i < start2 ? terms + ((<usize>start1 + i) << 3) : 0;
    const term2 = start2 + i < start3 ? terms + ((<usize>start2 + i) << 3) : 0;
    const term3 = start3 + i < end ? terms + ((<usize>start3 + i) << 3) : 0;
    load4(wireAt(plan, term0), wireAt(plan, term1), wireAt(plan, term2), wireAt(plan, term3), value);
    load4(valueAt(plan, term0), valueAt(plan, term1), valueAt(plan, term2), valueAt(plan, term3), coefficient);
    mul(coefficient, value, coefficient, R);
    add(sum, coefficient, sum);
    if (++unreduced === UNREDUCED) {
      reduce(sum, sum, R);
      unreduced = 0;
    }
  }
  reduce(sum, out, R);
}

function wireAt(plan: Plan, term: usize): usize {
  return term === 0 ? plan.zero : plan.witness + <usize>load<u32>(term) * WORDS;
}

function valueAt(plan: Plan, term: usize): usize {
  return term === 0 ? plan.zero : plan.values + <usize>load<u32>(term, 4) * WORDS;
}

/** A, B and C of `count` quads of columns from quad `column` on, and the levels down that span rows. */
export function openStrip(plan: Plan, column: usize, count: usize): void {
  const log = plan.log;
  const logRow = plan.logRow;
  const a = plan.data;
  const b = a + polynomial(plan);
  const c = b + polynomial(plan);
  const quads: usize = (<usize>1) << (log - 2);
  for (let first = column; first < quads; first += (<usize>1) << (logRow - 2)) {
    for (let q = first; q < first + count; q++) {
      sumRows(plan, plan.startsA, plan.termsA, q << 2, a + q * QUAD);
      sumRows(plan, plan.startsB, plan.termsB, q << 2, b + q * QUAD);
      mul(a + q * QUAD, b + q * QUAD, c + q * QUAD, R);
    }
  }
  for (let p: usize = 0; p < 3; p++) {
    const data = a + p * polynomial(plan);
    downColumns(data, log, logRow, column, count, plan.downRoots, plan.downConstants);
  }
}

/** Row `part` mod the number of rows of A, B or C: down, times the factors, and up. */
export function turnPart(plan: Plan, part: usize): void {
  const log = plan.log;
  const logRow = plan.logRow;
  const row = part & (((<usize>1) << (log - logRow)) - 1);
  const bytes: usize = (<usize>36) << logRow;
  turnRow(
    plan.data + part * bytes,
    log,
    logRow,
    plan.factors + row * bytes,
    plan.downRoots,
    plan.upRoots,
    plan.downConstants,
    plan.upConstants,
  );
}

/** The levels up that span rows, and the integers A·B − C. */
export function closeStrip(plan: Plan, column: usize, count: usize): void {
  const log = plan.log;
  const logRow = plan.logRow;
  const a = plan.data;
  const b = a + polynomial(plan);
  const c = b + polynomial(plan);
  for (let p: usize = 0; p < 3; p++) {
    const data = a + p * polynomial(plan);
    upColumns(data, log, logRow, column, count, plan.upRoots, plan.upConstants);
  }
  const quads: usize = (<usize>1) << (log - 2);
  const x = roomAt(COEFFICIENT);
  const y = roomAt(VALUE);
  for (let first = column; first < quads; first += (<usize>1) << (logRow - 2)) {
    for (let q = first; q < first + count; q++) {
      // below 1.001 p · 16 p
      reduce(a + q * QUAD, x, R);
      mul(x, b + q * QUAD, x, R);
      reduce(c + q * QUAD, y, R);
      sub(x, y, x, R);
      mul(x, R + TO_INTEGER, x, R);
      reduce(x, x, R);
      canonical(x, x, R);
      const out = plan.scalars + (q << 2) * WORDS;
      store4(x, out, out + WORDS, out + 2 * WORDS, out + 3 * WORDS);
    }
  }
}
