/**
 * One proof of a score matrix, as a task for any worker. The key does not travel: everybody makes the same development key
 * of a circuit, so the worker takes its own and refuses when that is another than the one asked for.
 * Unlike other tasks' outputs the proof's words are random (that is what zero knowledge takes); what is public in it is
 * decided by the input. The traps: the input holds the openings of the shard and the queries, so a queue that carries
 * it must be as private as the index's folder; and a proof from elsewhere counts only once it was verified.
 */
import { MeedError, sha256 } from '../foundation/index.js';
import { defineTask } from '../work/index.js';
import { compileCircuit } from './circuit.js';
import { developmentKey, type ProvingKey } from './devkey/index.js';
import { prove } from './groth16.js';
import type { Instance } from './reference/index.js';
import { scoreMatrixInput } from './scoreMatrix.js';
import { keyWords, type VerificationKey } from './verificationKey.js';

/** Field elements are decimal strings. */
export interface ProveInput {
  readonly instance: Instance;
  readonly circuitHash: string;
  /** See `verificationKeyHash`. */
  readonly keyHash: string;
  readonly indexId: string;
  readonly shardCommitment: string;
  readonly queryBatchCommitment: string;
  readonly rho: string;
  /** S × d and Q × d, row-major, signed. */
  readonly slots: Int16Array;
  readonly queries: Int16Array;
  readonly slotSalts: readonly string[];
  readonly querySalts: readonly string[];
  /** S · Q */
  readonly scores: BigInt64Array;
  /** Whether the proof has the machine's cores to itself. */
  readonly threads: 'single' | 'all';
}

export interface Proven {
  /** Eight words in the EVM's order. */
  readonly words: readonly string[];
  /** shardCommitment, queryBatchCommitment, rho, evaluation */
  readonly publicSignals: readonly string[];
}

const LOOK_MS = 100;

/** SHA-256 over the words of a verification key: the name of the proving key that goes with it. */
export function verificationKeyHash(key: VerificationKey): string {
  return sha256(`meed/key/v1 ${keyWords(key).join(' ')}`);
}

export default defineTask<ProveInput, Proven>({
  name: 'prover.prove',
  version: 1,
  module: import.meta.url,
  async run(input, context) {
    const { key } = await context.open(input.circuitHash, async () => ({
      key: await ownKey(input),
      dispose() {},
    }));
    refuseOther(key, input);
    context.throwIfCancelled();
    const stop = new AbortController();
    const looking = setInterval(() => {
      if (context.cancelled()) stop.abort();
    }, LOOK_MS);
    try {
      const { words, publicSignals } = await prove(key, circuitInput(input), {
        threads: input.threads,
        signal: stop.signal,
      });
      return { words: words.map(String), publicSignals: publicSignals.map(String) };
    } catch (error) {
      context.throwIfCancelled();
      throw error;
    } finally {
      clearInterval(looking);
    }
  },
});

async function ownKey({ instance, circuitHash }: ProveInput): Promise<ProvingKey> {
  const circuit = await compileCircuit(instance);
  if (circuit.circuitHash !== circuitHash) {
    throw new MeedError(
      `This worker compiles another circuit (${circuit.circuitHash.slice(0, 16)}…) than the one asked for (${circuitHash.slice(0, 16)}…)`,
      'Install the same version of Meed on both sides',
    );
  }
  return developmentKey(circuit);
}

function refuseOther({ verificationKey }: ProvingKey, { keyHash }: ProveInput): void {
  const own = verificationKeyHash(verificationKey);
  if (own === keyHash) return;
  throw new MeedError(
    `This worker's key of the circuit is ${own.slice(0, 16)}…, a proof with ${keyHash.slice(0, 16)}… is asked for`,
    'Prove on the machine that has the key: only development keys are the same everywhere',
  );
}

function circuitInput(input: ProveInput) {
  const { instance, slots, queries, scores } = input;
  const statement = {
    shardCommitment: BigInt(input.shardCommitment),
    queryBatchCommitment: BigInt(input.queryBatchCommitment),
    scores,
  };
  const values = {
    instance,
    indexId: BigInt(input.indexId),
    slots,
    queries,
    slotSalts: input.slotSalts.map(BigInt),
    querySalts: input.querySalts.map(BigInt),
  };
  return scoreMatrixInput(statement, values, BigInt(input.rho));
}
