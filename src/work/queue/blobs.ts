/**
 * Bytes in Redis under their own SHA-256, for a day. The name is checked against the bytes on every reading, so what
 * comes out is what was put in; what is there already is not sent again. Results lie under their job's key.
 */
import type { Redis } from 'ioredis';
import { MeedError, sha256 } from '../../foundation/index.js';
import { formatBytes } from '../budget.js';
import { decodeResult, encodeResult, type JobResult } from '../result.js';

/** Redis' own limit of a value. */
const MOST_BYTES = 512 * 2 ** 20;
const KEEP_SECONDS = 86_400;
/** A collected result is kept a little: another caller may wait for the same job. */
const COLLECTED_SECONDS = 600;

const blobName = (hash: string): string => `meed:blob:${hash}`;
const resultName = (key: string): string => `meed:result:${key}`;

/** @throws MeedError when there are too many bytes for Redis */
export async function putBlob(client: Redis, hash: string, bytes: Uint8Array): Promise<void> {
  checkSize('An input', bytes.byteLength);
  if ((await client.expire(blobName(hash), KEEP_SECONDS)) === 1) return;
  await client.set(blobName(hash), asBuffer(bytes), 'EX', KEEP_SECONDS);
}

/** @throws MeedError when the bytes are not there, too many, or not those that were put */
export async function getBlob(client: Redis, hash: string): Promise<Uint8Array> {
  const name = blobName(hash);
  checkSize('An input', await client.strlen(name));
  const bytes = await client.getBuffer(name);
  if (!bytes)
    throw new MeedError(`The input ${name} is not in Redis, which keeps it for a day`, 'Run the command again');
  if (sha256(bytes) !== hash) {
    // removed, so that the next caller sends it anew
    await client.unlink(name);
    throw new MeedError(`The input ${name} in Redis was damaged or forged`, 'Run the command again');
  }
  return bytes;
}

/** @throws MeedError when the output cannot be sent or is too large for Redis */
export async function putResult(client: Redis, result: JobResult): Promise<void> {
  const bytes = encodeResult(result);
  checkSize('An output', bytes.byteLength);
  await client.set(resultName(result.key), asBuffer(bytes), 'EX', KEEP_SECONDS);
}

/** The result of a job, or undefined when there is none that is whole. */
export async function getResult(client: Redis, key: string): Promise<JobResult | undefined> {
  if ((await client.strlen(resultName(key))) > MOST_BYTES) return undefined;
  const bytes = await client.getBuffer(resultName(key));
  if (!bytes) return undefined;
  try {
    return decodeResult(bytes, key);
  } catch (error) {
    if (error instanceof MeedError) return undefined;
    throw error;
  }
}

export async function resultCollected(client: Redis, key: string): Promise<void> {
  await client.expire(resultName(key), COLLECTED_SECONDS);
}

function checkSize(what: string, bytes: number): void {
  if (bytes > MOST_BYTES) {
    throw new MeedError(
      `${what} has ${formatBytes(bytes)}, Redis holds at most ${formatBytes(MOST_BYTES)} in one value`,
      'Cut the work into smaller chunks',
    );
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
