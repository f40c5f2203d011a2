/**
 * The verification key: its points, and the two kinds against which anybody can forge, γ = ±δ (nobody contributed to
 * phase 2 of the ceremony) and Meed's development key anywhere but on the development chain.
 */
import { DEVELOPMENT_CHAIN, DEVELOPMENT_DELTA_X } from './constants.js';
import { type G1Point, type G2Point, g1Point, g2Point } from './points.js';
import { Refusal } from './reader.js';

export interface Key {
  readonly alpha: G1Point;
  readonly beta: G2Point;
  readonly gamma: G2Point;
  readonly delta: G2Point;
  /** IC_0 … IC_4 */
  readonly inputs: readonly G1Point[];
}

/** @throws Refusal when a point is none, or anybody could forge proofs for the key */
export function readKey(words: readonly bigint[]): Key {
  const g1 = (name: string, at: number): G1Point => named(name, g1Point(words.slice(at, at + 2)));
  const g2 = (name: string, at: number): G2Point => named(name, g2Point(words.slice(at, at + 4)));
  if (words[6] === words[10] && words[7] === words[11]) {
    throw new Refusal('The verification key has gamma = ±delta, so anybody can forge proofs for it.');
  }
  return {
    alpha: g1('alpha', 0),
    beta: g2('beta', 2),
    gamma: g2('gamma', 6),
    delta: g2('delta', 10),
    inputs: [14, 16, 18, 20, 22].map((at, i) => g1(`IC ${i}`, at)),
  };
}

export function isDevelopmentKey(words: readonly bigint[]): boolean {
  return words[10] === DEVELOPMENT_DELTA_X[0] && words[11] === DEVELOPMENT_DELTA_X[1];
}

/** @throws Refusal when the secrets of the key are public and the chain is a real one */
export function requireKeyOfChain(words: readonly bigint[], chainId: bigint): void {
  if (isDevelopmentKey(words) && chainId !== DEVELOPMENT_CHAIN) {
    throw new Refusal(`The key is the development key, whose secrets are public, and chain ${chainId} is a real one.`);
  }
}

function named<P>(name: string, point: P | undefined): P {
  if (point === undefined) throw new Refusal(`The point ${name} of the verification key is no point of its group.`);
  return point;
}
