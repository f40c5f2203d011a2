/** `meed worker` as a person runs it, and a job that kills the workers that take it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { queuePool, runMap } from '../../src/work/index.js';
import behave from './behave.task.js';
import { meedWorker } from './meedWorker.js';
import { freePort, type RedisServer, redisIsThere, startRedis } from './redis.js';

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
    const json = await meedWorker(['--queue', url, '--workers', '1', '--memory', '500MB', '--once', '--json']);
    expect(await run).toEqual([16, 25, 36]);
    const events = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event as string);
    expect(events).toEqual(['ready', 'done', 'done', 'done', 'left']);
    expect(json.status).toBe(0);
    await client.flushall();
    const again = runMap(behave, [{ does: 'square', x: 4 }], { where: pool });
    const text = await meedWorker(['--queue', url, '--workers', '1', '--memory', '500MB', '--once']);
    expect(await again).toEqual([16]);
    expect(text.stdout).toBe('');
    expect(text.stderr).toMatch(
      /^Serving redis:\/\/:\*\*\*@127\.0\.0\.1:\d+ on 1 thread\(s\) with 500 MB\nTasks: test\.behave/,
    );
    expect(text.stderr).toMatch(/Left after 1 job\(s\)/);
    await pool.close();
    await client.quit();
  });

  it('refuses options that cannot be', async () => {
    const wrong = await meedWorker(['--queue', url, '--workers', 'many', '--memory', '1GB']);
    expect(wrong.stderr).toMatch(/NaN is no number of workers|Give a whole number/);
    expect(wrong.status).toBe(2);
    const none = await meedWorker([]);
    expect(none.stderr).toMatch(/required option '--queue <url>'/);
    expect(none.status).toBe(2);
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
