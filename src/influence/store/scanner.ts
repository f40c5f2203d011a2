/**
 * Scans of a store by several threads: the best rows of each query, or all scores block by block. Every score is an exact
 * integer and ties are broken by row number, so the answer does not depend on the number of threads, on the sizes of
 * chunks, nor on whether the rows are resident.
 *
 * Memory: the rows of a file scan are only ever in the threads' buffers; all that a scan uses is in one shared memory
 * whose size is computed first and never goes beyond the budget, whatever the number of rows.
 * The trap: one scan at a time, since all of a scanner's threads work on each.
 */
import { Piscina } from 'piscina';
import { MeedError } from '../../foundation/index.js';
import { threadStart } from '../../work/index.js';
import { requireQuery } from './groupScores.js';
import { bytesBehind, compileKernel, MOST_PAGES, PAGE_BYTES, packQueries } from './kernel.js';
import { aligned, type Layout, layoutOf, RESIDENT, requireResident } from './layout.js';
import { bitBytes, isSet } from './removed.js';
import {
  chunkAt,
  NEXT_CHUNK,
  type ScanReply,
  type ScanRequest,
  type ScanSegment,
  type ThreadData,
} from './scanThread.js';
import { removedBits, type SketchStore } from './sketchStore.js';

export interface ScannerOptions {
  /** Threads; 2 unless told. */
  readonly threads?: number;
  /** Bytes of the shared memory at most; 256 MiB unless told, 4 GiB are the most that can be addressed. */
  readonly memoryBytes?: number;
  /** 'memory' reads all rows once and keeps them; 'file' (the default) reads them in every scan. */
  readonly rows?: 'file' | 'memory';
}

export interface RankedRow {
  readonly row: number;
  /** ⟨row, query⟩, exact. Positive: the row helped. */
  readonly score: number;
}

export interface TopOptions {
  /** Rows of each answer; fewer when the store has fewer. */
  readonly count: number;
  /** 'helpful' (the default): highest scores first; 'harmful': lowest first. */
  readonly order?: 'helpful' | 'harmful';
  /** Queries of one pass over the rows; 64 unless told. */
  readonly batch?: number;
}

/** Scores of consecutive rows, without removed ones. */
export interface ScoreBlock {
  /** Row numbers, ascending. */
  readonly rows: Uint32Array;
  /** [queries, rows], exact. */
  readonly scores: Int32Array;
}

const DEFAULT_MEMORY = 2 ** 28;
const DEFAULT_BATCH = 64;
const DEFAULT_THREADS = 2;
const MOST_THREADS = 64;

/** @throws MeedError when the rows are to be resident and do not fit the budget */
export async function openScanner(
  store: SketchStore,
  { threads = DEFAULT_THREADS, memoryBytes = DEFAULT_MEMORY, rows = 'file' }: ScannerOptions = {},
): Promise<StoreScanner> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new MeedError(`A scan cannot have ${threads} threads`, `Give 1 to ${MOST_THREADS}`, { exitCode: 2 });
  }
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < PAGE_BYTES) {
    throw new MeedError(`A scan cannot do with ${memoryBytes} bytes`, `Give at least ${PAGE_BYTES}`, { exitCode: 2 });
  }
  const pages = Math.min(MOST_PAGES, Math.floor(memoryBytes / PAGE_BYTES));
  const { segments, bytes } = place(store, rows);
  requireResident(bytes, pages * PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
  const data: ThreadData = { module: await compileKernel(), memory };
  const pool = new Piscina<ScanRequest, ScanReply>({
    ...threadStart(import.meta.url, './scanThread.js'),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData: data,
  });
  const scanner = new StoreScanner(store, { memory, pool, segments, threads, before: bytes, pages });
  if (rows === 'memory') {
    try {
      await scanner.load();
    } catch (error) {
      await scanner.close();
      throw error;
    }
  }
  return scanner;
}

interface Parts {
  readonly memory: WebAssembly.Memory;
  readonly pool: Piscina<ScanRequest, ScanReply>;
  readonly segments: readonly ScanSegment[];
  readonly threads: number;
  /** Bytes before the first layout's queries. */
  readonly before: number;
  readonly pages: number;
}

export class StoreScanner {
  readonly #store: SketchStore;
  readonly #parts: Parts;
  #busy = false;

