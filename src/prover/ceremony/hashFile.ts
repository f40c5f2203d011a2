/** BLAKE2b-512 of a file, by which powers of tau are published, told while it runs: the larger ones take minutes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { explainFileError, type Progress } from '../../foundation/index.js';

export const MEBIBYTE = 2 ** 20;

/** @returns hex. @throws MeedError when the file cannot be read */
export async function blake2bFile(path: string, progress: Progress): Promise<string> {
  const hash = createHash('blake2b512');
  try {
    const total = Math.ceil((await stat(path)).size / MEBIBYTE);
    let done = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: MEBIBYTE }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      done += chunk.length;
      progress(done / MEBIBYTE, total, 'MiB of phase 1 checked');
    }
  } catch (error) {
    throw explainFileError(error, path);
  }
  return hash.digest('hex');
}
