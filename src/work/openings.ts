/**
 * What one worker keeps open between jobs: compiled programs, by key, the least recently used closed first. What the
 * present job opened stays open until it ends, however many that are.
 */
import type { Closable } from './task.js';

const MOST_OPEN = 8;

export class Openings {
  /** In order of use, the most recent last. */
  readonly #open = new Map<string, Promise<Closable>>();
  readonly #inUse = new Set<string>();
  readonly #most: number;

  constructor(most: number = MOST_OPEN) {
    this.#most = most;
  }

  /** @param make called when the key is not open; when it throws, the next call for the key makes it anew */
  async open<T extends Closable>(key: string, make: () => Promise<T>): Promise<T> {
    const opened = (this.#open.get(key) as Promise<T> | undefined) ?? make();
    this.#open.delete(key);
    this.#open.set(key, opened);
    this.#inUse.add(key);
    try {
      const value = await opened;
      await this.#shrink();
      return value;
    } catch (error) {
      if (this.#open.get(key) === opened) this.#open.delete(key);
      throw error;
    }
  }

  /** The present job has ended: everything may be closed. */
  async release(): Promise<void> {
    this.#inUse.clear();
    await this.#shrink();
  }

  async dispose(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const opened of all) await (await opened).dispose();
  }

  async #shrink(): Promise<void> {
    for (const [key, opened] of [...this.#open]) {
      if (this.#open.size <= this.#most) return;
      if (this.#inUse.has(key)) continue;
      this.#open.delete(key);
      await (await opened).dispose();
    }
  }
}
