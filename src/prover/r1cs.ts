/**
 * The .r1cs file of circom: its header, and where its constraints lie. A constraint is three sparse linear combinations
 * A, B, C over the wires (wire 0 is 1, then the public wires, then the private ones) with A·B = C.
 * Format: iden3/r1csfile, version 1; all integers little-endian, coefficients not in Montgomery form.
 * The trap: sections may stand in any order, so they are found by their type, never by position.
 */
import { MeedError } from '../foundation/index.js';
import { FIELD_MODULUS } from './reference/constants.js';

export interface R1csHeader {
  readonly wires: number;
  /** Public wires, not counting the constant. */
  readonly publicWires: number;
  readonly constraints: number;
  /** Byte offset and length of the constraints in the file. */
  readonly constraintsAt: number;
  readonly constraintsBytes: number;
}

/** One linear combination: wires and coefficients of equal length. */
export interface LinearCombination {
  readonly wires: readonly number[];
  readonly coefficients: readonly bigint[];
}

const HEADER_SECTION = 1;
const CONSTRAINTS_SECTION = 2;
const FIELD_BYTES = 32;

/** @throws MeedError when the bytes are not an R1CS over BN254's scalar field */
export function readR1csHeader(bytes: Uint8Array): R1csHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'r1cs') {
    throw new MeedError('The constraint file does not begin with "r1cs"', 'Delete the cache folder and compile again');
  }
  const sections = new Map<number, { at: number; length: number }>();
  let position = 12;
  for (let i = view.getUint32(8, true); i > 0; i--) {
    const length = Number(view.getBigUint64(position + 4, true));
    sections.set(view.getUint32(position, true), { at: position + 12, length });
    position += 12 + length;
  }
  const header = sections.get(HEADER_SECTION);
  const constraints = sections.get(CONSTRAINTS_SECTION);
  if (header === undefined || constraints === undefined || position !== bytes.length) {
    throw new MeedError('The constraint file is incomplete', 'Delete the cache folder and compile again');
  }
  if (
    view.getUint32(header.at, true) !== FIELD_BYTES ||
    readInteger(bytes, header.at + 4, FIELD_BYTES) !== FIELD_MODULUS
  ) {
    throw new MeedError('The constraint file is over another field than BN254', 'Compile with the prime bn128');
  }
  const fields = header.at + 4 + FIELD_BYTES;
  return {
    wires: view.getUint32(fields, true),
    publicWires: view.getUint32(fields + 4, true) + view.getUint32(fields + 8, true),
    constraints: view.getUint32(fields + 24, true),
    constraintsAt: constraints.at,
    constraintsBytes: constraints.length,
  };
}

/** Yields the constraints (A, B, C) in order. Meant for small circuits and tests: it makes a bigint a coefficient. */
export function* constraintsOf(
  bytes: Uint8Array,
): Generator<readonly [LinearCombination, LinearCombination, LinearCombination]> {
  const header = readR1csHeader(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = header.constraintsAt;
  const next = (): LinearCombination => {
    const wires: number[] = [];
    const coefficients: bigint[] = [];
    const terms = view.getUint32(position, true);
    position += 4;
    for (let i = 0; i < terms; i++) {
      wires.push(view.getUint32(position, true));
      coefficients.push(readInteger(bytes, position + 4, FIELD_BYTES));
      position += 4 + FIELD_BYTES;
    }
    return { wires, coefficients };
  };
  for (let i = 0; i < header.constraints; i++) yield [next(), next(), next()];
}

/** Unsigned little-endian integer. */
export function readInteger(bytes: Uint8Array, at: number, length: number): bigint {
  let hex = '';
  for (let i = at + length - 1; i >= at; i--) hex += bytes[i].toString(16).padStart(2, '0');
  return BigInt(`0x${hex}`);
}
