/**
 * Finished cells of a grid, one JSON file each, named by what decides it: what lets an interrupted evaluation go on. A file
 * appears whole or not at all. One that cannot be read is computed again, and said.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, type Json, sha256Json, systemCode } from '../../../foundation/index.js';

/** Raised whenever a cell's content, or what a figure means, changes. */
const FORMAT = 1;

export class CellStore {
  readonly #folder: string;
  readonly #notice: (sentence: string) => void;

  private constructor(folder: string, notice: (sentence: string) => void) {
    this.#folder = folder;
    this.#notice = notice;
  }

  /** @throws MeedError when the folder cannot be made */
  static async open(folder: string, notice: (sentence: string) => void): Promise<CellStore> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw explainFileError(error, folder);
    }
    return new CellStore(folder, notice);
  }

  /**
   * @param name what decides the cell
   * @param isContent recognises what the cell holds
   */
  async find<T>(name: Json, isContent: (content: unknown) => content is T): Promise<T | undefined> {
    const path = this.#path(name);
    try {
      const content: unknown = JSON.parse(await readFile(path, 'utf8'));
      if (isContent(content)) return content;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw explainFileError(error, path);
    }
    this.#notice(`${path} is damaged and is computed again`);
    return undefined;
  }

  async keep(name: Json, content: unknown): Promise<void> {
    const path = this.#path(name);
    const beside = `${path}.${randomUUID()}.partial`;
    try {
      await writeFile(beside, `${JSON.stringify(content, null, 1)}\n`);
      await rename(beside, path);
    } catch (error) {
      throw explainFileError(error, path);
    }
  }

  #path(name: Json): string {
    return join(this.#folder, `${sha256Json({ format: FORMAT, name })}.json`);
  }
}
