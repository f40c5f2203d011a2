/**
 * Poseidon over BN254 with circomlib's constants, and the chain that absorbs 15 elements a permutation.
 * The idea: elements stay in the library's Montgomery bytes between hashes, because turning them into bigints and back
 * costs as much as a small permutation. The trap: the library hands out views of its memory's values; they are copied.
 */
import { buildPoseidon, type Poseidon } from 'circomlibjs';
import { CHAIN_RATE } from './constants.js';

let instance: Promise<Poseidon> | undefined;

export interface Hasher {
  /** Poseidon of 1 … 16 inputs. */
  hash(inputs: readonly bigint[]): bigint;
  /** chain(start, elements) of docs/protocol.md. */
  chain(start: bigint, elements: readonly bigint[]): bigint;
}

/** Loads the hasher once a process (about 0.2 s). */
export async function loadHasher(): Promise<Hasher> {
  instance ??= buildPoseidon();
  const poseidon = await instance;
  const hash = (inputs: readonly bigint[]): bigint => poseidon.F.toObject(poseidon(inputs));
  const chain = (start: bigint, elements: readonly bigint[]): bigint => {
    let state = start;
    for (let i = 0; i < elements.length; i += CHAIN_RATE) state = hash([state, ...elements.slice(i, i + CHAIN_RATE)]);
    return state;
  };
  return { hash, chain };
}
