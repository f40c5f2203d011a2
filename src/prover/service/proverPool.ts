/**
 * Provers of this machine as a pool of work: one process a slot, each with its own key in memory. No threads in between:
 * a process proves beside the caller as it is, and can be ended without harm.
 */
import { MeedError } from '../../foundation/index.js';
import type { Job, JobWatch, Pool } from '../../work/index.js';
import type { ProveInput } from '../prove.task.js';
import proveTask from '../prove.task.js';
import type { ProverSettings } from '../proverProcess.js';
import { ProverClient } from './proverClient.js';

export class ProverPool implements Pool {
  readonly name: string;
  readonly slots: number;
  readonly #all: readonly ProverClient[];
  readonly #idle: ProverClient[];
  #closed = false;

  /** @param provers number of processes; they start with their first statements */
  constructor(provers: number, settings: ProverSettings) {
    this.slots = provers;
    this.name = `${provers} prover${provers === 1 ? '' : 's'}`;
    this.#all = Array.from({ length: provers }, () => new ProverClient(settings));
    this.#idle = [...this.#all];
  }

  /** Sum over the processes of the most memory that each has had, in bytes. */
  get peakBytes(): number {
    return this.#all.reduce((sum, { peakBytes }) => sum + peakBytes, 0);
  }

  async run(job: Job, { signal }: JobWatch): Promise<unknown> {
    if (job.task.name !== proveTask.name) throw new Error(`a prover was given a job of ${job.task.name}`);
    const prover = this.#closed ? undefined : this.#idle.pop();
    if (!prover) {
      throw new MeedError(
        this.#closed ? 'The provers are closed' : `All ${this.name} are at work`,
        'Run as many jobs at once as the pool has slots',
      );
    }
    const stop = (): void => prover.cancel();
    signal.addEventListener('abort', stop);
    try {
      const proving = prover.prove(job.input as ProveInput);
      if (signal.aborted) stop();
      return await proving;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#idle.push(prover);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#all.map((prover) => prover.dispose()));
  }
}
