/** A queue that cannot be reached, is refused, is lost, or is served by nobody: a sentence within seconds. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { queuePool, runMap, runWorker } from '../../src/work/index.js';
import behave from './behave.task.js';
import { freePort, type RedisServer, redisIsThere, startRedis } from './redis.js';
import { testTasks } from './testTasks.js';

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const begun = performance.now();
  const error = await attempt.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MeedError);
  expect(performance.now() - begun).toBeLessThan(6000);
  return (error as MeedError).message;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `meed worker` itself, from the sources. */
async function meedWorker(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const main = new URL('./worker.cli.ts', import.meta.url);
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(main), 'worker', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString();
  });
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

describe('a server that is not there', () => {
  it('is told at once, by its address without the password', async () => {
    const port = await freePort();
    const told = await refusal(queuePool(`redis://me:secret@127.0.0.1:${port}`));
    expect(told).toMatch(/^The Redis server redis:\/\/me:\*\*\*@127\.0\.0\.1:\d+ cannot be used \(.*ECONNREFUSED/);
    expect(told).toMatch(/Start the server, or check host, port/);
    expect(await refusal(runWorker(`redis://127.0.0.1:${port}`, { registry: testTasks }))).toMatch(/ECONNREFUSED/);
    expect(await refusal(queuePool('redis://no-such-host.invalid'))).toMatch(/no-such-host\.invalid/);
  });

  it('ends `meed worker` with one sentence and status 1', async () => {
    const { status, stdout, stderr } = await meedWorker(['--queue', `redis://127.0.0.1:${await freePort()}`]);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/cannot be used/);
  });
});

describe.skipIf(!redisIsThere())('a server with a password', () => {
  let redis: RedisServer;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis(['--requirepass', 'p@ss word']);
    url = `redis://:p%40ss%20word@127.0.0.1:${redis.port}`;
  });
  afterAll(() => redis?.stop());

  it('takes the right one and refuses others, saying how to give it', async () => {
    expect(await refusal(queuePool(redis.url))).toMatch(/NOAUTH.*Give user and password/);
    expect(await refusal(queuePool(`redis://:wrong@127.0.0.1:${redis.port}`))).toMatch(
      /WRONGPASS.*Give user and password/,
    );
    expect(await refusal(queuePool(`${url}/999`))).toMatch(/DB index is out of range.*Give another database number/);
    const pool = await queuePool(url, { timeoutSeconds: 1 });
    const said: string[] = [];
    const run = runMap(behave, [{ does: 'square', x: 1 }], { where: pool, notice: (sentence) => said.push(sentence) });
    expect(await refusal(run)).toMatch(
      /^No worker has served redis:\/\/:\*\*\*@.* for 1 seconds\. Start one with `meed worker/,
    );
    expect(said).toEqual([expect.stringMatching(/^No worker serves .* yet\. Start one with/)]);
    await pool.close();
  });

  it('has its jobs served by `meed worker`, which says what it does', async () => {
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

  it('is not asked when the options cannot be', async () => {
    const wrong = await meedWorker(['--queue', url, '--workers', 'many', '--memory', '1GB']);
    expect(wrong.stderr).toMatch(/NaN is no number of workers|Give a whole number/);
    expect(wrong.status).toBe(2);
    const none = await meedWorker([]);
    expect(none.stderr).toMatch(/required option '--queue <url>'/);
    expect(none.status).toBe(2);
  });

  it('says so when a job takes its worker down again and again', async () => {
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

const openssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!redisIsThere() || !openssl)('a server with TLS', () => {
  let redis: RedisServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meed-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ]);
    expect(made.status).toBe(0);
    const flags = ['--port', '0', '--tls-port', 'PORT', '--tls-cert-file', certificate, '--tls-key-file', key];
    redis = await startRedis([...flags, '--tls-auth-clients', 'no'], 'rediss');
  });
  afterAll(async () => {
    await redis?.stop();
    await rm(folder, { recursive: true });
  });

  it('is trusted only by its authority', async () => {
    expect(await refusal(queuePool(redis.url))).toMatch(/self-signed certificate.*NODE_EXTRA_CA_CERTS/);
    const trusted = await meedWorker(
      ['--queue', redis.url, '--workers', '1', '--memory', '500MB', '--once', '--json'],
      {
        NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
      },
    );
    expect(trusted.stderr).toBe('');
    expect(trusted.status).toBe(0);
  });
});
