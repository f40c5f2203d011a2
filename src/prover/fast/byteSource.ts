/**
 * Bytes that are read by their position: a file that stays open, or bytes at hand. A key of a large circuit is hundreds
 * of megabytes, most of which go straight into the prover's memory, so nobody reads the whole file at once.
 * The trap: a read may give fewer bytes than asked for without an error, so it is repeated until the file ends.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { explainFileError, MeedError } from '../../foundation/index.js';

export interface ByteSource {
  /** What errors call it. */
  readonly name: string;
  readonly length: number;
  /**
   * Fills `into` with the bytes from `at` on.
   * @throws MeedError when there are not so many
   */
  readInto(into: Uint8Array, at: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws MeedError when the file cannot be read */
export async function openFile(path: string): Promise<ByteSource> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw explainFileError(error, path);
  }
  try {
    return fileSource(path, file, (await file.stat()).size);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function fileSource(name: string, file: FileHandle, length: number): ByteSource {
  async function readSome(into: Uint8Array, from: number, position: number): Promise<number> {
    try {
      return (await file.read(into, from, into.length - from, position)).bytesRead;
    } catch (error) {
      throw explainFileError(error, name);
    }
  }
  return {
    name,
    length,
    async readInto(into, at) {
      for (let done = 0; done < into.length; ) {
        const bytesRead = await readSome(into, done, at + done);
        if (bytesRead === 0) throw endsTooSoon(name, at + done);
        done += bytesRead;
      }
    },
    close: () => file.close(),
  };
}

/** The bytes must not change while they are read. */
export function bytesAsSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    length: bytes.length,
    async readInto(into, at) {
      if (at + into.length > bytes.length) throw endsTooSoon(name, at + into.length);
      into.set(bytes.subarray(at, at + into.length));
    },
    async close() {},
  };
}

export async function readBytes(source: ByteSource, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await source.readInto(bytes, at);
  return bytes;
}

function endsTooSoon(name: string, position: number): MeedError {
  return new MeedError(`${name} ends before byte ${position}, within its content`, 'Make or copy the file again');
}
