/** A queue that cannot be reached, is refused, is lost, or is served by nobody: a sentence within seconds. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { queuePool, runMap, runWorker } from '../../src/work/index.js';
import behave from './behave.task.js';
import { meedWorker } from './meedWorker.js';
import { freePort, jobsWait, type RedisServer, redisIsThere, startRedis } from './redis.js';
import { testTasks } from './testTasks.js';

/** "Within seconds" on a machine that has other work too; a client that retries for ever is what must be seen. */
const SECONDS = 30;

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const begun = performance.now();
  const error = await attempt.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MeedError);
  expect(performance.now() - begun).toBeLessThan(SECONDS * 1000);
  return (error as MeedError).message;
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
      { env: { NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem') } },
    );
    expect(trusted.stderr).toBe('');
    expect(trusted.status).toBe(0);
  });
});

describe.skipIf(!redisIsThere())('a server that is lost', () => {
  it('for good: a sentence at the caller and at the worker, after the time that was given', async () => {
    const redis = await startRedis();
    const pool = await queuePool(redis.url, { reconnectSeconds: 1 });
    const ready = new AbortController();
    const serving = runWorker(redis.url, {
      registry: testTasks,
      workers: 1,
      memoryBytes: 5e8,
      reconnectSeconds: 1,
      onEvent: ({ event }) => event === 'ready' && ready.abort(),
    });
    await once(ready.signal, 'abort');
    const said: string[] = [];
    const running = new AbortController();
    const run = runMap(behave, [{ does: 'spin', x: 800 }], {
      where: pool,
      notice: (sentence) => said.push(sentence),
      progress: (done) => done > 0 && running.abort(),
    });
    void once(running.signal, 'abort').then(() => redis.stop());
    const [told, toldWorker] = await Promise.all([refusal(run), refusal(serving)]);
    expect(told).toMatch(/^The Redis server redis:.* was lost and did not come back \(.*\)\. Start the server/);
    expect(toldWorker).toMatch(/was lost and did not come back/);
    expect(said).toEqual([expect.stringMatching(/^The connection to redis:.* is lost, trying again for 1 s$/)]);
    await expect(runMap(behave, [{ does: 'square', x: 1 }], { where: pool })).rejects.toThrow(/did not come back/);
    await pool.close();
  });

  it('and comes back empty: the caller is told that the job is lost, and the pool goes on', async () => {
    const port = await freePort();
    const first = await startRedis(['--port', String(port)]);
    const url = `redis://127.0.0.1:${port}`;
    const pool = await queuePool(url);
    const said: string[] = [];
    const notice = (sentence: string): number => said.push(sentence);
    const run = refusal(runMap(behave, [{ does: 'square', x: 9 }], { where: pool, notice }));
    await jobsWait(url, 1);
    await first.stop();
    const second = await startRedis(['--port', String(port)]);
    expect(await run).toMatch(/has lost a job of the task test\.behave or its result\. Run the command again/);
    expect(said.some((sentence) => /is back$/.test(sentence))).toBe(true);
    const again = runMap(behave, [{ does: 'square', x: 9 }], { where: pool });
    await runWorker(url, { registry: testTasks, workers: 1, memoryBytes: 5e8, leaves: 'drained' });
    expect(await again).toEqual([81]);
    await pool.close();
    await second.stop();
  });
});
