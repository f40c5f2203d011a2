/**
 * A map over samples: one task, many inputs, outputs in the order of the inputs whatever finished first. This is how
 * factors, sketches, retrainings and proofs are made. The outputs do not depend on the pool, on the number of workers or
 * on what an earlier run left in the store: each is a pure function of its input.
 */
import { setMaxListeners } from 'node:events';
import { type Progress, silent } from '../foundation/index.js';
import { CancelledError } from './cancelled.js';
import { inlinePool } from './inlinePool.js';
import { InputEncoder, jobKey } from './jobKey.js';
import type { Job, Pool } from './pool.js';
import { ResultStore } from './resultStore.js';
import type { Task } from './task.js';

export interface MapOptions {
  /** Where the jobs run; this thread unless told. The caller closes it. */
  readonly where?: Pool;
  /** Told (jobs done, jobs, unit); the jobs that run count by the part they say is done. */
  readonly progress?: Progress;
  /** What the jobs are, for a person: "retrainings". */
  readonly unit?: string;
  /** Stops the work: no job begins any more, those that run stop at their next look. */
  readonly signal?: AbortSignal;
  /** Folder that keeps finished jobs, so that a second run goes on from there. */
  readonly store?: string;
  /** Told what a person should know: how many jobs were found, what was damaged, what is waited for. */
  readonly notice?: (sentence: string) => void;
}

/**
 * @param inputs not to be changed before the map has ended
 * @returns one output per input, in their order
 * @throws the first error of a job, after those in flight have stopped; CancelledError after the signal
 */
export async function runMap<Input, Output>(
  task: Task<Input, Output>,
  inputs: readonly Input[],
  options: MapOptions = {},
): Promise<Output[]> {
  const { progress = silent, unit = `jobs of ${task.name}`, notice = () => {} } = options;
  const where = options.where ?? inlinePool();
  try {
    const encoder = new InputEncoder();
    const jobs = inputs.map((input) => jobOf(task, input, encoder));
    const store = options.store === undefined ? undefined : await ResultStore.open(options.store);
    const outputs = store ? await resume(jobs, store, notice) : new Map<number, unknown>();
    const tally = new Tally(outputs.size, (done) => progress(done, inputs.length, unit));
    const missing = jobs.map((_, i) => i).filter((i) => !outputs.has(i));
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal;
    // each job in flight listens
    setMaxListeners(0, signal);
    let failure: { readonly error: unknown } | undefined;

    const lane = async (): Promise<void> => {
      for (let i = missing.shift(); i !== undefined && !signal.aborted; i = missing.shift()) {
        const index = i;
        const job = jobs[index];
        try {
          const output = await where.run(job, {
            signal,
            progress: (done, total) => tally.part(index, done / total),
            notice,
          });
          await store?.write({ key: job.key(), task: task.name, version: task.version, output });
          outputs.set(index, output);
          tally.finished(index);
        } catch (error) {
          failure ??= { error };
          stop.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(where.slots, missing.length) }, lane));
    if (options.signal?.aborted && outputs.size < inputs.length) {
      throw new CancelledError(
        `The work on ${unit} (${outputs.size} of ${inputs.length} done)`,
        store ? 'Run the same command again; what is finished is kept' : undefined,
      );
    }
    if (failure) throw failure.error;
    return jobs.map((_, i) => outputs.get(i) as Output);
  } finally {
    if (!options.where) await where.close();
  }
}

function jobOf<Input, Output>(task: Task<Input, Output>, input: Input, encoder: InputEncoder): Job {
  let key: string | undefined;
  return {
    task: { name: task.name, version: task.version, module: task.module },
    input,
    encoded: () => encoder.encode(input),
    key() {
      key ??= jobKey(task, encoder.encode(input).tree);
      return key;
    },
  };
}

/** Outputs of an earlier run, by index. */
async function resume(
  jobs: readonly Job[],
  store: ResultStore,
  notice: (sentence: string) => void,
): Promise<Map<number, unknown>> {
  const outputs = new Map<number, unknown>();
  let damaged = 0;
  for (const [i, job] of jobs.entries()) {
    const stored = await store.read(job.key());
    if (stored.state === 'found') outputs.set(i, stored.output);
    if (stored.state === 'damaged') damaged++;
  }
  if (outputs.size > 0) notice(`${outputs.size} of ${jobs.length} jobs were found finished in ${store.folder}`);
  if (damaged > 0) notice(`${damaged} results in ${store.folder} are damaged and are computed again`);
  return outputs;
}

/** Counts finished jobs and the finished parts of those that run. */
class Tally {
  readonly #report: (done: number) => void;
  readonly #parts = new Map<number, number>();
  readonly #finished = new Set<number>();
  readonly #resumed: number;

  constructor(resumed: number, report: (done: number) => void) {
    this.#resumed = resumed;
    this.#report = report;
    this.#tell();
  }

  part(index: number, share: number): void {
    // a message may come after the result
    if (this.#finished.has(index)) return;
    this.#parts.set(index, Math.min(1, Math.max(0, share)));
    this.#tell();
  }

  finished(index: number): void {
    this.#parts.delete(index);
    this.#finished.add(index);
    this.#tell();
  }

  #tell(): void {
    let parts = 0;
    for (const share of this.#parts.values()) parts += share;
    this.#report(this.#resumed + this.#finished.size + parts);
  }
}
