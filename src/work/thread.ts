/** What a thread of the local pool runs: one message is one job, and one reply. */
import { parentPort } from 'node:worker_threads';
import { type Failure, failureOf } from './failure.js';
import { Openings } from './openings.js';
import { perform } from './perform.js';
import type { TaskReference } from './task.js';

export type ThreadRequest = JobRequest | RetireRequest;

export interface JobRequest {
  readonly job: number;
  readonly task: TaskReference;
  readonly input: unknown;
  /** One shared integer: not zero asks the job to stop. */
  readonly flag: Int32Array;
  readonly memoryBytes: number;
}

/** Dispose what is open, then wait until all threads have come here, so that each gets one of these messages. */
export interface RetireRequest {
  readonly threads: number;
  /** One shared integer: threads that are here. */
  readonly barrier: Int32Array;
}

export interface ThreadReply {
  readonly output?: unknown;
  readonly failure?: Failure;
}

export interface ThreadProgress {
  readonly job: number;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

const PROGRESS_MS = 100;
/** A thread that does not come within this time has died; the others need not wait. */
const BARRIER_MS = 10_000;

const openings = new Openings();

export default async function answer(request: ThreadRequest): Promise<ThreadReply> {
  try {
    return 'job' in request ? { output: await run(request) } : await retire(request);
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function run({ job, task, input, flag, memoryBytes }: JobRequest): Promise<unknown> {
  let told = 0;
  return perform(task, input, {
    openings,
    memoryBytes,
    cancelled: () => Atomics.load(flag, 0) !== 0,
    progress(done, total, unit) {
      const now = performance.now();
      if (now - told < PROGRESS_MS) return;
      told = now;
      const message: ThreadProgress = { job, done, total, unit };
      parentPort?.postMessage(message);
    },
  });
}

async function retire({ threads, barrier }: RetireRequest): Promise<ThreadReply> {
  await openings.dispose();
  Atomics.add(barrier, 0, 1);
  Atomics.notify(barrier, 0);
  const latest = performance.now() + BARRIER_MS;
  for (;;) {
    const here = Atomics.load(barrier, 0);
    const left = latest - performance.now();
    if (here >= threads || left <= 0) return {};
    Atomics.wait(barrier, 0, here, left);
  }
}
