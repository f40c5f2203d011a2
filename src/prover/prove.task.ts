/**
 * One proof, as a task for any worker. The key does not travel: everybody makes the same development
 * key of a circuit, so the worker takes its own and refuses when that is another than the one asked for.
 * Unlike other tasks' outputs the proof's words are random (that is what zero knowledge takes); what is public in it is
 * decided by the input. The traps: the input holds the openings of the shard and the queries, so a queue that carries
 * it must be as private as the index's folder; a proof from elsewhere counts only once it was verified; and the curve
 * library takes every worker thread for one of its own, so all that needs it runs in a process beside.
 */
import { defineTask } from '../work/index.js';
import { ProverClient } from './service/proverClient.js';
import type { SentSignals } from './service/statement.js';

export interface ProveInput {
  readonly template: string;
  readonly parameters: readonly number[];
  readonly circuitHash: string;
  /** `verificationKeyHash` of the key that the proof is for. */
  readonly keyHash: string;
  readonly signals: SentSignals;
  /** Whether the proof has the worker's cores to itself. */
  readonly threads: 'single' | 'all';
}

/** Numbers are decimal strings. */
export interface Proven {
  /** Eight words in the EVM's order. */
  readonly words: readonly string[];
  /** In the order of the circuit's verification key. */
  readonly publicSignals: readonly string[];
}

const LOOK_MS = 100;

export default defineTask<ProveInput, Proven>({
  name: 'prover.prove',
  version: 2,
  module: import.meta.url,
  async run(input, context) {
    const prover = await context.open('process', async () => new ProverClient());
    const proving = prover.prove(input);
    const looking = setInterval(() => {
      if (context.cancelled()) prover.cancel();
    }, LOOK_MS);
    try {
      return await proving;
    } finally {
      clearInterval(looking);
    }
  },
});
