/**
 * A Groth16 proving key with its circuit, from either of two sources: secrets that everybody knows (devkey/), or a
 * ceremony (ceremony/), whose secrets nobody has if one of its contributors was honest.
 * The trap: both make proofs that verify, so what a key came from travels with it and is asked for where money hangs on it.
 */
import type { CompiledCircuit } from './circuit.js';
import type { VerificationKey } from './verificationKey.js';

export interface ProvingKey {
  readonly circuit: CompiledCircuit;
  readonly zkeyPath: string;
  readonly verificationKey: VerificationKey;
  /** True when the setup's secrets are known: whoever has them can prove anything. */
  readonly forgeable: boolean;
  /** Where the key comes from; a development key has none. */
  readonly ceremony?: CeremonyOrigin;
}

/** What ties a deployed verifier to its circuit and to the ceremony that made its key. */
export interface KeySeal {
  /** SHA-256 of the .r1cs file, hex. */
  readonly circuitHash: string;
  /** keccak256 of the key's words as the contract takes them, bytes32 hex. */
  readonly keyHash: string;
  /** Id of the transcript's last record, SHA-256, hex. */
  readonly transcriptHash: string;
}

export interface CeremonyOrigin {
  readonly seal: KeySeal;
  readonly transcriptPath: string;
  /** What was recorded when this machine verified the ceremony; absent when it never did. */
  readonly verified?: KeySeal;
}
