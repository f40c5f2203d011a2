/**
 * The five secrets of a Groth16 setup, which here are no secrets: each is the hash of its own name, so that everybody
 * derives the same development key and nobody mistakes it for a safe one. Whoever knows them can forge proofs.
 * Names follow Groth (2016), section 3.2.
 */
import { MeedError, sha256 } from '../../foundation/index.js';
import { FIELD_MODULUS } from '../reference/constants.js';

export interface ToxicWaste {
  readonly tau: bigint;
  readonly alpha: bigint;
  readonly beta: bigint;
  readonly gamma: bigint;
  readonly delta: bigint;
}

export function developmentWaste(): ToxicWaste {
  const scalar = (name: string): bigint => BigInt(`0x${sha256(`meed development key: ${name}`)}`) % FIELD_MODULUS;
  return {
    tau: scalar('tau'),
    alpha: scalar('alpha'),
    beta: scalar('beta'),
    gamma: scalar('gamma'),
    delta: scalar('delta'),
  };
}

export function modulo(x: bigint): bigint {
  const rest = x % FIELD_MODULUS;
  return rest < 0n ? rest + FIELD_MODULUS : rest;
}

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % FIELD_MODULUS;
    square = (square * square) % FIELD_MODULUS;
  }
  return result;
}

/** 1/x by Fermat. @throws MeedError for 0 */
export function inverse(x: bigint): bigint {
  if (modulo(x) === 0n) throw new MeedError('Zero has no inverse in the field', 'Choose another setup value');
  return power(x, FIELD_MODULUS - 2n);
}
