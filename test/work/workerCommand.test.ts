/** `meed worker` as a person runs it, and a job that kills the workers that take it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerCommand } from '../../src/cli/commands/worker.js';
import { MeedError } from '../../src/foundation/index.js';
import { queuePool, runMap } from '../../src/work/index.js';
import behave from './behave.task.js';
import { meedWorker } from './meedWorker.js';
import { freePort, jobsWait, type RedisServer, redisIsThere, startRedis } from './redis.js';

it('ends `meed worker` with one sentence and status 1', async () => {
  const { status, stdout, stderr } = await meedWorker(['--queue', `redis://127.0.0.1:${await freePort()}`]);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/cannot be used/);
});

describe.skipIf(!redisIsThere())('meed worker', () => {
  let redis: RedisServer;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis(['--requirepass', 'secret']);
    url = `redis://:secret@127.0.0.1:${redis.port}`;
  });
  afterAll(() => redis?.stop());

  it('serves jobs and says what it does', async () => {
    const client = new Redis(url);
    await client.flushall();
    const pool = await queuePool(url);
    const run = runMap(
      behave,
      [4, 5, 6].map((x) => ({ does: 'square' as const, x })),
      { where: pool },
    );
    await jobsWait(url, 3);
    const json = await meedWorker(['--queue', url, '--workers', '1', '--memory', '500MB', '--once', '--json']);
    expect(await run).toEqual([16, 25, 36]);
    const events = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event as string);
    expect(events).toEqual(['ready', 'done', 'done', 'done', 'finishing', 'left']);
    expect(json.status).toBe(0);
    await pool.close();
    await client.quit();
  });

  it('leaves in order when it is interrupted', async () => {
    const args = ['--queue', url, '--workers', '1', '--memory', '500MB', '--json'];
    const { status, stdout } = await meedWorker(args, { signals: { '"ready"': 'SIGTERM' } });
    expect(status).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['ready', 'finishing', 'left']);
  });

  it('hands its job back when it is interrupted twice', async () => {
    const client = new Redis(url);
    await client.flushall();
    const pool = await queuePool(url);
    const running = new AbortController();
    const run = runMap(behave, [{ does: 'spin', x: 1000 }], {
      where: pool,
      progress: (done) => done > 0 && running.abort(),
    });
    await jobsWait(url, 1);
    const args = ['--queue', url, '--workers', '1', '--memory', '500MB', '--json'];
    const first = await meedWorker(args, {
      interrupt: running.signal,
      signals: { '"finishing"': 'SIGINT' },
    });
    expect(first.stdout).toMatch(/"returned"/);
    expect(first.status).toBe(0);
    const text = await meedWorker([...args.filter((arg) => arg !== '--json'), '--once']);
    expect(await run).toEqual([1000]);
    expect(text.stdout).toBe('');
    expect(text.stderr).toMatch(
      /^Serving redis:\/\/:\*\*\*@127\.0\.0\.1:\d+ on 1 thread\(s\) with 500 MB\nTasks: test\.behave/,
    );
    expect(text.stderr).toMatch(/Left after 1 job\(s\)/);
    await pool.close();
    await client.quit();
  });

  it('refuses options that cannot be', async () => {
    const run = (...args: string[]): Promise<unknown> =>
      workerCommand()
        .configureOutput({ writeErr: () => {} })
        .parseAsync(['node', 'meed', ...args]);
    await expect(run()).rejects.toThrow(/required option '--queue <url>'/);
    await expect(run('--queue', url, '--memory', 'much')).rejects.toThrow(/"much" is no amount of memory/);
    await expect(run('--queue', url, '--workers', 'many')).rejects.toThrow(
      /'many' is invalid\. Give a whole number of at least 1/,
    );
    await expect(run('--queue', url, '--workers', '9', '--memory', '1GB')).rejects.toThrow(
      /9 worker\(s\) need 1\.2 GB/,
    );
  });

  it('that dies of a job again and again: the caller is told so', async () => {
    const client = new Redis(url);
    await client.flushall();
    const pool = await queuePool(url);
    const run = refusalOf(runMap(behave, [{ does: 'kill', x: 1 }], { where: pool }));
    const keys = async (): Promise<string[]> =>
      (await client.keys('meed:work:*-1')).filter((key) => !key.endsWith(':lock'));
    while ((await keys()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    // as if ten workers had died of it before
    await client.hset((await keys())[0], 'stc', 10);
    const child = fileURLToPath(new URL('./worker.child.ts', import.meta.url));
    const workers = [1, 2].map(() =>
      spawn(process.execPath, ['--import', 'tsx', child, url, '1'], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    const ended = workers.map((worker) => once(worker, 'exit'));
    expect(await run).toMatch(/took down every worker of redis:.*It probably needs more memory/);
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all(ended);
    await pool.close();
    await client.quit();
  });

  async function refusalOf(run: Promise<unknown>): Promise<string> {
    const error = await run.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MeedError);
    return (error as MeedError).message;
  }
});
