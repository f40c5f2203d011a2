/**
 * One proof of a score matrix, as a task for any worker. The key does not travel: everybody makes the same development key
 * of a circuit, so the worker takes its own and refuses when that is another than the one asked for.
 * Unlike other tasks' outputs the proof's words are random (that is what zero knowledge takes); what is public in it is
 * decided by the input. The traps: the input holds the openings of the shard and the queries, so a queue that carries
 * it must be as private as the index's folder; a proof from elsewhere counts only once it was verified; and the curve
 * library takes every worker thread for one of its own, so all that needs it runs in a process beside.
 */
import { fork } from 'node:child_process';
import { defineTask, errorOf, threadStart } from '../work/index.js';
import type { ProverAnswer, ProverRequest } from './proverProcess.js';
import type { Instance } from './reference/index.js';

/** Field elements are decimal strings. */
export interface ProveInput {
  readonly instance: Instance;
  readonly circuitHash: string;
  /** `verificationKeyHash` of the key that the proof is for. */
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

export default defineTask<ProveInput, Proven>({
  name: 'prover.prove',
  version: 1,
  module: import.meta.url,
  async run(input, context) {
    const prover = await context.open('process', async () => new ProverProcess());
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

/** A process that proves one statement after the other, and ends with the worker that opened it. */
class ProverProcess {
  readonly #child;

  constructor() {
    const { filename, execArgv } = threadStart(import.meta.url, './proverProcess.js');
    this.#child = fork(filename, { execArgv, serialization: 'advanced' });
  }

  prove(input: ProveInput): Promise<Proven> {
    return new Promise((resolve, reject) => {
      const ended = (status: number | null): void => reject(new Error(`the prover's process ended with ${status}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer: ProverAnswer) => {
        this.#child.off('exit', ended);
        if ('proven' in answer) resolve(answer.proven);
        else reject(errorOf(answer.failure, 'The proving'));
      });
      this.#send({ prove: input });
    });
  }

  cancel(): void {
    this.#send('cancel');
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    // it leaves when nobody is connected
    this.#child.disconnect();
    await ended;
  }

  #send(request: ProverRequest): void {
    this.#child.send(request);
  }
}
