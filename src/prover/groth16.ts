/**
 * Witnesses, proofs and their verification (Groth 2016), with proofs as the eight words that the EVM's verifier takes.
 * The witness is computed here; the proof in child processes that run snarkjs, so that seconds of
 * arithmetic never hold up the caller's event loop and none of snarkjs' workers outlive the proof.
 * The traps: G2 coordinates stand imaginary part first in the EVM and last in snarkjs; a proof of Groth16 can be changed
 * into another valid one of the same statement, so its hash identifies nothing; verification must refuse public signals
 * of r or more, since x and x + r would be one statement in two forms.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeedError } from '../foundation/index.js';
import type { CompiledCircuit } from './circuit.js';
import { bn254 } from './curve.js';
import type { ProvingKey } from './devkey/index.js';
import { FIELD_MODULUS } from './reference/constants.js';
import { g1Words, g2Words, isG1Point, isG2Point, type VerificationKey } from './verificationKey.js';
import { type CircuitInput, calculateWitness } from './witnessCalculator.js';

export interface Groth16Proof {
  /** pi_a x, y | pi_b x1, x0, y1, y0 | pi_c x, y: eight words in the EVM's order. */
  readonly words: readonly bigint[];
  /** shardCommitment, queryBatchCommitment, rho, evaluation */
  readonly publicSignals: readonly bigint[];
}

const require = createRequire(import.meta.url);

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
  /** Ends the prover's process. */
  readonly signal?: AbortSignal;
}

/**
 * Proves that the input satisfies the key's circuit. Two proofs of one statement differ, being randomised.
 * @throws MeedError when it does not, or the prover fails; the signal's AbortError
 */
export async function prove(key: ProvingKey, input: CircuitInput, options: ProveOptions = {}): Promise<Groth16Proof> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-proof-'));
  try {
    const job = join(folder, 'proof');
    await writeFile(`${job}.wtns`, await witness(key.circuit, input), { mode: 0o600 });
    await runProver(key.zkeyPath, options.threads ?? 'all', [job], () => {}, options.signal);
    return await readProof(job);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Proves many statements of one circuit: as many processes as there are cores, each proving its part one after another.
 * With several at work each is single-threaded, which uses the cores better than one proof spread over all of them.
 * @param done called after each proof with the number finished
 * @throws MeedError when an input does not satisfy the circuit, or the prover fails
 */
export async function proveAll(
  key: ProvingKey,
  inputs: readonly CircuitInput[],
  done: (finished: number) => void = () => {},
): Promise<Groth16Proof[]> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-proof-'));
  try {
    const jobs: string[] = [];
    for (const [i, input] of inputs.entries()) {
      const job = join(folder, String(i));
      await writeFile(`${job}.wtns`, await witness(key.circuit, input), { mode: 0o600 });
      jobs.push(job);
    }
    const processes = Math.max(1, Math.min(jobs.length, availableParallelism()));
    let finished = 0;
    const parts = Array.from({ length: processes }, (_, p) => jobs.filter((_, i) => i % processes === p));
    const threads = processes > 1 ? 'single' : 'all';
    await Promise.all(parts.map((part) => runProver(key.zkeyPath, threads, part, () => done(++finished))));
    return await Promise.all(jobs.map(readProof));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readProof(job: string): Promise<Groth16Proof> {
  const { proof, publicSignals } = JSON.parse(await readFile(`${job}.json`, 'utf8')) as ProofJson;
  return {
    words: [...g1Words(proof.pi_a), ...g2Words(proof.pi_b), ...g1Words(proof.pi_c)],
    publicSignals: publicSignals.map(BigInt),
  };
}

interface ProofJson {
  readonly proof: {
    readonly pi_a: readonly string[];
    readonly pi_b: readonly (readonly string[])[];
    readonly pi_c: readonly string[];
  };
  readonly publicSignals: readonly string[];
}

/** Runs in the child: proves job after job, and says "done" after each. Its input ends when its parent has died, however. */
const PROVER = `
const [entry, zkey, threads, ...jobs] = process.argv.slice(1);
process.stdin.on('end', () => process.exit(1)).resume();
const { groth16 } = require(entry);
const { writeFileSync } = require('node:fs');
(async () => {
  for (const job of jobs) {
    const result = await groth16.prove(zkey, job + '.wtns', undefined, undefined, { singleThread: threads === 'single' });
    writeFileSync(job + '.json', JSON.stringify(result));
    process.stdout.write('done\\n');
  }
  process.exit(0);
})().catch((error) => { console.error(error.message); process.exit(1); });
`;

function runProver(
  zkeyPath: string,
  threads: 'single' | 'all',
  jobs: readonly string[],
  done: () => void,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', PROVER, require.resolve('snarkjs'), zkeyPath, threads, ...jobs], {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      // who has a signal ends the prover with it; an interrupt of the terminal goes to the whole group and would come first
      detached: signal !== undefined,
    });
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) if (line === 'done') done();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve();
      else
        reject(new MeedError(`The prover failed: ${log.trim()}`, 'Delete the keys in the cache folder and try again'));
    });
  });
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
