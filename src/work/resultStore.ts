/**
 * Finished jobs in a folder, one file each, named by the job's key: what makes long work resumable. A file appears whole
 * or not at all (written beside, then renamed), so a killed run leaves finished results and nothing else behind.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, MeedError, systemCode } from '../foundation/index.js';
import { decodeResult, encodeResult, type JobResult } from './result.js';

export type Stored = { readonly state: 'found'; readonly output: unknown } | { readonly state: 'absent' | 'damaged' };

export class ResultStore {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws MeedError when the folder cannot be made */
  static async open(folder: string): Promise<ResultStore> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw explainFileError(error, folder);
    }
    return new ResultStore(folder);
  }

  async read(key: string): Promise<Stored> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#file(key));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { state: 'absent' };
      throw explainFileError(error, this.#file(key));
    }
    try {
      return { state: 'found', output: decodeResult(bytes, key).output };
    } catch (error) {
      if (error instanceof MeedError) return { state: 'damaged' };
      throw error;
    }
  }

  async write(result: JobResult): Promise<void> {
    const file = this.#file(result.key);
    // two processes may work on one folder, and one map may hold a job twice
    const beside = `${file}.${randomUUID()}.partial`;
    const bytes = encodeResult(result);
    try {
      await writeFile(beside, bytes, { flush: true });
      await rename(beside, file);
    } catch (error) {
      throw explainFileError(error, file);
    }
  }

  #file(key: string): string {
    return join(this.folder, `${key}.job`);
  }
}
