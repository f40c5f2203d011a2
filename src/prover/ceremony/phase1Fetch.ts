/**
 * Gets a phase-1 file: the path that was named, else from the folder of MEED_DATASETS, else from the cache, else from its
 * address into the cache. Where it came from never matters, since its published hash is checked every time.
 * A download that broke off goes on where it ended (HTTP ranges, RFC 9110, section 14). The traps: a server may ignore the
 * range and send everything, so the answer's own range decides where bytes go; what is resumed may be of another file,
 * so a wrong hash throws the beginning away too; and a server may send without end, so reading stops at the known size.
 */
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  cacheFolder,
  explainFileError,
  MeedError,
  messageOf,
  type Progress,
  silent,
  systemCode,
} from '../../foundation/index.js';
import { blake2bFile, MEBIBYTE } from './hashFile.js';
import type { Phase1File } from './phase1.js';

export interface Phase1Source {
  /** A file of one's own instead. */
  readonly path?: string;
  readonly progress?: Progress;
}

/** A server that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;
const FOLDER = 'ptau';
const PARTIAL_CONTENT = 206;
const RANGE_NOT_SATISFIABLE = 416;

/**
 * @returns the path of the file, whole and with the published hash
 * @throws MeedError naming the file, its address and what to do
 */
export async function fetchPhase1(file: Phase1File, { path, progress = silent }: Phase1Source = {}): Promise<string> {
  if (path !== undefined) {
    await check(file, path, `Name the file ${file.name} of the Hermez ceremony, from ${file.url}`, progress);
    return path;
  }
  const folder = process.env.MEED_DATASETS;
  if (folder !== undefined && folder !== '') {
    const local = join(folder, FOLDER, file.name);
    if (await exists(local)) {
      await check(file, local, `Fetch ${file.url} again or take ${local} away`, progress);
      return local;
    }
  }
  const cached = join(cacheFolder(), FOLDER, file.name);
  if (await exists(cached)) {
    await check(file, cached, `Delete ${cached}, it will be downloaded again`, progress);
    return cached;
  }
  await download(file, cached, progress);
  return cached;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw explainFileError(error, path);
  }
}

async function check(file: Phase1File, path: string, remedy: string, progress: Progress): Promise<void> {
  const found = await blake2bFile(path, progress);
  if (found === file.blake2b) return;
  throw new MeedError(
    `${path} has BLAKE2b-512 ${found.slice(0, 16)}…, ${file.name} was published with ${file.blake2b.slice(0, 16)}…`,
    remedy,
  );
}

async function download(file: Phase1File, target: string, progress: Progress): Promise<void> {
  const partial = `${target}.partial`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await receive(file, partial, progress);
    const found = await blake2bFile(partial, progress);
    if (found !== file.blake2b) {
      await rm(partial, { force: true });
      throw new MeedError(
        `What ${file.url} sent has BLAKE2b-512 ${found.slice(0, 16)}…, ${file.name} was published with ${file.blake2b.slice(0, 16)}…`,
        'Nothing of it was kept; try again, or get the file elsewhere and name it with --phase1',
      );
    }
    await rename(partial, target);
  } catch (error) {
    throw explainFileError(error, target);
  }
}

/** Fills `partial` up to the known size, going on where it ends. */
async function receive(file: Phase1File, partial: string, progress: Progress): Promise<void> {
  const handle = await open(partial, 'a').then(async (made) => {
    await made.close();
    return open(partial, 'r+');
  });
  try {
    const { size } = await handle.stat();
    if (size < file.bytes) await receiveFrom(file, handle, size, progress);
    else if (size > file.bytes) await handle.truncate(file.bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function receiveFrom(file: Phase1File, handle: FileHandle, begun: number, progress: Progress): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  let at = begun;
  try {
    const response = await request(file, begun, silence.signal);
    at = beginOf(file, response, begun);
    if (at === 0) await handle.truncate(0);
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      timer.refresh();
      if (at + chunk.length > file.bytes) {
        throw new MeedError(
          `${file.url} sends more than the ${file.bytes} bytes of ${file.name}`,
          'Get the file elsewhere and name it with --phase1',
        );
      }
      await handle.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      progress(at / MEBIBYTE, Math.ceil(file.bytes / MEBIBYTE), `MiB of ${file.name}`);
    }
  } catch (cause) {
    if (cause instanceof MeedError || systemCode(cause) === 'ENOSPC') throw cause;
    throw brokenOff(file, at, `: ${reasonOf(cause)}`, cause);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
  if (at < file.bytes) throw brokenOff(file, at, '');
}

function brokenOff(file: Phase1File, at: number, why: string, cause?: unknown): MeedError {
  return new MeedError(
    `The download of ${file.url} ended after ${at} of ${file.bytes} bytes${why}`,
    'What came is kept: run the command again and it goes on there, or name a file with --phase1',
    { cause },
  );
}

/** Where the answer's bytes belong. @throws MeedError when the server does not give the file */
function beginOf(file: Phase1File, { status, statusText, headers, body }: Response, asked: number): number {
  if (body !== null && status === 200) return 0;
  if (body !== null && status === PARTIAL_CONTENT) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
    if (range !== null && Number(range[1]) === asked && ['*', String(file.bytes)].includes(range[2])) return asked;
    throw new MeedError(
      `${file.url} answered with the range "${headers.get('content-range') ?? ''}" when asked for the bytes from ${asked}`,
      'Get the file elsewhere and name it with --phase1',
    );
  }
  throw new MeedError(
    `${file.url} answered ${status} ${statusText}`.trimEnd(),
    status === RANGE_NOT_SATISFIABLE
      ? 'Delete the .partial file in the cache folder and run the command again'
      : 'Try again later, or get the file elsewhere and name it with --phase1',
  );
}

async function request(file: Phase1File, begun: number, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (begun > 0) headers.range = `bytes=${begun}-`;
  try {
    return await fetch(file.url, { signal, headers });
  } catch (cause) {
    throw new MeedError(
      `${file.name} could not be downloaded from ${file.url} (${reasonOf(cause)})`,
      'Check the network, or get the file elsewhere and name it with --phase1',
      { cause },
    );
  }
}

/** The innermost reason: fetch itself only says that it failed. */
function reasonOf(thrown: unknown): string {
  for (let error = thrown; ; ) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    if (cause === undefined || cause === null) return systemCode(error) ?? messageOf(error);
    error = cause;
  }
}
