/**
 * The two random scalars of a proof, which make it zero knowledge (Groth 2016, section 3.2): two proofs of one statement
 * with one blinding are the same, and a blinding that is known or used twice gives the witness' sums away.
 */
import { randomBytes } from 'node:crypto';
import { FIELD_MODULUS } from '../reference/constants.js';

export interface Blinding {
  readonly r: bigint;
  readonly s: bigint;
}

/** 384 random bits modulo a prime of 254 are uniform but for 2^-130. */
const SCALAR_BYTES = 48;

export function randomBlinding(): Blinding {
  const scalar = (): bigint => BigInt(`0x${randomBytes(SCALAR_BYTES).toString('hex')}`) % FIELD_MODULUS;
  return { r: scalar(), s: scalar() };
}
