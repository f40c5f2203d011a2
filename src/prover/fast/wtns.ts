/**
 * The .wtns file of a circuit's wire values (version 2): section 1 holds the field and the number of values, section 2 the
 * values, 32 bytes each, little-endian, not in Montgomery form. Wire 0 is the constant 1, then come the public wires.
 * The trap: a value of r or more would be the same element in another form, and a public signal that is refused on chain;
 * so only reduced values are taken.
 */
import { MeedError } from '../../foundation/index.js';
import { readInteger } from '../r1cs.js';
import { FIELD_MODULUS } from '../reference/constants.js';
import { bytesAsSource } from './byteSource.js';
import { readSections, type SectionKind } from './sections.js';

const REMEDY = "Compute the witness again with the generator of the key's circuit";
const WTNS: SectionKind = { letters: 'wtns', version: 2, remedy: REMEDY };
const FIELD_BYTES = 32;
const HEADER_BYTES = 4 + FIELD_BYTES + 4;

export interface Wtns {
  readonly wires: number;
  /** wires × 32 bytes, a view of the file's. */
  readonly values: Uint8Array;
}

/**
 * @param wires number of wires of the circuit, with the constant
 * @throws MeedError when the bytes are no witness over BN254's scalar field, or not one of a circuit of so many wires
 */
export async function readWtns(bytes: Uint8Array, wires: number): Promise<Wtns> {
  const refuse = (problem: string): MeedError => new MeedError(`The witness ${problem}`, REMEDY);
  const { section } = await readSections(bytesAsSource('The witness', bytes), WTNS);
  const header = section(1);
  if (header.length !== HEADER_BYTES) throw refuse(`has a header of ${header.length} bytes instead of ${HEADER_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = view.getUint32(header.at, true);
  if (size !== FIELD_BYTES || readInteger(bytes, header.at + 4, FIELD_BYTES) !== FIELD_MODULUS) {
    throw refuse("is over another field than BN254's scalars");
  }
  const count = view.getUint32(header.at + 4 + FIELD_BYTES, true);
  if (count !== wires) throw refuse(`has ${count} values, the key's circuit has ${wires} wires`);
  const body = section(2);
  if (body.length !== count * FIELD_BYTES) {
    throw refuse(`has ${body.length} bytes of values where ${count} values take ${count * FIELD_BYTES}`);
  }
  const values = bytes.subarray(body.at, body.at + body.length);
  const unreduced = firstUnreduced(values);
  if (unreduced >= 0) throw refuse(`has a value that is not below the field's modulus at wire ${unreduced}`);
  if (readInteger(values, 0, FIELD_BYTES) !== 1n) throw refuse('does not begin with the constant 1');
  return { wires, values };
}

/** Integers of 32 bytes at the positions. */
export function valuesAt(values: Uint8Array, first: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => readInteger(values, FIELD_BYTES * (first + i), FIELD_BYTES));
}

const TOP_WORD = Number(FIELD_MODULUS >> 224n);

/** Position of the first value of r or more, or −1. Few values reach r's highest word, so few are made integers. */
function firstUnreduced(values: Uint8Array): number {
  const view = new DataView(values.buffer, values.byteOffset, values.length);
  for (let at = 0; at < values.length; at += FIELD_BYTES) {
    if (view.getUint32(at + FIELD_BYTES - 4, true) < TOP_WORD) continue;
    if (readInteger(values, at, FIELD_BYTES) >= FIELD_MODULUS) return at / FIELD_BYTES;
  }
  return -1;
}
