/**
 * Jobs on other machines, through BullMQ on Redis. A job's input lies in Redis under its hash, its result under its key,
 * and the queue holds a small record; so a job that is done twice (its worker died, or seemed to) has one result, and
 * the caller collects by key: nothing is lost and nothing comes twice.
 *
 * The trap: an event tells that a job has ended, and events can be missed while a connection is away. So jobs that are
 * waited for are also looked at every few seconds, and only the result that lies in Redis counts.
 *
 * Who may write to Redis may forge results: give it a password, TLS and a network of its own, as one would a disk.
 */
import { randomBytes } from 'node:crypto';
import { type JobProgress, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { MeedError, messageOf, sha256 } from '../../foundation/index.js';
import { CancelledError } from '../cancelled.js';
import { errorOf, readFailure } from '../failure.js';
import type { Job, JobWatch, Pool } from '../pool.js';
import { getResult, putBlob, resultCollected } from './blobs.js';
import { Connection } from './connection.js';
import { CANCEL_CHANNEL, cancelledName, type JobRecord, PREFIX, QUEUE } from './jobRecord.js';

export interface QueuePoolOptions {
  /** Jobs in the queue at once, 64 unless told: more than the workers of all machines together. */
  readonly concurrencyHint?: number;
  /** How long to wait while no worker is there, 300 unless told. */
  readonly timeoutSeconds?: number;
  /** How long a lost connection is tried again, 30 unless told. */
  readonly reconnectSeconds?: number;
}

const CONCURRENCY = 64;
const TIMEOUT_SECONDS = 300;
const LOOK_MS = 2_000;
const ATTEMPTS = 3;
const RETRY_MS = 500;
const CANCELLED_SECONDS = 86_400;
/** Ended jobs' records stay a little, for a caller that missed the event. */
const ENDED = { age: 3_600, count: 1_000 } as const;

interface Waiting {
  readonly task: string;
  readonly watch: JobWatch;
  /** Undefined until the job is in the queue: before, its absence says nothing. */
  added: number | undefined;
  ended(): void;
  failed(error: Error): void;
}

/**
 * @param url redis://[user:password@]host[:port][/database], or rediss:// for TLS
 * @throws MeedError when the address is malformed or the server cannot be used, within seconds
 */
export async function queuePool(url: string, options: QueuePoolOptions = {}): Promise<Pool> {
  const relay: { notice(sentence: string): void } = { notice: () => {} };
  const connection = await Connection.open(url, (sentence) => relay.notice(sentence), options.reconnectSeconds);
  const pool = new QueuePool(connection, options);
  relay.notice = (sentence) => pool.tell(sentence);
  try {
    await pool.ready();
  } catch (error) {
    await pool.close();
    throw error;
  }
  return pool;
}

class QueuePool implements Pool {
  readonly name: string;
  readonly slots: number;
  readonly #connection: Connection;
  readonly #client: Redis;
  readonly #queue: Queue<JobRecord>;
  readonly #events: QueueEvents;
  readonly #waiting = new Map<string, Waiting>();
  readonly #timeoutSeconds: number;
  readonly #run = randomBytes(8).toString('hex');
  readonly #looking: NodeJS.Timeout;
  #jobs = 0;
  #aloneSince: number | undefined;
  #toldAlone = false;
  #broken: MeedError | undefined;

  constructor(connection: Connection, options: QueuePoolOptions) {
    this.#connection = connection;
    this.#client = connection.client;
    this.name = `workers of ${connection.shown}`;
    this.slots = options.concurrencyHint ?? CONCURRENCY;
    this.#timeoutSeconds = options.timeoutSeconds ?? TIMEOUT_SECONDS;
    this.#queue = new Queue(QUEUE, { connection: this.#client, prefix: PREFIX });
    this.#events = new QueueEvents(QUEUE, { connection: this.#client, prefix: PREFIX });
    // the connection itself tells when it is lost for good
    this.#queue.on('error', () => {});
    this.#events.on('error', () => {});
    this.#events.on('completed', ({ jobId }) => this.#waiting.get(jobId)?.ended());
    this.#events.on('failed', ({ jobId, failedReason }) => this.#failed(jobId, failedReason));
    this.#events.on('progress', ({ jobId, data }) => this.#progress(jobId, data));
    void connection.lost.then((error) => this.#break(error));
    this.#looking = setInterval(() => {
      // a look that fails because the connection is away is followed by another, or by the loss of the connection
      this.#look().catch((error: unknown) => this.#lookFailed(error));
    }, LOOK_MS);
  }

  async ready(): Promise<void> {
    await this.#queue.waitUntilReady();
    await this.#events.waitUntilReady();
  }

  tell(sentence: string): void {
    const [first] = this.#waiting.values();
    first?.watch.notice(sentence);
  }

  async run(job: Job, watch: JobWatch): Promise<unknown> {
    if (this.#broken) throw this.#broken;
    try {
      return await this.#runJob(job, watch);
    } catch (error) {
      // commands that were under way when the connection ended say only that
      if (!(error instanceof MeedError) && this.#client.status === 'end') throw await this.#connection.lost;
      throw error;
    }
  }

  async #runJob(job: Job, watch: JobWatch): Promise<unknown> {
    const key = job.key();
    const found = await getResult(this.#client, key);
    if (found) return found.output;
    const { tree, arrays } = job.encoded();
    const record: JobRecord = {
      format: 1,
      task: job.task.name,
      version: job.task.version,
      key,
      tree: sha256(tree),
      arrays: [...arrays.keys()],
    };
    await putBlob(this.#client, record.tree, tree);
    for (const [hash, bytes] of arrays) await putBlob(this.#client, hash, bytes);
    await this.#finish(record, watch);
    const result = await getResult(this.#client, key);
    if (!result) {
      throw new MeedError(
        `${this.#connection.shown} has lost a job of the task ${record.task} or its result`,
        'Run the command again; if the server was not restarted, give it more memory and the policy noeviction',
      );
    }
    await resultCollected(this.#client, key);
    return result.output;
  }

  /** Puts the job into the queue and waits until it has ended, one way or another. */
  async #finish(record: JobRecord, watch: JobWatch): Promise<void> {
    const { signal } = watch;
    if (signal.aborted) throw new CancelledError(`The task ${record.task}`);
    const id = `${this.#run}-${++this.#jobs}`;
    let cancel = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = { task: record.task, watch, added: undefined, ended: resolve, failed: reject };
        this.#waiting.set(id, waiting);
        cancel = () => {
          // the job is not waited for: a worker that is at it stops at its next look, or has died
          this.#discard(id).catch((error: unknown) => this.#lookFailed(error));
          reject(new CancelledError(`The task ${record.task}`));
        };
        signal.addEventListener('abort', cancel);
        this.#queue
          .add(record.task, record, {
            jobId: id,
            attempts: ATTEMPTS,
            backoff: { type: 'fixed', delay: RETRY_MS },
            removeOnComplete: ENDED,
            removeOnFail: ENDED,
          })
          .then(() => {
            waiting.added = performance.now();
          }, reject);
      });
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#waiting.delete(id);
    }
  }

  async #discard(id: string): Promise<void> {
    await this.#client.set(cancelledName(id), '1', 'EX', CANCELLED_SECONDS);
    await this.#client.publish(CANCEL_CHANNEL, id);
    await this.#queue.remove(id);
  }

  #failed(id: string, reason: string): void {
    const waiting = this.#waiting.get(id);
    waiting?.failed(failureSentence(waiting.task, reason, this.#connection.shown));
  }

  #progress(id: string, data: JobProgress): void {
    if (typeof data !== 'object') return;
    const { done, total, unit } = data as Record<string, unknown>;
    if (typeof done !== 'number' || typeof total !== 'number' || typeof unit !== 'string') return;
    if (total > 0 && done >= 0 && done <= total) this.#waiting.get(id)?.watch.progress(done, total, unit);
  }

  /** What the events may have missed, and whether anybody works at all. */
  async #look(): Promise<void> {
    if (this.#waiting.size === 0 || this.#client.status !== 'ready') return;
    const since = performance.now() - LOOK_MS;
    for (const [id, { added }] of [...this.#waiting]) {
      if (added === undefined || added > since) continue;
      const state = await this.#queue.getJobState(id);
      // an ended job's record may be gone; whether its result is there decides
      if (state === 'completed' || state === 'unknown') this.#waiting.get(id)?.ended();
      if (state === 'failed') this.#failed(id, (await this.#queue.getJob(id))?.failedReason ?? '');
    }
    await this.#lookForWorkers();
  }

  async #lookForWorkers(): Promise<void> {
    if (this.#waiting.size === 0 || (await this.#queue.getWorkersCount()) > 0) {
      this.#aloneSince = undefined;
      this.#toldAlone = false;
      return;
    }
    this.#aloneSince ??= performance.now();
    const start = `Start one with \`meed worker --queue ${this.#connection.shown}\``;
    if (performance.now() - this.#aloneSince >= 1000 * this.#timeoutSeconds) {
      const error = new MeedError(
        `No worker has served ${this.#connection.shown} for ${this.#timeoutSeconds} seconds`,
        start,
      );
      this.#aloneSince = undefined;
      const ids = [...this.#waiting.keys()];
      for (const { failed } of [...this.#waiting.values()]) failed(error);
      for (const id of ids) await this.#discard(id);
    } else if (!this.#toldAlone) {
      this.#toldAlone = true;
      this.tell(`No worker serves ${this.#connection.shown} yet. ${start}`);
    }
  }

  #lookFailed(error: unknown): void {
    if (this.#client.status !== 'ready') return;
    this.#break(
      new MeedError(`The queue in ${this.#connection.shown} cannot be read (${messageOf(error)})`, 'Check the server', {
        cause: error,
      }),
    );
  }

  #break(error: MeedError): void {
    this.#broken ??= error;
    for (const { failed } of [...this.#waiting.values()]) failed(error);
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    const closed = this.#events.close().then(() => this.#queue.close());
    // the library waits for the end of a connection that was being tried again, and no longer is: it never comes
    if (this.#broken) closed.catch((error: unknown) => this.#lookFailed(error));
    else await closed;
    await this.#connection.close();
  }
}

function failureSentence(task: string, reason: string, shown: string): Error {
  if (/stalled more than allowable limit/.test(reason)) {
    return new MeedError(
      `A job of the task ${task} took down every worker of ${shown} that tried it`,
      'It probably needs more memory than they have: start them with fewer --workers, or cut the work into smaller chunks',
    );
  }
  const failure = readFailure(reason);
  if (failure.kind !== 'defect') return errorOf(failure, `The task ${task}`);
  return new MeedError(
    `A job of the task ${task} failed ${ATTEMPTS} times on the workers of ${shown}: ${failure.message}`,
    "Look at the workers' output, then run the command again",
  );
}
