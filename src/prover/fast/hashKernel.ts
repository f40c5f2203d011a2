/** The kernel's exports for Poseidon (`kernels/bn254/poseidon.ts`). */

export interface HashKernel {
  /** Bytes of a plan for permutations of t elements. */
  poseidonBytes(t: number, partialRounds: number): number;
  /** Lays out a plan; `constants` are integers of 32 bytes: C, M, P, S. */
  openPoseidon(t: number, partialRounds: number, constants: number, plan: number): void;
  /** out[i] = Poseidon of the t − 1 inputs from i·(t − 1) on; integers of 32 bytes. */
  hashArray(plan: number, inputs: number, out: number, count: number): void;
}

export const HASH_NAMES: readonly (keyof HashKernel)[] = ['poseidonBytes', 'openPoseidon', 'hashArray'];
