/**
 * One proof of a score matrix, as a task for any worker. The key does not travel: everybody makes the same development key
 * of a circuit, so the worker takes its own and refuses when that is another than the one asked for.
 * Unlike other tasks' outputs the proof's words are random (that is what zero knowledge takes); what is public in it is
 * decided by the input. The traps: the input holds the openings of the shard and the queries, so a queue that carries
 * it must be as private as the index's folder; a proof from elsewhere counts only once it was verified; and the curve
 * library takes every worker thread for one of its own, so all that needs it runs in a process beside.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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

/** A process that proves one statement after the other, is replaced when it has died, and ends with the worker that opened it. */
class ProverProcess {
  #child: ChildProcess | undefined;

  async prove(input: ProveInput): Promise<Proven> {
    const request = { prove: input };
    let answer = this.#child?.connected ? await answerOf(this.#child, request) : undefined;
    if (!answer) {
      this.#child = startProcess();
      answer = await answerOf(this.#child, request);
    }
    if (!answer) throw new Error("the prover's process cannot be reached");
    if ('proven' in answer) return answer.proven;
    throw errorOf(answer.failure, 'The proving');
  }

  cancel(): void {
    const request: ProverRequest = 'cancel';
    // a process that is gone needs no cancelling
    this.#child?.send(request, () => {});
  }

  async dispose(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    // it leaves when nobody is connected
    if (child.connected) child.disconnect();
    await ended;
  }
}

function startProcess(): ChildProcess {
  const { filename, execArgv } = threadStart(import.meta.url, './proverProcess.js');
  return fork(filename, { execArgv, serialization: 'advanced' });
}

/**
 * Undefined when the request did not reach the process: it has died, and nobody had noticed.
 * @throws Error when the process cannot be started, or ends before it answers
 */
async function answerOf(child: ChildProcess, request: ProverRequest): Promise<ProverAnswer | undefined> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    return await Promise.race([
      // rejects when the process tells an error, such as that it could not be started
      once(child, 'message', { signal }).then(([answer]: ProverAnswer[]) => answer),
      once(child, 'exit', { signal }).then(([status, killedBy]: (number | string | null)[]): never => {
        throw new Error(`the prover's process ended with ${status ?? killedBy}`);
      }),
      new Promise<undefined>((resolve) => {
        child.send(request, (error) => error && resolve(undefined));
      }),
    ]);
  } finally {
    heard.abort();
  }
}
