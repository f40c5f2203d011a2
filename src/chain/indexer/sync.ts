/**
 * Keeps a store equal to what a node shows. The next range is read while the last one is written; when the chain has
 * moved, everything above the common ancestor is forgotten and read again.
 * The trap: a node that was set up anew or follows another chain looks like a very deep reorganisation, and would have the
 * whole store thrown away; so another first block, or an ancestor too far down, is refused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MeedError, type Progress, silent } from '../../foundation/index.js';
import { compileContracts } from '../compile.js';
import type { Deployment } from '../deploy.js';
import { quantity } from '../values.js';
import { ChainMoved, type CheckedRange, RangeReader } from './ranges.js';
import { Rpc, type RpcOptions } from './rpc.js';
import { type Schema, schemaOf } from './schema.js';
import { type BlockId, IndexStore } from './store.js';

/** No chain in use undoes so many blocks; remembered blocks lie closer together than that. */
const DEEPEST_REORGANISATION = 50_000;
/** So often in a row a range may change under the reader before the node is given up. */
const MOST_MOVES = 20;
const MOVE_PAUSE_MS = 100;
const POLL_MS = 1_000;

export interface SyncOptions {
  readonly url: string;
  readonly deployment: Deployment;
  /** Path of the store's file. */
  readonly store: string;
  /** Blocks at the chain's head that are left out until so many stand on them; 0 unless told. */
  readonly confirmations?: number;
  /** Most blocks that are asked for at once. */
  readonly mostBlocks?: number;
  readonly deepestReorganisation?: number;
  readonly rpc?: RpcOptions;
  readonly progress?: Progress;
}

/** How the store stands to the chain. */
export interface Health {
  /** Last block that was read. */
  readonly block: number;
  /** Last block of the chain, when it was last asked. */
  readonly head: number;
  /** Blocks of the chain that were not read yet. */
  readonly lag: number;
  /** Events read since the start. */
  readonly events: number;
  /** Over the time in which there was something to read. */
  readonly eventsPerSecond: number;
  /** Times that blocks were taken back since the start. */
  readonly reorganisations: number;
  /** Bytes that the node sent since the start. */
  readonly bytes: number;
}

/** Reads to the chain's head. @throws MeedError when the node fails for good, lies, or runs another chain */
export async function syncIndex(options: SyncOptions): Promise<Health> {
  const indexer = new Indexer(options);
  await indexer.catchUp();
  return indexer.health();
}

/**
 * Follows the chain until the signal; the store's file is only held while there is something to write.
 * @param onHealth told after every look at the chain
 */
