/** Phase 1 by its published hash: from a path, a folder, the cache, or a server that may send anything. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchPhase1, PHASE1_FILES, type Phase1File, phase1FileFor } from '../../../src/prover/ceremony/index.js';
import { removeTemporary, temporary } from './fixture.js';

const NAME = 'powersOfTau28_hez_final_08.ptau';
const body = randomBytes(3_000_000);
const blake2b = createHash('blake2b512').update(body).digest('hex');
const servers: Server[] = [];
let cache: string;

beforeEach(async () => {
  cache = await temporary();
  vi.stubEnv('MEED_CACHE', cache);
  vi.stubEnv('MEED_DATASETS', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
  await removeTemporary();
});

/** A file whose address is a server of the test's own. */
async function served(listener: RequestListener): Promise<{ file: Phase1File; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  // on a busy machine the default of seconds would end a download in the middle
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    ranges.push(request.headers.range);
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}/${NAME}`;
  return { file: { power: 8, name: NAME, url, blake2b, bytes: body.length }, ranges };
}

/** Sends the body, or the part that was asked for. */
const honest: RequestListener = (request, response) => {
  const begin = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (begin === undefined) response.end(body);
  else {
    response.writeHead(206, { 'content-range': `bytes ${begin}-${body.length - 1}/${body.length}` });
    response.end(body.subarray(Number(begin)));
  }
};

/** Sends the first bytes and hangs up. */
const breaksOff =
  (after: number): RequestListener =>
  (_, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, after), () => response.destroy());
  };

const cached = (): string => join(cache, 'ptau', NAME);

describe('the table of phase-1 files', () => {
  it('begins its hashes as published, and knows each size', () => {
    const begins: Record<number, string> = {
      12: 'ded2694169b7b08e',
      14: 'eeefbcf7c3803b52',
      16: '6a6277a2f74e1073',
      18: '7e6a9c2e5f05179d',
      20: '89a66eb5590a1c94',
      22: '0d64f63dba1a6f11',
      24: 'fa404d140d5819d3',
    };
    for (const [power, begin] of Object.entries(begins)) {
      expect(PHASE1_FILES.find((file) => file.power === Number(power))?.blake2b.slice(0, 16)).toBe(begin);
    }
    expect(PHASE1_FILES.map(({ power }) => power)).toEqual(Array.from({ length: 20 }, (_, i) => i + 8));
    expect(new Set(PHASE1_FILES.map((file) => file.blake2b)).size).toBe(20);
    for (const file of PHASE1_FILES) expect(file.blake2b).toMatch(/^[0-9a-f]{128}$/);
  });

  it.skipIf(process.env.MEED_DATASETS === undefined)('has the hashes and sizes of real files', async () => {
    vi.unstubAllEnvs();
    const folder = join(process.env.MEED_DATASETS ?? '', 'ptau');
    const there = PHASE1_FILES.filter(({ name }) => existsSync(join(folder, name)));
    expect(there.map(({ power }) => power)).toEqual([8, 9, 11]);
    for (const file of there) {
      expect(statSync(join(folder, file.name)).size).toBe(file.bytes);
      expect(await fetchPhase1(file)).toBe(join(folder, file.name));
    }
  });

  it('gives the smallest file whose domain holds constraints and public signals, as snarkjs counts them', () => {
    const power = (constraints: number, publicSignals: number) => phase1FileFor(constraints, publicSignals).power;
    expect(power(1817, 4)).toBe(11);
    expect(power(2043, 4)).toBe(11);
    expect(power(2044, 4)).toBe(12);
    expect(power(3, 1)).toBe(8);
    expect(power(85_930, 4)).toBe(17);
    expect(() => phase1FileFor(2 ** 27, 1)).toThrow('No phase-1 file serves');
  });
});

describe('a phase-1 file', () => {
  it('is downloaded once, with progress, and taken from the cache afterwards', async () => {
    const { file, ranges } = await served(honest);
    const told: [number, number, string][] = [];
    expect(await fetchPhase1(file, { progress: (...report) => told.push(report) })).toBe(cached());
    expect(readFileSync(cached()).equals(body)).toBe(true);
    const downloading = told.filter(([, , what]) => what === `MiB of ${NAME}`);
    expect(downloading.at(-1)?.[0]).toBeCloseTo(body.length / 2 ** 20);
    expect(downloading.at(-1)?.[1]).toBe(3);
    await fetchPhase1(file);
    expect(ranges).toEqual([undefined]);
  });

  it('is resumed where a download broke off, and only the rest is asked for', async () => {
    let times = 0;
    const { file, ranges } = await served((request, response) =>
      (times++ === 0 ? breaksOff(1_000_000) : honest)(request, response),
    );
    await expect(fetchPhase1(file)).rejects.toThrow(
      /ended after \d+ of 3000000 bytes.*What came is kept: run the command again/,
    );
    const kept = statSync(`${cached()}.partial`).size;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(1_000_000);
    await fetchPhase1(file);
    expect(readFileSync(cached()).equals(body)).toBe(true);
    expect(ranges).toEqual([undefined, `bytes=${kept}-`]);
    expect(readdirSync(join(cache, 'ptau'))).toEqual([NAME]);
  });

  it('is whole too when the server ignores the range and sends everything again', async () => {
    mkdirSync(join(cache, 'ptau'));
    writeFileSync(`${cached()}.partial`, body.subarray(0, 500_000));
    const { file, ranges } = await served((_, response) => response.end(body));
    await fetchPhase1(file);
    expect(readFileSync(cached()).equals(body)).toBe(true);
    expect(ranges).toEqual(['bytes=500000-']);
  });

  it('follows a redirect', async () => {
    const { file } = await served(honest);
    const { file: moved } = await served((_, response) => response.writeHead(302, { location: file.url }).end());
    await fetchPhase1(moved);
    expect(readFileSync(cached()).equals(body)).toBe(true);
  });

  const wrong = Buffer.from(body);
  wrong[1_234_567] ^= 1;
  it.each<[string, RequestListener, RegExp]>([
    ['other bytes', (_, response) => response.end(wrong), /sent has BLAKE2b-512 \w{16}….*Nothing of it was kept/],
    ['a 404', (_, response) => response.writeHead(404).end('no'), /answered 404 Not Found\. Try again later/],
    [
      'more than the file',
      (_, response) => response.end(Buffer.concat([body, body])),
      /sends more than the 3000000 bytes/,
    ],
    ['a short body', (_, response) => response.end(body.subarray(0, 99)), /ended after 99 of 3000000 bytes\. What/],
    [
      'a connection closed before the answer',
      (request) => request.socket.destroy(),
      /could not be downloaded from http/,
    ],
  ])('is refused when the server sends %s', async (_, listener, sentence) => {
    const { file } = await served(listener);
    await expect(fetchPhase1(file)).rejects.toThrow(sentence);
    expect(existsSync(cached())).toBe(false);
  });

  it('is not resumed after a wrong hash, and not from another range than asked for', async () => {
    mkdirSync(join(cache, 'ptau'));
    writeFileSync(`${cached()}.partial`, wrong.subarray(0, 2_000_000));
    const { file } = await served(honest);
    await expect(fetchPhase1(file)).rejects.toThrow('Nothing of it was kept');
    expect(readdirSync(join(cache, 'ptau'))).toEqual([]);
    writeFileSync(`${cached()}.partial`, body.subarray(0, 2_000_000));
    const { file: shifted } = await served((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-${body.length - 1}/${body.length}` });
      response.end(body);
    });
    await expect(fetchPhase1(shifted)).rejects.toThrow('when asked for the bytes from 2000000');
  });

  it('named by its path, or found in MEED_DATASETS or the cache, is checked too', async () => {
    const { file, ranges } = await served(honest);
    const folder = await temporary();
    const path = join(folder, 'mine.ptau');
    writeFileSync(path, body);
    expect(await fetchPhase1(file, { path })).toBe(path);
    writeFileSync(path, wrong);
    await expect(fetchPhase1(file, { path })).rejects.toThrow(/mine\.ptau has BLAKE2b-512 .* was published with/);
    await expect(fetchPhase1(file, { path: join(folder, 'none') })).rejects.toThrow('none does not exist');
    mkdirSync(join(folder, 'ptau'));
    writeFileSync(join(folder, 'ptau', NAME), wrong);
    vi.stubEnv('MEED_DATASETS', folder);
    await expect(fetchPhase1(file)).rejects.toThrow('take');
    vi.stubEnv('MEED_DATASETS', undefined);
    mkdirSync(join(cache, 'ptau'));
    writeFileSync(cached(), wrong);
    await expect(fetchPhase1(file)).rejects.toThrow(/Delete .*, it will be downloaded again/);
    expect(ranges).toEqual([]);
  });
});
