/**
 * Jobs on threads of this process, one job a thread, each thread with its own one-thread engine: the fastest way through
 * many small graphs on one machine.
 *
 * The traps. ONNX Runtime's `run` blocks its thread, and terminating a thread inside `run` aborts the whole process; so
 * piscina's own abort, which terminates, is never used. A job is asked to stop through a shared integer that it reads
 * between runs, and threads are ended only when idle. Piscina cannot address one thread, so each is told to dispose
 * what it holds open by as many messages as there are threads, none of which returns before all have arrived.
 */
import { Piscina } from 'piscina';
import { MeedError } from '../foundation/index.js';
import { defaultMemory, workersWithin } from './budget.js';
import { errorOf } from './failure.js';
import { explainMemory } from './outOfMemory.js';
import type { Job, JobWatch, Pool } from './pool.js';
import type { ThreadProgress, ThreadReply, ThreadRequest } from './thread.js';
import { threadStart } from './threadStart.js';

export interface LocalPoolOptions {
  /** Threads; as many as cores and memory allow unless told. */
  readonly workers?: number;
  /** Bytes that all threads share; three quarters of the machine's or container's unless told. */
  readonly memoryBytes?: number;
}

/** @throws MeedError (used wrongly) when the memory is too little for the workers */
export function localPool(options: LocalPoolOptions = {}): Pool {
  return new LocalPool(options);
}

class LocalPool implements Pool {
  readonly name: string;
  readonly slots: number;
  readonly #threads: Piscina<ThreadRequest, ThreadReply>;
  readonly #memoryBytes: number;
  readonly #watches = new Map<number, JobWatch>();
  readonly #inFlight = new Set<Promise<unknown>>();
  #jobs = 0;
  #closed: Promise<void> | undefined;
  #broken: Error | undefined;

  constructor({ workers, memoryBytes = defaultMemory() }: LocalPoolOptions) {
    this.slots = workersWithin(memoryBytes, workers);
    this.name = `${this.slots} thread${this.slots === 1 ? '' : 's'}`;
    this.#memoryBytes = Math.floor(memoryBytes / this.slots);
    this.#threads = new Piscina({
      ...threadStart(import.meta.url, './thread.js'),
      minThreads: this.slots,
      maxThreads: this.slots,
      idleTimeout: Number.POSITIVE_INFINITY,
      resourceLimits: { maxOldGenerationSizeMb: Math.floor(this.#memoryBytes / 2 ** 20) },
    });
    this.#threads.on('message', ({ job, done, total, unit }: ThreadProgress) => {
      this.#watches.get(job)?.progress(done, total, unit);
    });
    // a thread that dies without a job; the next job tells
    this.#threads.on('error', (error: Error) => {
      this.#broken ??= error;
    });
  }

  async run(job: Job, watch: JobWatch): Promise<unknown> {
    if (this.#closed) throw new MeedError('The pool of threads is closed', 'Close it after its last job');
    const running = this.#run(job, watch);
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  async #run({ task, input }: Job, watch: JobWatch): Promise<unknown> {
    if (this.#broken) throw this.#broken;
    const number = ++this.#jobs;
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const stop = (): void => {
      Atomics.store(flag, 0, 1);
    };
    if (watch.signal.aborted) stop();
    watch.signal.addEventListener('abort', stop);
    this.#watches.set(number, watch);
    try {
      const reply = await this.#threads.run({
        job: number,
        task,
        input,
        flag,
        memoryBytes: this.#memoryBytes,
      });
      if (reply.failure) throw errorOf(reply.failure, `The task ${task.name}`);
      return reply.output;
    } catch (error) {
      throw explainMemory(error, task.name, this.#memoryBytes);
    } finally {
      watch.signal.removeEventListener('abort', stop);
      this.#watches.delete(number);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    if (!this.#broken) {
      const barrier = new Int32Array(new SharedArrayBuffer(4));
      const retire = { barrier, threads: this.slots };
      await Promise.all(Array.from({ length: this.slots }, () => this.#threads.run(retire)));
    }
    await this.#threads.destroy();
  }
}
