/**
 * Gets a card's files: from the folder of MEED_DATASETS, else from the cache, else from their origin into the cache. The
 * idea: where a file came from never matters, because its hash is checked every time, and a download gets its final
 * name only when it is whole and right. The traps: a gzip file packed by somebody else differs in its bytes though not in
 * its content, so a card may give the unpacked hash too; and a hostile origin may send more than it says, so both reading
 * and unpacking stop at the size the card gives.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  cacheFolder,
  explainFileError,
  MeedError,
  messageOf,
  type Progress,
  sha256,
  systemCode,
} from '../foundation/index.js';
import type { DatasetFile, LoadOptions } from './dataset.js';

/** A server that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;

const ELSEWHERE = 'get the file another way, put it in a folder and name that folder in MEED_DATASETS';

/**
 * The file's bytes, or what it unpacks to when the card describes that.
 * @throws MeedError naming the file, its address and the remedy
 */
export async function fetchDatasetFile(
  file: DatasetFile,
  { folder, progress }: Omit<LoadOptions, 'seed'>,
): Promise<Uint8Array> {
  const local = folder ?? process.env.MEED_DATASETS;
  if (local !== undefined && local !== '') {
    await checkFolder(local);
    const path = join(local, file.path);
    const bytes = await readIfPresent(path);
    if (bytes) return content(file, bytes, path, `Fetch ${file.url} again or take ${path} away`);
  }
  const cached = join(cacheFolder(), 'datasets', file.path);
  const bytes = await readIfPresent(cached);
  if (bytes) return content(file, bytes, cached, `Delete ${cached}, it will be downloaded again`);
  if (file.byHand !== undefined) {
    throw new MeedError(
      `${file.path} cannot be downloaded by a program`,
      `${file.byHand}, as ${file.path} in a folder that MEED_DATASETS names`,
    );
  }
  return download(file, cached, progress);
}

/** A mistyped folder must not turn into a silent download. */
async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw explainFileError(error, folder);
  });
  if (found?.isDirectory()) return;
  throw new MeedError(
    `The data folder ${folder} ${found ? 'is not a folder' : 'does not exist'}`,
    'Correct MEED_DATASETS, or unset it to download',
  );
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw explainFileError(error, path);
  }
}

/** Checks the bytes against the card. @param where the path or address that they came from */
function content(file: DatasetFile, bytes: Uint8Array, where: string, remedy: string): Uint8Array {
  const { unpacked } = file;
  if (!unpacked) {
    checkIdentity(bytes, file, where, remedy);
    return bytes;
  }
  let inside: Uint8Array;
  try {
    inside = gunzipSync(bytes, { maxOutputLength: unpacked.bytes });
  } catch (cause) {
    throw new MeedError(
      `${where} cannot be unpacked to the ${unpacked.bytes} bytes it should hold (${messageOf(cause)})`,
      remedy,
      { cause },
    );
  }
  checkIdentity(inside, unpacked, `${where}, unpacked,`, remedy);
  return inside;
}

function checkIdentity(
  bytes: Uint8Array,
  expected: { bytes: number; sha256: string },
  where: string,
  remedy: string,
): void {
  if (bytes.length !== expected.bytes) {
    throw new MeedError(`${where} has ${bytes.length} bytes, its card says ${expected.bytes}`, remedy);
  }
  const found = sha256(bytes);
  if (found !== expected.sha256) {
    throw new MeedError(`${where} has SHA-256 ${found}, its card says ${expected.sha256}`, remedy);
  }
}

async function download(file: DatasetFile, target: string, progress: Progress): Promise<Uint8Array> {
  const partial = `${target}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const bytes = await receive(file, partial, progress);
    const result = content(file, bytes, `${file.path} from ${file.url}`, `Try again later, or ${ELSEWHERE}`);
    await rename(partial, target);
    return result;
  } catch (error) {
    throw explainFileError(error, target);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Streams the body into `partial` and returns it; the file on disk is flushed before it may be renamed. */
async function receive(file: DatasetFile, partial: string, progress: Progress): Promise<Uint8Array> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  const handle = await open(partial, 'wx');
  try {
    const body = await request(file, silence.signal);
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of interruptible(body, file, () => received)) {
      timer.refresh();
      received += chunk.length;
      if (received > limitOf(file)) {
        throw new MeedError(
          `${file.path} from ${file.url} is longer than the ${file.bytes} bytes its card gives`,
          `The origin has changed: ${ELSEWHERE}`,
        );
      }
      await handle.write(chunk);
      chunks.push(chunk);
      progress(received, file.bytes, `downloading ${file.path}`);
    }
    if (received < file.bytes && !file.unpacked) throw endedEarly(file, received);
    await handle.sync();
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
    silence.abort();
    await handle.close();
  }
}

async function request(file: DatasetFile, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  let response: Response;
  try {
    response = await fetch(file.url, { signal, headers: { 'accept-encoding': 'identity' } });
  } catch (cause) {
    throw new MeedError(
      `${file.path} could not be downloaded from ${file.url} (${reasonOf(cause)})`,
      `Check the network, or ${ELSEWHERE}`,
      {
        cause,
      },
    );
  }
  if (!response.ok || !response.body) {
    throw new MeedError(
      `${file.path} could not be downloaded: ${file.url} answered ${response.status} ${response.statusText}`.trimEnd(),
      `Try again later, or ${ELSEWHERE}`,
    );
  }
  return response.body;
}

/** The body's chunks; a connection that breaks off becomes a sentence. */
async function* interruptible(
  body: AsyncIterable<Uint8Array>,
  file: DatasetFile,
  received: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw endedEarly(file, received(), cause);
  }
}

function endedEarly(file: DatasetFile, received: number, cause?: unknown): MeedError {
  const because = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  return new MeedError(
    `The download of ${file.path} from ${file.url} ended after ${received} of ${file.bytes} bytes${because}`,
    `Try again, or ${ELSEWHERE}`,
    { cause },
  );
}

/** Another gzip of the same content may be somewhat longer, but never longer than what it packs by more than a header. */
function limitOf(file: DatasetFile): number {
  return file.unpacked ? Math.max(file.bytes, file.unpacked.bytes + 65_536) : file.bytes;
}

/** The network's own word ("ECONNREFUSED") lies in the cause of `fetch failed`. */
function reasonOf(thrown: unknown): string {
  const inner = thrown instanceof Error ? thrown.cause : undefined;
  return systemCode(inner) ?? (inner instanceof Error ? inner.message : messageOf(thrown));
}
