/**
 * All discrete logarithms of a Groth16 key, from an R1CS and known toxic waste (Groth 2016, section 3.2): for wire s,
 * A_s(τ) = Σ_c a_cs L_c(τ), likewise B and C, and (β A_s + α B_s + C_s) over γ for public wires and over δ for private
 * ones. snarkjs adds one constraint a public wire, "wire s times 0 = 0", which makes the public A_s independent: row
 * (constraints + s) of A holds wire s with coefficient 1.
 * The `coefficients` are section 4 of a .zkey: A and B as (matrix, constraint, wire, value·R²), R = 2^256, because
 * the prover multiplies them with a witness that is not in Montgomery form and wants a Montgomery result.
 * The trap: in a Montgomery product of a plain and a Montgomery factor the result is plain; sums here are all plain.
 */
import { MeedError } from '../../foundation/index.js';
import { readR1csHeader } from '../r1cs.js';
import { CurveMemory, type CurveModule, FIELD_BYTES } from './curveMemory.js';
import { lagrangeBases } from './lagrange.js';
import { inverse, modulo, type ToxicWaste } from './waste.js';

/** Scalars are 32 bytes each, little-endian, plain. */
export interface KeyScalars {
  readonly wires: number;
  readonly publicWires: number;
  readonly domain: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** (β A + α B + C)/γ for wires up to the last public one, over δ from there. */
  readonly combined: Uint8Array;
  readonly quotient: Uint8Array;
  /** Section 4 of the .zkey. */
  readonly coefficients: Uint8Array;
}

const ENTRY_BYTES = 12 + FIELD_BYTES;
/** Largest power of two that divides r − 1. */
const TWO_ADICITY = 28;

export async function keyScalars(curve: CurveModule, r1cs: Uint8Array, waste: ToxicWaste): Promise<KeyScalars> {
  const header = readR1csHeader(r1cs);
  const { wires, publicWires, constraints } = header;
  const logDomain = Math.floor(Math.log2(constraints + publicWires)) + 1;
  if (logDomain >= TWO_ADICITY) {
    throw new MeedError(`A circuit of ${constraints} constraints is too large for BN254`, 'Compile a smaller instance');
  }
  const memory = await CurveMemory.open(curve);
  const bases = lagrangeBases(memory, logDomain, waste.tau, inverse(waste.delta));

  const source = memory.allocate(header.constraintsBytes);
  const sums = [0, 1, 2].map(() => memory.allocate(wires * FIELD_BYTES));
  const product = memory.allocate(FIELD_BYTES);
  const one = memory.allocate(FIELD_BYTES);
  memory.store(one, 1n);
  const cubedRadix = memory.scalar(1n);
  for (let i = 0; i < 2; i++) memory.operation('frm_toMontgomery')(cubedRadix, cubedRadix);
  // A coefficient takes 36 bytes in the .r1cs and 44 in the .zkey, so this is enough.
  const entries = memory.allocate(
    4 + Math.ceil((header.constraintsBytes / (4 + FIELD_BYTES)) * ENTRY_BYTES) + (publicWires + 1) * ENTRY_BYTES,
  );
  memory.bytes().set(r1cs.subarray(header.constraintsAt, header.constraintsAt + header.constraintsBytes), source);

  const [multiply, add] = [memory.operation('frm_mul'), memory.operation('frm_add')];
  const words = memory.words();
  let entry = entries + 4;
  let read = source;
  const writeEntry = (matrix: number, constraint: number, wire: number, coefficient: number): void => {
    words[entry >> 2] = matrix;
    words[(entry >> 2) + 1] = constraint;
    words[(entry >> 2) + 2] = wire;
    multiply(coefficient, cubedRadix, entry + 12);
    entry += ENTRY_BYTES;
  };
  for (let constraint = 0; constraint < constraints; constraint++) {
    const basis = bases.circuit + constraint * FIELD_BYTES;
    for (let matrix = 0; matrix < 3; matrix++) {
      const terms = words[read >> 2];
      read += 4;
      for (let i = 0; i < terms; i++) {
        const wire = words[read >> 2];
        const sum = sums[matrix] + wire * FIELD_BYTES;
        multiply(read + 4, basis, product);
        add(sum, product, sum);
        if (matrix < 2) writeEntry(matrix, constraint, wire, read + 4);
        read += 4 + FIELD_BYTES;
      }
    }
  }
  for (let wire = 0; wire <= publicWires; wire++) {
    const sum = sums[0] + wire * FIELD_BYTES;
    multiply(one, bases.circuit + (constraints + wire) * FIELD_BYTES, product);
    add(sum, product, sum);
    writeEntry(0, constraints + wire, wire, one);
  }
  new DataView(memory.bytes().buffer).setUint32(entries, (entry - entries - 4) / ENTRY_BYTES, true);

  const combined = combine(memory, sums, wires, publicWires, waste);
  const copy = (at: number, length: number): Uint8Array => memory.bytes().slice(at, at + length);
  return {
    wires,
    publicWires,
    domain: bases.domain,
    a: copy(sums[0], wires * FIELD_BYTES),
    b: copy(sums[1], wires * FIELD_BYTES),
    combined: copy(combined, wires * FIELD_BYTES),
    quotient: copy(bases.quotient, bases.domain * FIELD_BYTES),
    coefficients: copy(entries, entry - entries),
  };
}

/** Address of (β A + α B + C)/γ or /δ, plain. */
function combine(
  memory: CurveMemory,
  sums: readonly number[],
  wires: number,
  publicWires: number,
  waste: ToxicWaste,
): number {
  const [multiply, add] = [memory.operation('frm_mul'), memory.operation('frm_add')];
  const factors = (divisor: bigint): number[] =>
    [waste.beta, waste.alpha, 1n].map((factor) => memory.scalar(modulo(factor * inverse(divisor))));
  const [ofPublic, ofPrivate] = [factors(waste.gamma), factors(waste.delta)];
  const product = memory.allocate(FIELD_BYTES);
  const combined = memory.allocate(wires * FIELD_BYTES);
  for (let wire = 0; wire < wires; wire++) {
    const target = combined + wire * FIELD_BYTES;
    const factor = wire <= publicWires ? ofPublic : ofPrivate;
    for (let matrix = 0; matrix < 3; matrix++) {
      multiply(sums[matrix] + wire * FIELD_BYTES, factor[matrix], product);
      add(target, product, target);
    }
  }
  return combined;
}
