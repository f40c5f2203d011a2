/**
 * Where jobs run. A pool runs single jobs and knows nothing of maps, order or stores; so the same map runs inline, on threads, or on other machines, and gives the same bits.
 */
import type { EncodedInput } from './jobKey.js';
import type { TaskReference } from './task.js';

export interface Job {
  readonly task: TaskReference;
  readonly input: unknown;
  /** SHA-256 that names the job; made when first asked for, since hashing a large input takes its time. */
  key(): string;
  /** The input as it is sent, made anew at every call: it is not kept. */
  encoded(): EncodedInput;
}

export interface JobWatch {
  /** Asks the job to stop at its next look. */
  readonly signal: AbortSignal;
  /** How far the job says it is. */
  progress(done: number, total: number, unit: string): void;
  /** A sentence for the person who waits. */
  notice(sentence: string): void;
}

export interface Pool {
  /** For a person: "2 threads". */
  readonly name: string;
  /** Jobs in flight at once. */
  readonly slots: number;
  /**
   * Runs one job and returns its output.
   * @throws MeedError as the task throws it, when memory runs out, or when the pool cannot run jobs; CancelledError
   *   after the signal; other errors are defects of the task
   */
  run(job: Job, watch: JobWatch): Promise<unknown>;
  /** Waits for the jobs in flight and frees everything. */
  close(): Promise<void>;
}
