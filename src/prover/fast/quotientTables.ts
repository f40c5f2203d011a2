/**
 * The transforms' tables for one size of domain, made once a key in the prover's memory: roots of both directions, and
 * the factors g^c / n between them, by which coefficients go to the coset (g a 2n-th root, c the coefficient's degree).
 * Powers are made by doubling: the first m times base^m are the next m.
 */
import { MeedError } from '../../foundation/index.js';
import { FIELD_MODULUS } from '../reference/constants.js';
import { ELEMENT_BYTES, SCALAR_FIELD } from './fieldKernel.js';
import type { Arithmetic } from './fieldThreads.js';
import { elementBytes, montgomery, paddedQuadBytes, power, quadBytes, rootOfUnity } from './roots.js';

/** Bytes of an element within a quad. */
export const QUAD_ELEMENT_BYTES = 36;
/** Sixteen elements are the least that the transforms take. */
const LEAST_LOG = 4;
/** Rows of 2^12 elements, 144 KiB, stay in a core's second cache. */
const MOST_LOG_ROW = 12;
const QUAD_BYTES = 144;

/** Addresses in the memory. */
export interface QuotientTables {
  readonly log: number;
  /** log2 of the elements in a row, even. */
  readonly logRow: number;
  readonly downRoots: number;
  readonly upRoots: number;
  readonly downConstants: number;
  readonly upConstants: number;
  readonly factors: number;
}

/**
 * @param log     log2 of the domain's size n
 * @param scratch address of 32·n bytes that are free until this resolves
 */
export async function makeTables(arithmetic: Arithmetic, log: number, scratch: number): Promise<QuotientTables> {
  if (log < LEAST_LOG) {
    throw new MeedError(
      `A domain of ${2 ** log} elements is smaller than this prover takes`,
      `Give a circuit of at least ${2 ** (LEAST_LOG - 1)} constraints`,
    );
  }
  const n = 2 ** log;
  const root = rootOfUnity(log);
  const [downRoots, upRoots, factors] = [0, 0, 0].map(() => arithmetic.allocate(QUAD_ELEMENT_BYTES * n));
  const powers = (start: bigint, base: bigint): Promise<void> => writePowers(arithmetic, scratch, n, start, base);
  await powers(1n, root);
  for (const [table, sign] of [
    [upRoots, 1],
    [downRoots, -1],
  ]) {
    for (const { at, step, elements } of levels(log)) {
      const turn = (sign * step + n) % n;
      await arithmetic.run('gatherRoots', scratch, log, turn, table + QUAD_ELEMENT_BYTES * at, elements / 4);
    }
  }
  await powers(power(BigInt(n), -1n), rootOfUnity(log + 1));
  await arithmetic.run('gatherFactors', scratch, log, 0, n / 4, factors);
  const fourth = rootOfUnity(2);
  return {
    log,
    logRow: Math.min(MOST_LOG_ROW, log - (log % 2)),
    downRoots,
    upRoots,
    downConstants: writeConstants(arithmetic, power(fourth, -1n)),
    upConstants: writeConstants(arithmetic, fourth),
    factors,
  };
}

interface RootArray {
  /** First element in the table. */
  readonly at: number;
  readonly elements: number;
  /** Element j is w^(j·step), w of order n. */
  readonly step: number;
}

/** The arrays of a table in their order; see kernels/bn254/transform.ts. */
function levels(log: number): RootArray[] {
  const n = 2 ** log;
  const arrays: RootArray[] = [];
  let at = 0;
  const add = (elements: number, step: number): void => {
    arrays.push({ at, elements, step });
    at += elements;
  };
  if (log % 2 === 1) add(n / 2, 1);
  for (let size = 2 ** (log - (log % 2)); size > 4; size /= 4) {
    for (const exponent of [1, 2, 3]) add(size / 4, (n / size) * exponent);
  }
  return arrays;
}

async function writePowers(arithmetic: Arithmetic, to: number, n: number, start: bigint, base: bigint): Promise<void> {
  const mark = arithmetic.mark;
  const factor = arithmetic.allocate(ELEMENT_BYTES);
  arithmetic.bytes.set(elementBytes(montgomery(start)), to);
  let step = base;
  for (let made = 1; made < n; made *= 2) {
    arithmetic.bytes.set(elementBytes(montgomery(step)), factor);
    await arithmetic.run('scaleArray', SCALAR_FIELD, to, factor, to + ELEMENT_BYTES * made, made);
    step = (step * step) % FIELD_MODULUS;
  }
  arithmetic.release(mark);
}

/** A direction's fourth root of unity, and 8 r to subtract from. */
function writeConstants(arithmetic: Arithmetic, fourthRoot: bigint): number {
  const at = arithmetic.allocate(2 * QUAD_BYTES);
  arithmetic.bytes.set(quadBytes(montgomery(fourthRoot)), at);
  arithmetic.bytes.set(paddedQuadBytes(8n * FIELD_MODULUS), at + QUAD_BYTES);
  return at;
}
