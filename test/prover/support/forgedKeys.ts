/** A verification key in snarkjs' form from the 24 words that the contract takes. */
import type { VerificationKey } from '../../../src/prover/verificationKey.js';

export function verificationKeyOf(words: readonly bigint[]): VerificationKey {
  const g1 = (at: number): string[] => [String(words[at]), String(words[at + 1]), '1'];
  const g2 = (at: number): string[][] => [
    [String(words[at + 1]), String(words[at])],
    [String(words[at + 3]), String(words[at + 2])],
    ['1', '0'],
  ];
  return {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: 4,
    vk_alpha_1: g1(0),
    vk_beta_2: g2(2),
    vk_gamma_2: g2(6),
    vk_delta_2: g2(10),
    IC: [14, 16, 18, 20, 22].map(g1),
  };
}