  constructor(store: SketchStore, parts: Parts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Bytes of the shared memory now. */
  get memoryBytes(): number {
    return this.#parts.memory.buffer.byteLength;
  }

  /**
   * The best rows of each query, in the order of the queries: highest score first (lowest for 'harmful'), ties by
   * ascending row number. Queries are taken in batches, one pass over the rows each.
   * @param queries int16 entries in [−32767, 32767], as wide as the store
   * @throws MeedError when a query does not fit the store, or the budget not the batch
   */
  async *top(
    queries: Iterable<Int16Array> | AsyncIterable<Int16Array>,
    { count, order = 'helpful', batch = DEFAULT_BATCH }: TopOptions,
  ): AsyncGenerator<readonly RankedRow[]> {
    requireWhole(count, 'rows of an answer');
    requireWhole(batch, 'queries of a pass');
    let held: Int16Array[] = [];
    for await (const query of queries) {
      requireQuery(query, this.#store.width);
      held.push(query);
      if (held.length < batch) continue;
      yield* await this.#best(held, count, order);
      held = [];
    }
    if (held.length > 0) yield* await this.#best(held, count, order);
  }

  /**
   * All scores, block by block in ascending order of rows; blocks are computed ahead, one for each thread.
   * @param queries int16 entries in [−32767, 32767], as wide as the store
   */
  async *scores(queries: readonly Int16Array[]): AsyncGenerator<ScoreBlock> {
    for (const query of queries) requireQuery(query, this.#store.width);
    if (queries.length === 0) return;
    this.#begin();
    const { threads, segments } = this.#parts;
    const ahead: Promise<PromiseSettledResult<void>[]>[] = [];
    try {
      const layout = this.#lay(queries.length, 0);
      this.#write(layout, packQueries(queries, this.#store.width, 1));
      let asked = 0;
      for (let chunk = 0; chunkAt(segments, layout.chunkRows, chunk); chunk++) {
        while (ahead.length < threads && chunkAt(segments, layout.chunkRows, asked)) {
          const share = this.#share(layout, asked % threads, queries.length);
          ahead.push(Promise.allSettled([this.#run({ ...share, kind: 'scores', chunk: asked })]));
          asked++;
        }
        const [outcome] = (await ahead[0]) ?? [];
        if (outcome?.status === 'rejected') throw outcome.reason;
        const block = await this.#block(layout, chunk, queries.length);
        // its slot is free only now
        ahead.shift();
        yield block;
      }
    } finally {
      await Promise.all(ahead);
      this.#busy = false;
    }
  }

  /** Reads the resident rows once and does nothing with them: the time that no scan of them can be below. */
  async readThrough(): Promise<void> {
    if (!this.#parts.segments.every(({ resident }) => resident)) {
      throw new MeedError('The rows are not resident', "Open the scanner with rows: 'memory'");
    }
    await this.#all('read');
  }

  /**
   * As many products as a scan for that many queries takes, of numbers in registers: the time that no scan can be below
   * whose products are of this instruction.
   */
  async multiplyThrough(queries: number): Promise<void> {
    requireWhole(queries, 'queries of a pass');
    await this.#all('multiply', queries);
  }

  /** Reads the rows into the shared memory. */
  async load(): Promise<void> {
    await this.#all('load');
  }

  /** Ends the threads. The store stays open. */
  async close(): Promise<void> {
    await this.#parts.pool.destroy();
  }

  async #all(kind: 'load' | 'read' | 'multiply', queries = 1): Promise<void> {
    this.#begin();
    try {
      await this.#everywhere(kind, this.#lay(1, 1), queries);
    } finally {
      this.#busy = false;
    }
  }

  async #best(
    queries: readonly Int16Array[],
    count: number,
    order: 'helpful' | 'harmful',
  ): Promise<(readonly RankedRow[])[]> {
    this.#begin();
    try {
      // more than all rows need no place
      const layout = this.#lay(queries.length, Math.max(1, Math.min(count, this.#store.kept)));
      const sign = order === 'helpful' ? 1 : -1;
      this.#write(layout, packQueries(queries, this.#store.width, sign));
      const heaps = new Int32Array(this.#parts.memory.buffer);
      for (const slot of layout.slots) {
        for (let q = 0; q < queries.length; q++) {
          const at = (slot.heaps + q * layout.heapBytes) / 4;
          heaps[at] = 0;
          heaps[at + 1] = (layout.heapBytes - 8) / 8;
        }
      }
      await this.#everywhere('best', layout, queries.length);
      return queries.map((_, q) => this.#merged(layout, q, count, sign));
    } finally {
      this.#busy = false;
    }
  }

  /** The best of all threads' heaps. */
  #merged(layout: Layout, query: number, count: number, sign: 1 | -1): RankedRow[] {
    const { buffer } = this.#parts.memory;
    const found = layout.slots.flatMap(({ heaps }) => {
      const at = heaps + query * layout.heapBytes;
      const [kept] = new Int32Array(buffer, at, 1);
      const scores = new Int32Array(buffer, at + 8, 2 * kept);
      const rows = new Uint32Array(buffer, at + 8, 2 * kept);
      return Array.from({ length: kept }, (_, i) => ({ row: rows[2 * i + 1], score: scores[2 * i] }));
    });
    return found
      .sort((a, b) => b.score - a.score || a.row - b.row)
      .slice(0, count)
      .map(({ row, score }) => ({ row, score: score === 0 ? 0 : sign * score }));
  }

  async #block(layout: Layout, number: number, queries: number): Promise<ScoreBlock> {
    const { segments, threads, memory } = this.#parts;
    const chunk = chunkAt(segments, layout.chunkRows, number);
    if (!chunk) throw new Error(`there is no chunk ${number}`);
    const { firstRow } = chunk.segment;
    const opened = this.#store.segments.find((segment) => segment.firstRow === firstRow);
    const bits = opened && (await removedBits(opened, chunk.first, chunk.rows));
    const kept = Uint32Array.from({ length: chunk.rows }, (_, r) => r).filter((r) => !(bits && isSet(bits, r)));
    const scores = new Int32Array(queries * kept.length);
    const all = new Int32Array(memory.buffer, layout.slots[number % threads].scores, queries * layout.chunkRows);
    for (let q = 0; q < queries; q++) {
      kept.forEach((r, i) => {
        scores[q * kept.length + i] = all[q * layout.chunkRows + r];
      });
    }
    return { rows: kept.map((r) => firstRow + chunk.first + r), scores };
  }

  #lay(queries: number, best: number): Layout {
    const { threads, before, pages, memory } = this.#parts;
    const memoryBytes = pages * PAGE_BYTES;
    const layout = layoutOf({ width: this.#store.width, queries, best, threads, before, memoryBytes });
    const missing = Math.ceil(layout.bytes / PAGE_BYTES) - memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) memory.grow(missing);
    return layout;
  }

  #write(layout: Layout, packed: Int16Array): void {
    new Int16Array(this.#parts.memory.buffer, layout.queries, packed.length).set(packed);
  }

  #share(layout: Layout, slot: number, queries: number) {
    return { segments: this.#parts.segments, width: this.#store.width, layout, slot, queries };
  }

  async #everywhere(kind: 'best' | 'load' | 'read' | 'multiply', layout: Layout, queries: number): Promise<void> {
    Atomics.store(new Int32Array(this.#parts.memory.buffer, NEXT_CHUNK, 1), 0, 0);
    const all = layout.slots.map((_, slot) => this.#run({ ...this.#share(layout, slot, queries), kind }));
    const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async #run(request: ScanRequest): Promise<void> {
    const { endedAt } = await this.#parts.pool.run(request);
    this.#store.requireOpen();
    if (endedAt === undefined) return;
    throw new MeedError(
      `A file of ${this.#store.folder} ends after ${endedAt} bytes, before its rows do`,
      'It was cut short while it was open: fetch an intact copy and open the store again',
    );
  }

  #begin(): void {
    if (this.#busy)
      throw new MeedError('This scanner is scanning already', 'Await that scan, or open a second scanner');
    this.#store.requireOpen();
    this.#busy = true;
  }
}

function requireWhole(value: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new MeedError(`${value} is no number of ${what}`, 'Give a whole number from 1', { exitCode: 2 });
}

/** Where each segment's rows lie: in their files, or one behind the other in memory with the bits of removed rows. */
function place(store: SketchStore, where: 'file' | 'memory'): { segments: ScanSegment[]; bytes: number } {
  const { width } = store;
  let rowsAt = RESIDENT;
  let bitsAt = aligned(RESIDENT + store.rows * width + bytesBehind(width));
  const segments = store.segments.map(({ entry, firstRow, rows, removed }) => {
    const resident = where === 'memory' ? { rows: rowsAt, removed: bitsAt } : undefined;
    rowsAt += entry.rows * width;
    if (removed) bitsAt += bitBytes(entry.rows);
    return { rows: entry.rows, firstRow, rowsFile: rows.fd, removedFile: removed?.fd, resident };
  });
  return { segments, bytes: where === 'memory' ? aligned(bitsAt) : RESIDENT };
}
