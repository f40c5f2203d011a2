/** snarkjs as the second opinion on proofs: its form of them, and an end to the workers that it leaves. */
import type { Groth16Proof } from '../../../src/prover/groth16.js';

/** A proof as snarkjs writes it. */
export function snarkProof({ words }: Groth16Proof) {
  const w = words.map(String);
  return {
    pi_a: [w[0], w[1], '1'],
    pi_b: [
      [w[3], w[2]],
      [w[5], w[4]],
      ['1', '0'],
    ],
    pi_c: [w[6], w[7], '1'],
    protocol: 'groth16',
    curve: 'bn128',
  };
}

/** Its functions keep a curve with workers in this global. */
export async function endSnarkjs(): Promise<void> {
  const global = globalThis as { curve_bn128?: { terminate(): Promise<void> } | null };
  await global.curve_bn128?.terminate();
}
