/**
 * Witnesses, proofs and their verification (Groth 2016), with proofs as the eight words that the EVM's verifier takes.
 * Proofs are made by Meed's own prover (`fast/`): the arithmetic is in threads, so the caller's event loop goes on, and
 * nothing of a witness is written to the disk.
 * The traps: a proof of Groth16 can be changed into another valid one of the same statement, so its hash identifies
 * nothing; verification must refuse public signals of r or more, since x and x + r would be one statement in two forms.
 */
import { availableParallelism } from 'node:os';
import type { CompiledCircuit } from './circuit.js';
import { bn254 } from './curve.js';
import type { ProvingKey } from './devkey/index.js';
import { openProver } from './fast/index.js';
import { FIELD_MODULUS } from './reference/constants.js';
import { g1Words, g2Words, isG1Point, isG2Point, type VerificationKey } from './verificationKey.js';
import { type CircuitInput, calculateWitness, WitnessGenerator } from './witnessCalculator.js';

export interface Groth16Proof {
  /** pi_a x, y | pi_b x1, x0, y1, y0 | pi_c x, y: eight words in the EVM's order. */
  readonly words: readonly bigint[];
  /** shardCommitment, queryBatchCommitment, rho, evaluation */
  readonly publicSignals: readonly bigint[];
}

/**
 * Values of all wires, as the bytes of a .wtns file.
 * @throws MeedError when a signal is missing or the input does not satisfy the circuit
 */
export function witness(circuit: CompiledCircuit, input: CircuitInput): Promise<Uint8Array> {
  return calculateWitness(circuit.wasmPath, input);
}

export interface ProveOptions {
  /** Of the prover: `all` cores unless told; `single` where several proofs are made at once. */
  readonly threads?: 'single' | 'all';
  /** Ends the proof between two of its stages. */
  readonly signal?: AbortSignal;
}

/**
 * Proves that the input satisfies the key's circuit. Two proofs of one statement differ, being randomised.
 * @throws MeedError when it does not, or the key cannot be used; the signal's reason
 */
export async function prove(key: ProvingKey, input: CircuitInput, options: ProveOptions = {}): Promise<Groth16Proof> {
  const wtns = await witness(key.circuit, input);
  const prover = await openProver(key, { threads: options.threads === 'single' ? 1 : availableParallelism() });
  try {
    return await prover.prove(wtns, { signal: options.signal });
  } finally {
    await prover.dispose();
  }
}

/**
 * Proves many statements of one circuit, one after the other on all cores; the key is parsed once.
 * @param done called after each proof with the number finished
 * @throws MeedError when an input does not satisfy the circuit, or the key cannot be used
 */
export async function proveAll(
  key: ProvingKey,
  inputs: readonly CircuitInput[],
  done: (finished: number) => void = () => {},
): Promise<Groth16Proof[]> {
  if (inputs.length === 0) return [];
  const generator = await WitnessGenerator.open(key.circuit.wasmPath);
  const prover = await openProver(key, { threads: availableParallelism() });
  try {
    const proofs: Groth16Proof[] = [];
    for (const input of inputs) {
      proofs.push(await prover.prove(await generator.calculate(input)));
      done(proofs.length);
    }
    return proofs;
  } finally {
    await prover.dispose();
  }
}

/**
 * Whether the proof shows the statement: e(A, B) = e(α, β) · e(Σ x_i IC_i, γ) · e(C, δ).
 * False for signals outside [0, r) and for words that are no points of their groups; the key is taken as sound, see
 * `assertKeyIsSound`.
 */
export async function verify(
  key: VerificationKey,
  publicSignals: readonly bigint[],
  words: readonly bigint[],
): Promise<boolean> {
  if (publicSignals.length !== key.nPublic || words.length !== 8) return false;
  if (publicSignals.some((signal) => signal < 0n || signal >= FIELD_MODULUS)) return false;
  const [a, b, c] = [words.slice(0, 2), words.slice(2, 6), words.slice(6, 8)];
  if (!(await isG1Point(a)) || !(await isG2Point(b)) || !(await isG1Point(c))) return false;

  const curve = await bn254();
  const { G1, G2 } = curve;
  const g1 = (point: readonly bigint[]): Uint8Array => G1.fromObject([point[0], point[1], 1n]);
  const g2 = (point: readonly bigint[]): Uint8Array =>
    G2.fromObject([
      [point[1], point[0]],
      [point[3], point[2]],
      [1n, 0n],
    ]);
  const statement = publicSignals.reduce(
    (sum, signal, i) => G1.add(sum, G1.timesScalar(g1(g1Words(key.IC[i + 1])), signal)),
    g1(g1Words(key.IC[0])),
  );
  return curve.pairingEq(
    G1.neg(g1(a)),
    g2(b),
    g1(g1Words(key.vk_alpha_1)),
    g2(g2Words(key.vk_beta_2)),
    statement,
    g2(g2Words(key.vk_gamma_2)),
    g1(c),
    g2(g2Words(key.vk_delta_2)),
  );
}
