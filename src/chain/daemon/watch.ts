/**
 * The chain as a daemon sees it: the indexer's store, kept equal to the chain, in the daemon's own folder. A
 * reorganisation takes events back out of the store, so whoever derives its duties from it after each look needs no code
 * for reorganisations at all.
 */

import { IndexStore } from '../indexer/store.js';
import { type Health, Indexer, type SyncOptions } from '../indexer/sync.js';

export class ChainWatch {
  readonly #indexer: Indexer;
  readonly #path: string;

  constructor(options: SyncOptions) {
    this.#indexer = new Indexer({ ...options, rpc: { attempts: Number.POSITIVE_INFINITY, ...options.rpc } });
    this.#path = options.store;
  }

  /** Reads up to the head that the chain has now. @throws MeedError when the node lies or runs another chain */
  async look(): Promise<Health> {
    await this.#indexer.catchUp();
    return this.#indexer.health();
  }

  /** The file is held only meanwhile, so that `meed indexer` can answer from it in between. */
  async read<T>(work: (store: IndexStore) => Promise<T>): Promise<T> {
    const store = await IndexStore.open(this.#path);
    try {
      return await work(store);
    } finally {
      store.close();
    }
  }
}
