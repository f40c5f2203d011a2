/**
 * Groth16 keys and proofs from known secrets: whoever knows α, β, γ, δ can make a proof of anything, because
 * C = (a·b − α·β − γ·input)/δ always exists in the exponent. That lets the contracts be tested without a circuit, and it
 * is the attack for which the development key must be refused on every public chain.
 */
import { createHash } from 'node:crypto';
import { G1, G2, g1Words, g2Words, inverse, multiply, SCALARS, scalar } from './bn254.js';

export interface ForgeableKey {
  readonly alpha: bigint;
  readonly beta: bigint;
  readonly gamma: bigint;
  readonly delta: bigint;
  readonly input: readonly bigint[];
  /** As the verifier's constructor takes it. */
  readonly words: bigint[];
}

function secret(owner: string, name: string): bigint {
  return BigInt(`0x${createHash('sha256').update(`meed ${owner} key: ${name}`).digest('hex')}`) % SCALARS;
}

/**
 * @param owner 'development' for the δ that the contracts know; any other word for a key they cannot know to be bad
 * @param signals public signals of the statement
 */
export function forgeableKey(owner: string, signals = 4): ForgeableKey {
  const [alpha, beta, gamma, delta] = ['alpha', 'beta', 'gamma', 'delta'].map((name) => secret(owner, name));
  const input = Array.from({ length: 1 + signals }, (_, i) => secret(owner, `input ${i}`));
  const words = [
    ...g1Words(multiply(G1, alpha)),
    ...[beta, gamma, delta].flatMap((s) => g2Words(multiply(G2, s))),
    ...input.flatMap((s) => g1Words(multiply(G1, s))),
  ];
  return { alpha, beta, gamma, delta, input, words };
}

/** A proof that verifies for the public signals given. */
export function forgeProof(key: ForgeableKey, signals: readonly bigint[]): bigint[] {
  const [a, b] = [secret('proof', 'a'), secret('proof', 'b')];
  const input = signals.reduce((sum, signal, i) => sum + signal * key.input[i + 1], key.input[0]);
  const c = scalar(a * b - key.alpha * key.beta - key.gamma * input) * inverse(key.delta, SCALARS);
  return forgeProofFrom(a, b, c);
}

/** The proof whose points have these discrete logarithms. */
export function forgeProofFrom(a: bigint, b: bigint, c: bigint): bigint[] {
  return [...g1Words(multiply(G1, a)), ...g2Words(multiply(G2, b)), ...g1Words(multiply(G1, c))];
}