export async function followChain(
  options: SyncOptions & { readonly signal: AbortSignal; readonly pollMs?: number },
  onHealth: (health: Health) => void,
): Promise<Health> {
  const { signal, pollMs = POLL_MS } = options;
  const indexer = new Indexer({ ...options, rpc: { attempts: Number.POSITIVE_INFINITY, ...options.rpc, signal } });
  try {
    while (!signal.aborted) {
      await indexer.catchUp();
      onHealth(indexer.health());
      await delay(pollMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return indexer.health();
}

/** Keeps one store equal to one chain, look by look. */
export class Indexer {
  readonly #options: SyncOptions;
  readonly #rpc: Rpc;
  #opened: { readonly schema: Schema; readonly reader: RangeReader } | undefined;
  #cursor: BlockId | undefined;
  #head = 0;
  #events = 0;
  #busyMs = 0;
  #reorganisations = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#rpc = new Rpc(options.url, options.rpc);
  }

  health(): Health {
    const block = this.#cursor?.number ?? this.#options.deployment.fromBlock - 1;
    return {
      block,
      head: this.#head,
      lag: Math.max(0, this.#head - block),
      events: this.#events,
      eventsPerSecond: this.#busyMs === 0 ? 0 : (1000 * this.#events) / this.#busyMs,
      reorganisations: this.#reorganisations,
      bytes: this.#rpc.bytes,
    };
  }

  /** Reads up to the head that the chain has now. */
  async catchUp(): Promise<void> {
    const { schema, reader } = await this.#open();
    for (let moves = 0; ; moves++) {
      const before = this.#cursor;
      this.#head = await reader.head();
      const target = Math.max(this.#head - (this.#options.confirmations ?? 0), this.#options.deployment.fromBlock - 1);
      if (before?.number === target && (await agrees(reader, before))) return;
      const begun = performance.now();
      const store = await this.#store(schema, reader);
      try {
        await this.#read(store, reader, target);
        return;
      } catch (error) {
        if (!(error instanceof ChainMoved)) throw error;
        if (this.#cursor?.hash !== before?.hash) moves = 0;
        if (moves >= MOST_MOVES) {
          throw new MeedError(
            `The node changes its chain all the time: ${error.message}`,
            'Use another node, or stay behind its head with --confirmations',
            { cause: error },
          );
        }
      } finally {
        store.close();
        this.#busyMs += performance.now() - begun;
      }
      await delay(MOVE_PAUSE_MS, undefined, { signal: this.#options.rpc?.signal });
    }
  }

  async #open(): Promise<{ readonly schema: Schema; readonly reader: RangeReader }> {
    if (this.#opened) return this.#opened;
    const { deployment, url, mostBlocks } = this.#options;
    const chainId = quantity(await this.#rpc.call('eth_chainId', []), 'eth_chainId');
    if (chainId !== deployment.chainId) {
      throw new MeedError(
        `The node at ${url} runs chain ${chainId}, not ${deployment.chainId}`,
        'Check the address and the deployment',
      );
    }
    const schema = schemaOf(await compileContracts(), deployment);
    this.#opened = { schema, reader: new RangeReader(this.#rpc, schema, mostBlocks) };
    return this.#opened;
  }

  #store(schema: Schema, reader: RangeReader): Promise<IndexStore> {
    const { store, deployment } = this.#options;
    return IndexStore.openFor(store, deployment, schema, async () => {
      const first = [...new Set([0, Math.max(0, deployment.fromBlock - 1)])];
      return Promise.all(
        first.map(async (number) => {
          const block = await reader.block(number);
          if (block) return block;
          throw new MeedError(`The node has no block ${number}`, 'Use a node that has the whole chain');
        }),
      );
    });
  }

  async #read(store: IndexStore, reader: RangeReader, target: number): Promise<void> {
    const { progress = silent, deployment } = this.#options;
    this.#cursor = await this.#commonBlock(store, reader);
    let next = this.#next(reader, this.#cursor, target);
    while (next) {
      const range = await next;
      next = this.#next(reader, range.end, target);
      await store.append(range);
      this.#cursor = range.end;
      this.#events += range.events;
      progress(range.end.number - deployment.fromBlock + 1, target - deployment.fromBlock + 1, 'blocks');
    }
  }

  #next(reader: RangeReader, below: BlockId, target: number): Promise<CheckedRange> | undefined {
    if (below.number >= target) return undefined;
    const range = reader.after(below, target);
    range.catch(() => undefined); // it is awaited after the range before it was written, or never when that failed
    return range;
  }

  /** The cursor, moved down to the last block that the store and the chain share. */
  async #commonBlock(store: IndexStore, reader: RangeReader): Promise<BlockId> {
    const cursor = await store.cursor();
    if (await agrees(reader, cursor)) return cursor;
    const deepest = this.#options.deepestReorganisation ?? DEEPEST_REORGANISATION;
    const common = await findCommon(store, reader, cursor);
    if (!common || cursor.number - common.number > deepest) {
      throw new MeedError(
        `The chain of ${this.#options.url} shares ${common ? `only its blocks up to ${common.number}` : 'no block'} with ${store.path}, which was read up to ${cursor.number}`,
        'Use the node that the store was read from, or delete the store: it is rebuilt from the chain',
      );
    }
    await store.removeAbove(common);
    this.#reorganisations += 1;
    return common;
  }
}

/** Looks ever further down, then between the last two looks. Undefined when not even the first block is shared. */
async function findCommon(store: IndexStore, reader: RangeReader, cursor: BlockId): Promise<BlockId | undefined> {
  let above = cursor.number;
  let common: BlockId | undefined;
  for (let step = 1; !common; step *= 2) {
    const point = await store.pointAt(Math.max(0, cursor.number - step));
    if (await agrees(reader, point)) common = point;
    else if (point.number === 0) return undefined;
    else above = point.number;
  }
  for (let floor = common.number; above - floor > 1; ) {
    const middle = Math.floor((floor + above) / 2);
    const point = await store.pointAt(middle);
    if (point.number <= common.number) floor = middle;
    else if (await agrees(reader, point)) {
      common = point;
      floor = middle;
    } else above = point.number;
  }
  return common;
}

async function agrees(reader: RangeReader, { number, hash }: BlockId): Promise<boolean> {
  return (await reader.block(number))?.hash === hash;
}
