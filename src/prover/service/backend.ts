/**
 * What makes proofs: the embedded prover, or rapidsnark's binary. Both read the same key and the same witness and give
 * proofs of one form, so everything above is the same for both.
 */
import type { ProvingKey } from '../devkey/index.js';
import type { Groth16Proof } from '../groth16.js';
import type { CircuitInput } from '../witnessCalculator.js';
import { openEmbedded } from './embedded.js';
import { openRapidsnark } from './rapidsnark.js';

export const PROVER_NAMES = ['embedded', 'rapidsnark'] as const;
export type ProverName = (typeof PROVER_NAMES)[number];

export type ProverChoice =
  | { readonly name: 'embedded' }
  | {
      readonly name: 'rapidsnark';
      /** Of the executable. */
      readonly path: string;
      /** Longest that one proof may take, in milliseconds; ten minutes unless told. */
      readonly timeoutMs?: number;
    };

export interface BackendOptions {
  /** Cores that one proof may use. */
  readonly threads: number;
  /** Folder for files that last as long as one proof; the system's folder for temporary files unless told. */
  readonly scratch?: string;
}

/** A prover of one key; one proof at a time. */
export interface Backend {
  /**
   * @throws MeedError when the input does not satisfy the circuit or the prover fails; the signal's AbortError
   */
  prove(input: CircuitInput, signal: AbortSignal): Promise<Groth16Proof>;
  dispose(): Promise<void>;
}

/** @throws MeedError when the key or the executable cannot be used */
export function openBackend(choice: ProverChoice, key: ProvingKey, options: BackendOptions): Promise<Backend> {
  return choice.name === 'embedded' ? openEmbedded(key, options) : openRapidsnark(choice, key, options);
}
