/**
 * A worker: takes jobs from the queue, runs them on its own threads, and leaves their results in Redis. The main thread
 * stays free, so that it can keep renewing the lock of each job; a worker that dies stops renewing, and after the lock
 * has run out the job goes to another. A job that fails by a refusal fails at once, since it would fail again; any other
 * error is tried on another worker first.
 */
import { hostname } from 'node:os';
import { type Job as BullJob, Queue, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { MeedError, messageOf } from '../../foundation/index.js';
import { defaultMemory } from '../budget.js';
import { CancelledError } from '../cancelled.js';
import { decode } from '../codec.js';
import { type Failure, failureOf } from '../failure.js';
import { InputEncoder, jobKey } from '../jobKey.js';
import { localPool } from '../localPool.js';
import type { Pool } from '../pool.js';
import { probePool } from '../probe.js';
import type { Registry } from '../registry.js';
import { BlobCache } from './blobCache.js';
import { getBlob, getResult, putResult } from './blobs.js';
import { Connection } from './connection.js';
import { CANCEL_CHANNEL, cancelledName, type JobRecord, PREFIX, QUEUE, readJobRecord } from './jobRecord.js';

export interface QueueWorkerOptions {
  /** The tasks that are served. */
  readonly registry: Registry;
  /** Threads, as of the local pool. */
  readonly workers?: number;
  /** Bytes that all threads share, as of the local pool. */
  readonly memoryBytes?: number;
  /** 'drained' leaves when the queue is empty; 'never', the default, waits for more. */
  readonly leaves?: 'never' | 'drained';
  /** Finish the running jobs, then leave. */
  readonly finish?: AbortSignal;
  /** Put the running jobs back into the queue as soon as they can stop, then leave. */
  readonly stop?: AbortSignal;
  /** A dead worker's job goes to another after about this time; 10 unless told. */
  readonly lockSeconds?: number;
  /** How long a lost connection is tried again, 30 unless told. */
  readonly reconnectSeconds?: number;
  readonly onEvent?: (event: WorkerEvent) => void;
}

export type WorkerEvent =
  | { readonly event: 'ready'; readonly queue: string; readonly threads: number; readonly tasks: readonly string[] }
  | { readonly event: 'done'; readonly task: string; readonly key: string; readonly seconds: number }
  | { readonly event: 'found'; readonly task: string; readonly key: string }
  | { readonly event: 'failed'; readonly task: string; readonly error: string }
  | { readonly event: 'returned'; readonly task: string; readonly key: string }
  | { readonly event: 'notice'; readonly sentence: string }
  | { readonly event: 'finishing'; readonly running: number }
  | { readonly event: 'left' };

const LOCK_SECONDS = 10;
/** Often enough for machines that come and go; a job that kills its worker ends all the same. */
const MOST_DEATHS = 10;
/** Part of the memory budget that holds inputs which several jobs share. */
const CACHE_SHARE = 1 / 8;
const PROGRESS_MS = 1_000;
const DRAINED_MS = 250;

/**
 * Serves until told to leave.
 * @throws MeedError when the server cannot be used, or is lost for good
 */
export async function runWorker(url: string, options: QueueWorkerOptions): Promise<void> {
  const tell = options.onEvent ?? (() => {});
  const notice = (sentence: string): void => tell({ event: 'notice', sentence });
  const connection = await Connection.open(url, notice, options.reconnectSeconds);
  const memoryBytes = options.memoryBytes ?? defaultMemory();
  try {
    const pool = localPool({ workers: options.workers, memoryBytes: Math.floor(memoryBytes * (1 - CACHE_SHARE)) });
    try {
      await probePool(pool);
      const cache = new BlobCache(memoryBytes * CACHE_SHARE, (hash) => getBlob(connection.client, hash));
      await serve(connection, pool, cache, tell, options);
      tell({ event: 'left' });
    } finally {
      await pool.close();
    }
  } finally {
    await connection.close();
  }
}

async function serve(
  connection: Connection,
  pool: Pool,
  cache: BlobCache,
  tell: (event: WorkerEvent) => void,
  options: QueueWorkerOptions,
): Promise<void> {
  const { registry, finish, stop, lockSeconds = LOCK_SECONDS } = options;
  const hearing = connection.client.duplicate();
  hearing.on('error', () => {});
  const attendant = new Attendant(connection.client, pool, cache, registry, tell, stop);
  await hearing.subscribe(CANCEL_CHANNEL);
  hearing.on('message', (_channel, id) => attendant.cancel(id));
  const worker = new Worker<JobRecord, null>(QUEUE, (job, token) => attendant.attend(job, token), {
    connection: connection.client,
    prefix: PREFIX,
    name: `${hostname()}-${process.pid}`,
    concurrency: pool.slots,
    lockDuration: 1000 * lockSeconds,
    stalledInterval: 500 * lockSeconds,
    maxStalledCount: MOST_DEATHS,
  });
  let lastError = '';
  worker.on('error', (error) => {
    if (error.message === lastError || connection.client.status !== 'ready') return;
    lastError = error.message;
    tell({ event: 'notice', sentence: `The queue answers: ${error.message}` });
  });
  let lost: MeedError | undefined;
  try {
    await worker.waitUntilReady();
    tell({ event: 'ready', queue: connection.shown, threads: pool.slots, tasks: [...registry.keys()] });
    lost = await Promise.race([
      connection.lost,
      aborted(finish),
      aborted(stop),
      ...(options.leaves === 'drained' ? [drained(connection.client)] : []),
    ]);
    if (lost) throw lost;
    tell({ event: 'finishing', running: attendant.running });
  } finally {
    // with nobody to tell, the jobs that run are not waited for here but by their pool
    await worker.close(lost !== undefined);
    hearing.disconnect();
  }
}

/** Does what the queue asks for, job by job. */
class Attendant {
  readonly #running = new Map<string, AbortController>();

  constructor(
    readonly client: Redis,
    readonly pool: Pool,
    readonly cache: BlobCache,
    readonly registry: Registry,
    readonly tell: (event: WorkerEvent) => void,
    readonly stop: AbortSignal | undefined,
  ) {}

  get running(): number {
    return this.#running.size;
  }

  cancel(id: string): void {
    this.#running.get(id)?.abort();
  }

  async attend(job: BullJob<JobRecord, null>, token: string | undefined): Promise<null> {
    const id = job.id ?? '';
    const own = new AbortController();
    this.#running.set(id, own);
    try {
      const record = readJobRecord(job.data);
      const signal = this.stop ? AbortSignal.any([own.signal, this.stop]) : own.signal;
      if ((await this.client.exists(cancelledName(id))) === 1) throw new CancelledError(`The task ${record.task}`);
      await this.#run(record, signal, reporter(job));
      return null;
    } catch (error) {
      if (error instanceof CancelledError && this.stop?.aborted && !own.signal.aborted) {
        await job.moveToWait(token);
        this.tell({ event: 'returned', task: job.name, key: job.data.key });
        throw new WaitingError();
      }
      throw this.#failed(job.name, error);
    } finally {
      this.#running.delete(id);
    }
  }

  async #run(record: JobRecord, signal: AbortSignal, progress: (done: number, total: number, unit: string) => void) {
    const { task, version, key } = record;
    const module = this.registry.get(task);
    if (module === undefined) {
      throw new MeedError(
        `The worker on ${hostname()} does not serve the task ${task}`,
        'Install the same version of Meed on both sides',
      );
    }
    if (await getResult(this.client, key)) {
      this.tell({ event: 'found', task, key });
      return;
    }
    const begun = performance.now();
    const input = await this.#input(record);
    const output = await this.pool.run(
      {
        task: { name: task, version, module },
        input,
        key: () => key,
        encoded: () => new InputEncoder().encode(input),
      },
      { signal, progress, notice: (sentence) => this.tell({ event: 'notice', sentence }) },
    );
    await putResult(this.client, { key, task, version, output });
    this.tell({ event: 'done', task, key, seconds: (performance.now() - begun) / 1000 });
  }

  async #input({ task, version, key, tree, arrays }: JobRecord): Promise<unknown> {
    const bytes = await this.cache.get(tree);
    if (jobKey({ name: task, version }, bytes) !== key) {
      throw new MeedError(
        `A job of the task ${task} does not carry the input that its key names`,
        'Run the command again',
      );
    }
    const blobs = new Map<string, Uint8Array>();
    for (const hash of arrays) blobs.set(hash, await this.cache.get(hash));
    return decode(bytes, (hash) => blobs.get(hash));
  }

  /** The error that tells the queue whether to try again, with the failure as its message. */
  #failed(task: string, error: unknown): Error {
    const failure = failureOf(error);
    this.tell({ event: 'failed', task, error: failure.kind === 'defect' ? failure.stack : messageOf(error) });
    const text = JSON.stringify(withoutStack(failure));
    return failure.kind === 'defect' ? new Error(text) : new UnrecoverableError(text);
  }
}

function withoutStack(failure: Failure): Failure {
  return failure.kind === 'defect'
    ? { ...failure, message: `${failure.message} (on ${hostname()})`, stack: '' }
    : failure;
}

/** Tells the caller how far a job is, seldom enough for the network. */
function reporter(job: BullJob<JobRecord, null>): (done: number, total: number, unit: string) => void {
  let told = 0;
  return (done, total, unit) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS) return;
    told = now;
    // progress that is lost with the connection, or comes after the job has ended, is no loss
    job.updateProgress({ done, total, unit }).catch(() => {});
  };
}

async function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  if (signal?.aborted) return;
  await new Promise((resolve) => signal?.addEventListener('abort', resolve));
}

/** Resolves when no job waits and none runs, here or elsewhere. */
async function drained(client: Redis): Promise<undefined> {
  const queue = new Queue(QUEUE, { connection: client, prefix: PREFIX });
  queue.on('error', () => {});
  for (;;) {
    const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
    if (Object.values(counts).every((count) => count === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, DRAINED_MS));
  }
}
