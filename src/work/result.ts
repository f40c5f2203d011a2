/**
 * A finished job as bytes: eight letters of format, the payload's length, its SHA-256, and the payload, which holds key,
 * task, version and output. The same bytes lie in a store's file and in Redis. The hash tells damage (a torn write, a
 * flipped bit), not forgery: whoever may write to the store or to Redis is trusted with the results.
 */
import { MeedError, sha256Bytes } from '../foundation/index.js';
import { decode, encode } from './codec.js';

const FORMAT = new TextEncoder().encode('meedjob1');
const HEADER_BYTES = 48;

export interface JobResult {
  readonly key: string;
  readonly task: string;
  readonly version: number;
  readonly output: unknown;
}

/** @throws MeedError when the output holds what cannot be sent */
export function encodeResult(result: JobResult): Uint8Array {
  const payload = encode(result);
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  bytes.set(FORMAT);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(payload.byteLength), true);
  bytes.set(sha256Bytes(payload), 16);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/**
 * @param key the job whose result is expected
 * @throws MeedError when the bytes are damaged or the result of another job
 */
export function decodeResult(bytes: Uint8Array, key: string): JobResult {
  const payload = bytes.subarray(HEADER_BYTES);
  if (bytes.byteLength < HEADER_BYTES || FORMAT.some((letter, i) => bytes[i] !== letter)) {
    damaged(key, 'it does not begin as a result does');
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true);
  if (length !== BigInt(payload.byteLength)) damaged(key, `${payload.byteLength} bytes of ${length} are there`);
  const hash = sha256Bytes(payload);
  if (hash.some((byte, i) => byte !== bytes[16 + i])) damaged(key, 'its hash is another');
  const result = decode(payload);
  if (!isResult(result)) damaged(key, 'its fields are others');
  if (result.key !== key) damaged(key, `it belongs to job ${result.key}`);
  return result;
}

function damaged(key: string, why: string): never {
  throw new MeedError(`The stored result of job ${key} is damaged: ${why}`, 'Remove it; it is then computed again');
}

function isResult(value: unknown): value is JobResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 4 &&
    'key' in value &&
    typeof value.key === 'string' &&
    'task' in value &&
    typeof value.task === 'string' &&
    'version' in value &&
    typeof value.version === 'number' &&
    'output' in value
  );
}
