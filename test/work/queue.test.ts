/** Jobs on other machines: a real Redis, real worker processes, one of them killed in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError, sha256 } from '../../src/foundation/index.js';
import { CancelledError, defineTask, type Pool, runMap } from '../../src/work/index.js';
import { InputEncoder, jobKey } from '../../src/work/jobKey.js';
import { putBlob } from '../../src/work/queue/blobs.js';
import { queuePool, type WorkerEvent } from '../../src/work/queue/index.js';
import behave from './behave.task.js';
import product from './blockProduct.task.js';
import { blocks, sameBits } from './blocks.js';
import { type RedisServer, redisIsThere, startRedis } from './redis.js';

interface WorkerProcess {
  readonly child: ChildProcess;
  readonly events: WorkerEvent[];
  /** Resolves with the status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

async function startWorker(url: string, threads: number, leaves = 'never'): Promise<WorkerProcess> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('./worker.child.ts', import.meta.url)), url, String(threads), leaves],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const events: WorkerEvent[] = [];
  const ended = once(child, 'exit').then(([status, signal]: (number | string)[]) => status ?? signal);
  const lines = createInterface({ input: child.stdout! });
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const event = JSON.parse(line) as WorkerEvent;
      events.push(event);
      if (event.event === 'ready') resolve();
    });
    void ended.then((status) => reject(new Error(`the worker ended with ${status} before it was ready`)));
  });
  await ready;
  return { child, events, ended };
}

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe.skipIf(!redisIsThere())('a queue with three worker processes', () => {
  let redis: RedisServer;
  let client: Redis;
  let folder: string;
  let pool: Pool;
  let workers: WorkerProcess[];

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    folder = await mkdtemp(join(tmpdir(), 'meed-queue-'));
    workers = await Promise.all([1, 2, 3].map(() => startWorker(redis.url, 1)));
    pool = await queuePool(redis.url, { concurrencyHint: 16 });
  });
  afterAll(async () => {
    await pool?.close();
    for (const { child } of workers ?? []) child.kill('SIGKILL');
    await Promise.all((workers ?? []).map(({ ended }) => ended));
    await client?.quit();
    await redis?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  it('gives the bits of the inline run although a worker is killed in the middle; nothing is lost or done twice', async () => {
    const inputs = blocks({ count: 60, rows: 32, width: 160, rounds: 150 });
    const inline = await runMap(product, inputs);
    const done: number[] = [];
    const [victim] = workers;
    const killed = until(() => victim.events.filter(({ event }) => event === 'done').length >= 4).then(() => {
      victim.child.kill('SIGKILL');
      return victim.ended;
    });
    const outputs = await runMap(product, inputs, { where: pool, progress: (count) => done.push(count) });
    expect(await killed).toBe('SIGKILL');
    expect(sameBits(outputs, inline)).toBe(true);
    expect(done.filter(Number.isInteger).at(-1)).toBe(60);
    const keys = inputs.map((input) => jobKey(product, new InputEncoder().encode(input).tree));
    const keysOf = (...kinds: string[]): string[] =>
      workers.flatMap(({ events }) =>
        events.flatMap((event) => ('key' in event && kinds.includes(event.event) ? [event.key] : [])),
      );
    const finished = keysOf('done');
    // the victim may have left a result and died before it could say so; another then found it
    expect(new Set(keysOf('done', 'found'))).toEqual(new Set(keys));
    expect(new Set(finished).size).toBe(finished.length);
    for (const { events } of workers) expect(events.filter(({ event }) => event === 'done').length).toBeGreaterThan(3);
    // sixty inputs shared one matrix of 100 kB
    expect((await client.keys('meed:blob:*')).length).toBe(61);
    workers = workers.slice(1);
  });

  it('computes nothing again whose result is in Redis', async () => {
    const log = join(folder, 'again.log');
    const inputs = [1, 2, 3].map((x) => ({ does: 'square' as const, x, log }));
    expect(await runMap(behave, inputs, { where: pool })).toEqual([1, 4, 9]);
    expect(await runMap(behave, inputs, { where: pool })).toEqual([1, 4, 9]);
    expect((await readFile(log, 'utf8')).trim().split('\n').sort()).toEqual(['run 1', 'run 2', 'run 3']);
  });

  it("fails at once with the task's own sentence", async () => {
    const log = join(folder, 'refuse.log');
    const error = await runMap(behave, [{ does: 'refuse', x: 7, log }], { where: pool }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MeedError);
    expect(String(error)).toBe('MeedError: The number 7 is not wanted. Give another.');
    expect(await readFile(log, 'utf8')).toBe('run 7\n');
  });

  it('tries a defect three times, then says so', async () => {
    const log = join(folder, 'defect.log');
    await expect(runMap(behave, [{ does: 'throw', x: 8, log }], { where: pool })).rejects.toThrow(
      /A job of the task test\.behave failed 3 times on the workers of redis:.*: defect at 8 \(on .*\)/,
    );
    expect(await readFile(log, 'utf8')).toBe('run 8\nrun 8\nrun 8\n');
  });

  it('refuses another version of a task and a task that is not served, in a sentence', async () => {
    const newer = defineTask({ ...behave, version: 4 });
    await expect(runMap(newer, [{ does: 'square', x: 1 }], { where: pool })).rejects.toThrow(
      /This worker has version 3 of the task test\.behave, the caller asks for version 4/,
    );
    const other = defineTask({ ...behave, name: 'test.other' });
    await expect(runMap(other, [{ does: 'square', x: 1 }], { where: pool })).rejects.toThrow(
      /does not serve the task test\.other\. Install the same version of Meed/,
    );
  });

  it('cancels: what waits is taken out, what runs stops at its next look', async () => {
    const cancel = new AbortController();
    const inputs = Array.from({ length: 6 }, (_, i) => ({ does: 'spin' as const, x: 100_000 + i }));
    const shares: number[] = [];
    const run = runMap(behave, inputs, { where: pool, signal: cancel.signal, progress: (done) => shares.push(done) });
    const cancelled = expect(run).rejects.toThrow(CancelledError);
    await until(() => shares.some((share) => share > 0));
    cancel.abort();
    await cancelled;
    const queue = new Queue('work', { connection: client, prefix: 'meed' });
    await until(async () => Object.values(await queue.getJobCounts('active', 'waiting')).every((count) => count === 0));
    await queue.close();
    expect(await runMap(behave, [{ does: 'square', x: 50 }], { where: pool })).toEqual([2500]);
  });

  it('tells how far the running jobs are', async () => {
    const shares: number[] = [];
    await runMap(behave, [{ does: 'spin', x: 500 }], { where: pool, progress: (done) => shares.push(done) });
    expect(shares.some((share) => share > 0 && share < 1)).toBe(true);
    expect(shares.at(-1)).toBe(1);
  });

  it('takes no damaged input: neither bytes nor names', async () => {
    const input = { does: 'square' as const, x: 77 };
    const { tree } = new InputEncoder().encode(input);
    const forged = new InputEncoder().encode({ ...input, x: 78 }).tree;
    await client.set(`meed:blob:${sha256(tree)}`, Buffer.from(forged));
    const run = (): Promise<number[]> => runMap(behave, [input], { where: pool });
    await expect(run()).rejects.toThrow(
      /The input meed:blob:[0-9a-f]{64} in Redis was damaged or forged\. Run the command again/,
    );
    expect(await run()).toEqual([77 * 77]);
  });

  it('sends no value that Redis cannot hold', async () => {
    const bytes = new Uint8Array(512 * 2 ** 20 + 1);
    await expect(putBlob(client, 'a'.repeat(64), bytes)).rejects.toThrow(
      /An input has 537 MB, Redis holds at most 537 MB in one value\. Cut the work into smaller chunks/,
    );
    expect(await client.exists(`meed:blob:${'a'.repeat(64)}`)).toBe(0);
  });

  it('fails a hostile record and serves on', async () => {
    const queue = new Queue('work', { connection: client, prefix: 'meed' });
    const hash = 'a'.repeat(64);
    const good = { format: 1, task: 'test.behave', version: 3, key: hash, tree: hash, arrays: [] };
    const { tree } = new InputEncoder().encode({ does: 'square', x: 5 });
    await client.set(`meed:blob:${sha256(tree)}`, Buffer.from(tree));
    const hostile = [
      {},
      'text',
      { ...good, format: 2 },
      { ...good, task: '../../etc/passwd' },
      { ...good, task: 'file:///etc/passwd' },
      { ...good, key: '../key' },
      { ...good, arrays: {} },
      good,
      { ...good, tree: sha256(tree) },
    ];
    const jobs = await Promise.all(hostile.map((data) => queue.add('job', data)));
    await until(async () => (await Promise.all(jobs.map((job) => job.isFailed()))).every(Boolean));
    const reasons = await Promise.all(jobs.map(async (job) => (await queue.getJob(job.id!))?.failedReason));
    for (const reason of reasons.slice(0, 7)) expect(reason).toMatch(/malformed or of another version of Meed/);
    expect(reasons[7]).toMatch(/is not in Redis/);
    expect(reasons[8]).toMatch(/does not carry the input that its key names/);
    await queue.close();
    expect(await runMap(behave, [{ does: 'square', x: 51 }], { where: pool })).toEqual([51 * 51]);
  });

  it('on SIGTERM a worker finishes its job and leaves; on SIGINT here it hands the job back first', async () => {
    const inputs = [0, 1, 2, 3].map((i) => ({ does: 'spin' as const, x: 600 + i }));
    const run = runMap(behave, inputs, { where: pool });
    const [first, second] = workers;
    const queue = new Queue('work', { connection: client, prefix: 'meed' });
    await until(async () => (await queue.getActiveCount()) === workers.length);
    await queue.close();
    first.child.kill('SIGTERM');
    const doneBefore = first.events.filter(({ event }) => event === 'done').length;
    expect(await first.ended).toBe(0);
    expect(first.events.filter(({ event }) => event === 'done').length).toBeGreaterThanOrEqual(doneBefore);
    expect(first.events.slice(-3).map(({ event }) => event)).toEqual(['finishing', 'done', 'left']);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
    expect(second.events.slice(-3).map(({ event }) => event)).toEqual(['finishing', 'returned', 'left']);
    const third = await startWorker(redis.url, 2, 'drained');
    workers = [third];
    expect(await run).toEqual([600, 601, 602, 603]);
    expect(await third.ended).toBe(0);
  });
});
