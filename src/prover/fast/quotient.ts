/**
 * The quotient's scalars of a proof: the integers A·B − C at the odd 2n-th roots of unity, where the key's points of
 * section 9 belong to (snarkjs divides by the vanishing polynomial in the key, not in the proof). C is A∘B on the n-th
 * roots, so a key holds no coefficients of it. The work is in `kernels/bn254/quotient.ts`, here it is shared out.
 * The trap: the last pass of a part needs every part of the pass before, so there are three barriers and no fewer.
 */

import { readInteger } from '../r1cs.js';
import { FIELD_MODULUS } from '../reference/constants.js';
import { ELEMENT_BYTES } from './fieldKernel.js';
import type { Arithmetic } from './fieldThreads.js';
import { makeTables, QUAD_ELEMENT_BYTES, type QuotientTables } from './quotientTables.js';
import { elementBytes } from './roots.js';
import type { Coefficients, SparseRows } from './sparseRows.js';

const POLYNOMIALS = 3;
/** Quads of one polynomial that a strip holds: 72 KiB. */
const STRIP_QUADS = 512;
/** Parts of a pass for each thread, so that none waits long for the last. */
const PARTS = 4;
/**
 * A key holds v·2⁵¹² mod r and the kernel's products take 2⁻²⁶¹ away, so v·2⁵²² times a plain integer of the witness is
 * in the kernel's form.
 */
const FROM_KEY = 1n << 10n;

export interface Quotient {
  /** Address of the witness: one integer of 32 bytes a wire, below r. */
  readonly witness: number;
  /** Address of the scalars: n integers of 32 bytes, below r. */
  readonly scalars: number;
  /** Computes the scalars of the witness that is there. @throws the signal's reason, between passes */
  compute(signal?: AbortSignal): Promise<void>;
}

/** Takes its memory from the arithmetic, for as long as that is open. */
export async function openQuotient(
  arithmetic: Arithmetic,
  coefficients: Coefficients,
  { wires, logDomain }: { readonly wires: number; readonly logDomain: number },
): Promise<Quotient> {
  const n = 2 ** logDomain;
  const data = arithmetic.allocate(POLYNOMIALS * QUAD_ELEMENT_BYTES * n);
  const tables = await makeTables(arithmetic, logDomain, data);
  const write = (bytes: Uint8Array): number => {
    const at = arithmetic.allocate(bytes.length);
    arithmetic.bytes.set(bytes, at);
    return at;
  };
  const [a, b] = [coefficients.a, coefficients.b].map(({ starts, terms }: SparseRows) => ({
    starts: write(bytesOf(starts)),
    terms: write(bytesOf(terms)),
  }));
  const witness = arithmetic.allocate(ELEMENT_BYTES * wires);
  const scalars = arithmetic.allocate(ELEMENT_BYTES * n);
  const plan = write(
    bytesOf(
      planWords(tables, {
        startsA: a.starts,
        startsB: b.starts,
        termsA: a.terms,
        termsB: b.terms,
        values: write(kernelValues(coefficients.values)),
        witness,
        zero: write(new Uint8Array(ELEMENT_BYTES)),
        data,
        scalars,
      }),
    ),
  );
  return { witness, scalars, compute: (signal) => compute(arithmetic, tables, plan, signal) };
}

interface Addresses {
  readonly startsA: number;
  readonly startsB: number;
  readonly termsA: number;
  readonly termsB: number;
  readonly values: number;
  readonly witness: number;
  readonly zero: number;
  readonly data: number;
  readonly scalars: number;
}

/** The fields of `Plan` in kernels/bn254/quotient.ts, in their order. */
function planWords(tables: QuotientTables, at: Addresses): Uint32Array {
  return Uint32Array.of(
    tables.log,
    tables.logRow,
    at.startsA,
    at.startsB,
    at.termsA,
    at.termsB,
    at.values,
    at.witness,
    at.zero,
    at.data,
    tables.downRoots,
    tables.upRoots,
    tables.downConstants,
    tables.upConstants,
    tables.factors,
    at.scalars,
  );
}

async function compute(
  arithmetic: Arithmetic,
  { log, logRow }: QuotientTables,
  plan: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rows = 2 ** (log - logRow);
  const columns = 2 ** (logRow - 2);
  const strip = Math.max(1, Math.min(Math.floor(STRIP_QUADS / rows), columns / (PARTS * arithmetic.threads)));
  const width = Math.floor(strip);
  const strips = Array.from({ length: Math.ceil(columns / width) }, (_, i) => {
    return [i * width, Math.min(width, columns - i * width)] as const;
  });
  signal?.throwIfAborted();
  await all(strips.map(([column, count]) => arithmetic.run('openStrip', plan, column, count)));
  signal?.throwIfAborted();
  const parts = Array.from({ length: POLYNOMIALS * rows }, (_, part) => part);
  await all(parts.map((part) => arithmetic.run('turnPart', plan, part)));
  signal?.throwIfAborted();
  await all(strips.map(([column, count]) => arithmetic.run('closeStrip', plan, column, count)));
}

/** Waits for all, also when one fails: none may still write when the caller goes on. */
async function all(calls: readonly Promise<number>[]): Promise<void> {
  const failed = (await Promise.allSettled(calls)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function kernelValues(values: Uint8Array): Uint8Array {
  const converted = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += ELEMENT_BYTES) {
    const value = readInteger(values, at, ELEMENT_BYTES);
    converted.set(elementBytes((value * FROM_KEY) % FIELD_MODULUS), at);
  }
  return converted;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
