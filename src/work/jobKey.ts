/**
 * The name of a job: SHA-256 over the task's name and version and its input's encoding. Two jobs of one key give the same
 * output, so a result is stored under its key and found again by any later run, on any machine.
 */
import { sha256, sha256Bytes } from '../foundation/index.js';
import { encode } from './codec.js';

/** An input as it is hashed and sent: large arrays apart. */
export interface EncodedInput {
  /** The encoding, large arrays detached. */
  readonly tree: Uint8Array;
  /** Bytes of the detached arrays by the hex of their SHA-256. They are views of the input's own memory. */
  readonly arrays: ReadonlyMap<string, Uint8Array>;
}

/** Encodes the inputs of one map; an array that several inputs share is hashed once. Inputs may not change meanwhile. */
export class InputEncoder {
  readonly #hashes = new WeakMap<ArrayBufferLike, Map<string, Uint8Array>>();

  /** @throws MeedError when the input holds what cannot be sent */
  encode(input: unknown): EncodedInput {
    const arrays = new Map<string, Uint8Array>();
    const tree = encode(input, {
      detach: (bytes) => {
        const hash = this.#hash(bytes);
        arrays.set(Buffer.from(hash).toString('hex'), bytes);
        return hash;
      },
    });
    return { tree, arrays };
  }

  #hash(bytes: Uint8Array): Uint8Array {
    const ofBuffer = this.#hashes.get(bytes.buffer) ?? new Map<string, Uint8Array>();
    this.#hashes.set(bytes.buffer, ofBuffer);
    const range = `${bytes.byteOffset}+${bytes.byteLength}`;
    const hash = ofBuffer.get(range) ?? sha256Bytes(bytes);
    ofBuffer.set(range, hash);
    return hash;
  }
}

/** @param tree the input's encoding, large arrays detached */
export function jobKey(task: { readonly name: string; readonly version: number }, tree: Uint8Array): string {
  return sha256(`meed job 1\n${task.name}\n${task.version}\n`, tree);
}
