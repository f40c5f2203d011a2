/** A redis-server of a test's own: on a free port, keeping nothing, ended with the test. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  stop(): Promise<void>;
}

const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });

/** Whether these tests can run; says why not. */
export function redisIsThere(): boolean {
  if (found.status === 0) return true;
  process.stderr.write(
    'redis-server is not on the PATH: tests of the queue are skipped (apt-get install redis-server)\n',
  );
  return false;
}

/** @param flags further arguments of redis-server, given the port */
export async function startRedis(flags: readonly string[] = [], scheme = 'redis'): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-redis-'));
  const port = await freePort();
  const plain = flags.includes('--tls-port') ? [] : ['--port', String(port)];
  const at = flags.map((flag) => (flag === 'PORT' ? String(port) : flag));
  const server = spawn('redis-server', ['--save', '', '--bind', '127.0.0.1', '--dir', folder, ...plain, ...at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await ready(server);
  return {
    port,
    folder,
    url: `${scheme}://127.0.0.1:${port}`,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.signalCode === null) {
        server.kill();
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when that many jobs wait in the queue. */
export async function jobsWait(url: string, jobs: number): Promise<void> {
  const client = new Redis(url);
  while ((await client.llen('meed:work:wait')) < jobs) await sleep(20);
  await client.quit();
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    server.stdout?.on('data', (part: Buffer) => {
      text += part.toString();
      if (text.includes('Ready to accept connections')) resolve();
    });
    server.once('exit', (status) => reject(new Error(`redis-server ended with status ${status}: ${text}`)));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
