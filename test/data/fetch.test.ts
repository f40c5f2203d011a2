import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type DatasetFile, fetchDatasetFile } from '../../src/data/index.js';
import { sha256, silent } from '../../src/foundation/index.js';
import { refusal, temporaryFolder } from './fixture.js';

const body = Buffer.from('digits '.repeat(50_000));
const packed = gzipSync(body);

let cache: string;

beforeEach(() => {
  cache = temporaryFolder();
  vi.stubEnv('MEED_CACHE', cache);
  vi.stubEnv('MEED_DATASETS', '');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
});

/** A server on this machine; returns its address and counts requests. */
async function serve(listener: RequestListener): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}/file`, requests: () => requests };
}

const plainFile = (url: string): DatasetFile => ({
  path: 'set/file.data',
  url,
  bytes: body.length,
  sha256: sha256(body),
});
const packedFile = (url: string): DatasetFile => ({
  path: 'set/file.gz',
  url,
  bytes: packed.length,
  sha256: sha256(packed),
  unpacked: { bytes: body.length, sha256: sha256(body) },
});

function put(folder: string, path: string, bytes: Uint8Array): void {
  mkdirSync(join(folder, 'set'), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}

const cachedNames = () => readdirSync(cache, { recursive: true }).map(String).sort();

describe('fetchDatasetFile', () => {
  it('downloads once with progress, checks, and then reads the cache', async () => {
    const { url, requests } = await serve((_, response) => response.end(body));
    const seen: number[] = [];
    const progress = (done: number, total: number) => seen.push(done / total);
    const fetched = await fetchDatasetFile(plainFile(url), { progress });
    expect(Buffer.from(fetched).equals(body)).toBe(true);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(cachedNames()).toEqual(['datasets', 'datasets/set', 'datasets/set/file.data']);
    await fetchDatasetFile(plainFile(url), { progress: silent });
    expect(requests()).toBe(1);
  });

  it('prefers the folder that is named, then MEED_DATASETS, and asks nobody', async () => {
    const { url, requests } = await serve((_, response) => response.end(body));
    const folder = temporaryFolder();
    put(folder, 'set/file.data', body);
    vi.stubEnv('MEED_DATASETS', folder);
    expect((await fetchDatasetFile(plainFile(url), { progress: silent })).length).toBe(body.length);
    vi.stubEnv('MEED_DATASETS', temporaryFolder());
    expect((await fetchDatasetFile(plainFile(url), { folder, progress: silent })).length).toBe(body.length);
    expect(requests()).toBe(0);
    await fetchDatasetFile(plainFile(url), { progress: silent });
    expect(requests()).toBe(1);
  });

  it('accepts any gzip of the content that the card describes, and gives back the content', async () => {
    const { url } = await serve((_, response) => response.end(packed));
    expect(Buffer.from(await fetchDatasetFile(packedFile(url), { progress: silent })).equals(body)).toBe(true);
    const folder = temporaryFolder();
    put(folder, 'set/file.gz', gzipSync(body, { level: 1 }));
    expect(Buffer.from(await fetchDatasetFile(packedFile(url), { folder, progress: silent })).equals(body)).toBe(true);
  });

  it.each([
    ['of other content', gzipSync('x'.repeat(body.length)), /file\.gz, unpacked, has SHA-256/],
    [
      'cut short',
      packed.subarray(0, packed.length >> 1),
      /file\.gz cannot be unpacked to the 350000 bytes it should hold/,
    ],
    [
      'that unpacks to more',
      gzipSync(Buffer.alloc(50_000_000)),
      /file\.gz cannot be unpacked to the 350000 bytes it should hold/,
    ],
    ['that is none', body, /file\.gz cannot be unpacked/],
  ])('refuses a local gzip %s', async (_, bytes, sentence) => {
    const folder = temporaryFolder();
    put(folder, 'set/file.gz', bytes);
    const message = await refusal(() =>
      fetchDatasetFile(packedFile('http://127.0.0.1:9/'), { folder, progress: silent }),
    );
    expect(message).toMatch(sentence);
    expect(message).toContain('Fetch http://127.0.0.1:9/ again or take');
  });

  it('refuses a local or cached file of another hash or length, and does not go on to the network', async () => {
    const { url, requests } = await serve((_, response) => response.end(body));
    const folder = temporaryFolder();
    const wrong = Buffer.from(body);
    wrong[9] ^= 1;
    put(folder, 'set/file.data', wrong);
    expect(await refusal(() => fetchDatasetFile(plainFile(url), { folder, progress: silent }))).toMatch(
      /file\.data has SHA-256 .*, its card says .*\. Fetch http/,
    );
    put(join(cache, 'datasets'), 'set/file.data', body.subarray(1));
    expect(await refusal(() => fetchDatasetFile(plainFile(url), { progress: silent }))).toMatch(
      /file\.data has 349999 bytes, its card says 350000\. Delete .* it will be downloaded again/,
    );
    expect(requests()).toBe(0);
  });

  const refused: [string, RequestListener, RegExp][] = [
    [
      'other bytes',
      (_, response) => response.end(Buffer.alloc(body.length)),
      /set\/file\.data from http\S+ has SHA-256 \w+, its card says/,
    ],
    [
      'a connection that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': body.length });
        response.write(body.subarray(0, 1000), () => response.destroy());
      },
      /The download of set\/file\.data from http\S+ ended after \d+ of 350000 bytes \(/,
    ],
    [
      'a short body',
      (_, response) => response.end(body.subarray(0, 1000)),
      /ended after 1000 of 350000 bytes\. Try again/,
    ],
    [
      'a long body',
      (_, response) => response.end(Buffer.concat([body, body])),
      /is longer than the 350000 bytes its card gives/,
    ],
    [
      'a body without end',
      (_, response) => {
        const more = () => response.write(Buffer.alloc(100_000), more);
        response.on('error', () => response.destroy());
        more();
      },
      /is longer than the 350000 bytes/,
    ],
    [
      '404',
      (_, response) => response.writeHead(404).end('no'),
      /set\/file\.data could not be downloaded: http\S+ answered 404 Not Found\. /,
    ],
    ['500', (_, response) => response.writeHead(500).end(), /answered 500 Internal Server Error\. /],
    [
      'a connection closed before the answer',
      (request) => request.socket.destroy(),
      /set\/file\.data could not be downloaded from http\S+ \(\S+.*\)\. Check the network/,
    ],
  ];
  it.each(refused)('refuses %s, and leaves nothing behind', async (_, listener, sentence) => {
    const { url } = await serve(listener);
    const message = await refusal(() => fetchDatasetFile(plainFile(url), { progress: silent }));
    expect(message).toMatch(sentence);
    expect(message).toContain('MEED_DATASETS');
    expect(cachedNames()).toEqual(['datasets', 'datasets/set']);
  });

  it('names a refused connection and an unknown host', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const closed = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/file`;
    expect(await refusal(() => fetchDatasetFile(plainFile(closed), { progress: silent }))).toMatch(
      /file\.data could not be downloaded from \S+ \(ECONNREFUSED\)\. Check the network, or get the file another way, put it in a folder and name that folder in MEED_DATASETS\./,
    );
    expect(await refusal(() => fetchDatasetFile(plainFile('http://meed.invalid/x'), { progress: silent }))).toMatch(
      /could not be downloaded from http:\/\/meed\.invalid\/x \((ENOTFOUND|EAI_AGAIN)\)/,
    );
  });

  it('refuses a data folder that is not there, and asks nobody', async () => {
    const { url, requests } = await serve((_, response) => response.end(body));
    vi.stubEnv('MEED_DATASETS', join(cache, 'mistyped'));
    expect(await refusal(() => fetchDatasetFile(plainFile(url), { progress: silent }))).toMatch(
      /data folder \S+mistyped does not exist\. Correct MEED_DATASETS, or unset it/,
    );
    put(cache, 'set/file.data', body);
    const folder = join(cache, 'set/file.data');
    expect(await refusal(() => fetchDatasetFile(plainFile(url), { folder, progress: silent }))).toContain(
      'is not a folder',
    );
    expect(requests()).toBe(0);
  });

  it('names a cache that cannot be written', async () => {
    const { url } = await serve((_, response) => response.end(body));
    writeFileSync(join(cache, 'datasets'), 'a file in the way');
    expect(await refusal(() => fetchDatasetFile(plainFile(url), { progress: silent }))).toContain(
      'lies below something that is not a folder',
    );
    expect(readFileSync(join(cache, 'datasets'), 'utf8')).toBe('a file in the way');
  });
});
