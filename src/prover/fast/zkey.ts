/**
 * The .zkey file of a Groth16 proving key, as snarkjs 0.7 writes it (version 1): its header and where its points and
 * coefficients lie. Points are affine, coordinates 32 bytes in Montgomery form (R = 2²⁵⁶), infinity all zeros.
 * Sections: 1 protocol, 2 header, 3 IC, 4 coefficients of A and B, 5 A, 6 B in G1, 7 B in G2, 8 C of the private wires,
 * 9 the quotient's points, 10 the ceremony.
 * The trap: the sections of A and of B1 have the same length, so swapping them cannot be seen here; that a key belongs to
 * its circuit is known when a proof made with it verifies.
 */
import { MeedError } from '../../foundation/index.js';
import { readInteger } from '../r1cs.js';
import { FIELD_MODULUS } from '../reference/constants.js';
import { BASE_FIELD_MODULUS } from '../verificationKey.js';
import { type ByteSource, readBytes } from './byteSource.js';
import { readSections, type Section, type SectionKind } from './sections.js';

export interface Zkey {
  /** With the constant. */
  readonly wires: number;
  /** Without the constant. */
  readonly publicWires: number;
  /** Size of the evaluation domain: 2^logDomain. */
  readonly domain: number;
  readonly logDomain: number;
  readonly alpha1: Uint8Array;
  readonly beta1: Uint8Array;
  readonly delta1: Uint8Array;
  readonly beta2: Uint8Array;
  readonly delta2: Uint8Array;
  /** Section 4 without its count: entries of COEFFICIENT_BYTES. */
  readonly coefficients: Section;
  /** One point a wire. */
  readonly a: Section;
  readonly b1: Section;
  readonly b2: Section;
  /** One point a private wire, from publicWires + 1 on. */
  readonly c: Section;
  /** One point an element of the domain. */
  readonly h: Section;
}

export const G1_BYTES = 64;
export const G2_BYTES = 128;
/** Matrix, constraint, wire (4 bytes each), value·R². */
export const COEFFICIENT_BYTES = 44;

const REMEDY = 'Delete the key from the cache folder so that it is made again, or take it again from its ceremony';
const ZKEY: SectionKind = { letters: 'zkey', version: 1, remedy: REMEDY };
const GROTH16 = 1;
const FIELD_BYTES = 32;
const HEADER_BYTES = 2 * (4 + FIELD_BYTES) + 12 + 3 * G1_BYTES + 3 * G2_BYTES;
/** The coset is shifted by a root of order 2·domain, and 2^28 is the largest power of two that divides r − 1. */
const MOST_LOG_DOMAIN = 27;

/** @throws MeedError when the file is no Groth16 key on BN254, or a section's length is not what the header's counts make it */
export async function readZkey(source: ByteSource): Promise<Zkey> {
  const { section } = await readSections(source, ZKEY);
  const refuse = (problem: string): MeedError => new MeedError(`${source.name} ${problem}`, REMEDY);
  const exact = (type: number, what: string, length: number): Section => {
    const found = section(type);
    if (found.length === length) return found;
    throw refuse(`has ${found.length} bytes of ${what} (section ${type}) where its counts make ${length}`);
  };

  const protocol = uint32(await readBytes(source, exact(1, 'protocol', 4).at, 4), 0);
  if (protocol !== GROTH16) throw refuse(`is a key of protocol ${protocol}, not of Groth16 (${GROTH16})`);
  const header = await readBytes(source, exact(2, 'header', HEADER_BYTES).at, HEADER_BYTES);
  let at = 0;
  const next = (length: number): Uint8Array => {
    at += length;
    return header.subarray(at - length, at);
  };
  const primes: [string, bigint][] = [
    ['base field', BASE_FIELD_MODULUS],
    ['scalar field', FIELD_MODULUS],
  ];
  for (const [name, prime] of primes) {
    const size = uint32(next(4), 0);
    const field = readInteger(next(FIELD_BYTES), 0, FIELD_BYTES);
    if (size !== FIELD_BYTES || field !== prime) throw refuse(`is for another curve than BN254: its ${name} differs`);
  }
  const [wires, publicWires, domain] = [uint32(next(4), 0), uint32(next(4), 0), uint32(next(4), 0)];
  const logDomain = Math.log2(domain);
  if (!Number.isInteger(logDomain) || logDomain < 1 || logDomain > MOST_LOG_DOMAIN) {
    throw refuse(`has a domain of ${domain}, not a power of two from 2 to 2^${MOST_LOG_DOMAIN}`);
  }
  if (publicWires + 1 > wires) throw refuse(`has ${publicWires} public wires of ${wires} in all`);
  const [alpha1, beta1, beta2] = [next(G1_BYTES), next(G1_BYTES), next(G2_BYTES)];
  next(G2_BYTES); // gamma, which only verification needs
  const [delta1, delta2] = [next(G1_BYTES), next(G2_BYTES)];

  exact(3, 'IC', (publicWires + 1) * G1_BYTES);
  const counted = section(4);
  if (counted.length < 4) throw refuse(`has ${counted.length} bytes of coefficients, too few for their count`);
  const count = uint32(await readBytes(source, counted.at, 4), 0);
  exact(4, 'coefficients', 4 + count * COEFFICIENT_BYTES);
  return {
    wires,
    publicWires,
    domain,
    logDomain,
    alpha1,
    beta1,
    delta1,
    beta2,
    delta2,
    coefficients: { at: counted.at + 4, length: count * COEFFICIENT_BYTES },
    a: exact(5, 'points of A', wires * G1_BYTES),
    b1: exact(6, 'points of B in G1', wires * G1_BYTES),
    b2: exact(7, 'points of B in G2', wires * G2_BYTES),
    c: exact(8, 'points of C', (wires - publicWires - 1) * G1_BYTES),
    h: exact(9, 'points of the quotient', domain * G1_BYTES),
  };
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
