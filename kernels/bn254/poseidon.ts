/**
 * Poseidon (Grassi et al. 2021) over the scalar field with circomlib's constants, four permutations side by side, in the
 * form with sparse partial rounds (its appendix B): a partial round is one fifth power, one inner product and t − 1
 * products instead of a whole matrix.
 *
 * A plan is an address of four words and the constants behind it, as `openPoseidon` lays them out:
 *   u32 t | u32 partial rounds | 8 bytes unused | quads: C, M, P, S, each constant in all four lanes
 * with C of 8·t + partial constants, M and P of t² (row j, the factors of output j) and S of (2t − 1) a partial round.
 * The trap: a product is below 2.4 p and `reduce` takes sums below 16 p, so sums are reduced after six terms at most.
 */
import {
  add,
  canonical,
  copy,
  FROM_INTEGER,
  load4,
  mul,
  QUAD,
  R,
  reduce,
  square,
  store4,
  TO_INTEGER,
  WORDS,
} from './field';
import { roomAt } from './room';

const FULL_ROUNDS: usize = 8;
const HEAD: usize = 16;
/** Terms that may be added to a reduced sum before it is reduced again: 1.001 + 5 · 2.4 < 16. */
const TERMS: usize = 5;

const STATE: usize = 0;
const MIXED: usize = 17 * QUAD;
const TERM: usize = 34 * QUAD;
const FIRST: usize = 35 * QUAD;

/** Bytes of a plan. */
export function poseidonBytes(t: usize, partialRounds: usize): usize {
  return HEAD + QUAD * (FULL_ROUNDS * t + partialRounds + 2 * t * t + (2 * t - 1) * partialRounds);
}

/** @param constants integers below p, 32 bytes each: C, M, P, S. */
export function openPoseidon(t: u32, partialRounds: u32, constants: usize, plan: usize): void {
  store<u32>(plan, t);
  store<u32>(plan, partialRounds, 4);
  const end = plan + poseidonBytes(<usize>t, <usize>partialRounds);
  let from = constants;
  for (let quad = plan + HEAD; quad < end; quad += QUAD) {
    load4(from, from, from, from, quad);
    mul(quad, R + FROM_INTEGER, quad, R);
    reduce(quad, quad, R);
    from += WORDS;
  }
}

/**
 * out[i] = Poseidon of the t − 1 inputs from i·(t − 1) on; all integers, 32 bytes each, inputs below 2²⁵⁶, outputs below p.
 */
export function hashArray(plan: usize, inputs: usize, out: usize, count: usize): void {
  const t = <usize>load<u32>(plan);
  const partialRounds = <usize>load<u32>(plan, 4);
  const bytes = (t - 1) * WORDS;
  const last = count - 1;
  for (let i: usize = 0; i < count; i += 4) {
    const a = inputs + i * bytes;
    const b = inputs + min(i + 1, last) * bytes;
    const c = inputs + min(i + 2, last) * bytes;
    const d = inputs + min(i + 3, last) * bytes;
    memory.fill(roomAt(STATE), 0, QUAD);
    for (let k: usize = 1; k < t; k++) {
      const offset = (k - 1) * WORDS;
      const element = roomAt(STATE) + k * QUAD;
      load4(a + offset, b + offset, c + offset, d + offset, element);
      mul(element, R + FROM_INTEGER, element, R);
    }
    permute(plan + HEAD, t, partialRounds);
    const result = roomAt(STATE);
    mul(result, R + TO_INTEGER, result, R);
    reduce(result, result, R);
    canonical(result, result, R);
    store4(
      result,
      out + i * WORDS,
      out + min(i + 1, last) * WORDS,
      out + min(i + 2, last) * WORDS,
      out + min(i + 3, last) * WORDS,
    );
  }
}

/** Leaves the permutation's first element in STATE; the others are not made. */
function permute(constants: usize, t: usize, partialRounds: usize): void {
  const row = t * QUAD;
  const m = constants + FULL_ROUNDS * row + partialRounds * QUAD;
  const p = m + t * row;
  let sparse = p + t * row;
  let c = constants;
  const half = FULL_ROUNDS / 2;
  addConstants(c, t);
  c += row;
  for (let round: usize = 1; round <= half; round++) {
    fifthPowers(t);
    addConstants(c, t);
    c += row;
    mix(round < half ? m : p, t, t);
  }
  for (let round: usize = 0; round < partialRounds; round++) {
    partialRound(c, sparse, t);
    c += QUAD;
    sparse += (2 * t - 1) * QUAD;
  }
  for (let round: usize = 1; round < half; round++) {
    fifthPowers(t);
    addConstants(c, t);
    c += row;
    mix(m, t, t);
  }
  fifthPowers(t);
  mix(m, t, 1);
}

function addConstants(c: usize, t: usize): void {
  for (let k: usize = 0; k < t * QUAD; k += QUAD) add(roomAt(STATE) + k, c + k, roomAt(STATE) + k);
}

function fifthPowers(t: usize): void {
  for (let k: usize = 0; k < t * QUAD; k += QUAD) fifthPower(roomAt(STATE) + k);
}

function fifthPower(x: usize): void {
  const term = roomAt(TERM);
  square(x, term, R);
  square(term, term, R);
  mul(x, term, x, R);
}

/** The first `outputs` elements of matrix · state. */
function mix(matrix: usize, t: usize, outputs: usize): void {
  for (let j: usize = 0; j < outputs; j++) inner(matrix + j * t * QUAD, t, roomAt(MIXED) + j * QUAD);
  memory.copy(roomAt(STATE), roomAt(MIXED), outputs * QUAD);
}

/** out = Σ factors[k]·state[k], reduced. */
function inner(factors: usize, t: usize, out: usize): void {
  const term = roomAt(TERM);
  mul(factors, roomAt(STATE), out, R);
  let terms: usize = 1;
  for (let k: usize = 1; k < t; k++) {
    mul(factors + k * QUAD, roomAt(STATE) + k * QUAD, term, R);
    add(out, term, out);
    if (++terms > TERMS) {
      reduce(out, out, R);
      terms = 1;
    }
  }
  reduce(out, out, R);
}

function partialRound(c: usize, sparse: usize, t: usize): void {
  const state = roomAt(STATE);
  const first = roomAt(FIRST);
  const term = roomAt(TERM);
  fifthPower(state);
  add(state, c, state);
  inner(sparse, t, first);
  const column = sparse + (t - 1) * QUAD;
  for (let k = QUAD; k < t * QUAD; k += QUAD) {
    mul(state, column + k, term, R);
    add(state + k, term, state + k);
    reduce(state + k, state + k, R);
  }
  copy(first, state);
}
