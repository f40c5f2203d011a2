/**
 * One thread of a scan. Threads take chunks of rows from a shared counter, so a slow one takes fewer, and each sees its
 * chunks in ascending order. A chunk is read from its file into this thread's own buffer, or lies in the shared memory
 * already.
 * The trap: what a thread imports is loaded again in each, so this file imports little and says by a number where a file
 * ended too soon.
 */
import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { instantiate, type Kernel } from './kernel.js';
import type { Layout } from './layout.js';

/** Address of the number of the next chunk to be taken, int32. */
export const NEXT_CHUNK = 0;

/** What threads know of a segment. */
export interface ScanSegment {
  readonly rows: number;
  readonly firstRow: number;
  readonly rowsFile: number;
  /** Descriptor of the bits of removed rows; undefined when there are none. */
  readonly removedFile: number | undefined;
  /** Where the rows lie in memory; undefined when they are read from the file. */
  readonly resident: { readonly rows: number; readonly removed: number } | undefined;
}

interface Share {
  readonly segments: readonly ScanSegment[];
  readonly width: number;
  readonly layout: Layout;
  readonly slot: number;
  /** Queries of this pass. */
  readonly queries: number;
}

export type ScanRequest =
  /** Offer the scores of all chunks that this thread gets to its heaps. */
  | (Share & { readonly kind: 'best' })
  /** All scores of one chunk. */
  | (Share & { readonly kind: 'scores'; readonly chunk: number })
  /** Read all chunks that this thread gets into the shared memory. */
  | (Share & { readonly kind: 'load' })
  /** As many products as the scan of the rows takes, of numbers in registers. */
  | (Share & { readonly kind: 'multiply' })
  /** Read the resident rows of all chunks that this thread gets, and nothing else. */
  | (Share & { readonly kind: 'read' });

export interface ScanReply {
  /** Where a file of the store ended before its rows did, bytes; undefined when none did. */
  readonly endedAt: number | undefined;
}

export interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/** A chunk: consecutive rows of one segment. */
export interface Chunk {
  readonly segment: ScanSegment;
  /** In the segment. */
  readonly first: number;
  readonly rows: number;
}

/** The chunk of a number, or undefined behind the last. */
export function chunkAt(segments: readonly ScanSegment[], chunkRows: number, number: number): Chunk | undefined {
  let before = 0;
  for (const segment of segments) {
    const chunks = Math.ceil(segment.rows / chunkRows);
    if (number < before + chunks) {
      const first = (number - before) * chunkRows;
      return { segment, first, rows: Math.min(chunkRows, segment.rows - first) };
    }
    before += chunks;
  }
  return undefined;
}

let opened: { readonly kernel: Kernel; readonly memory: WebAssembly.Memory } | undefined;

function open(): { readonly kernel: Kernel; readonly memory: WebAssembly.Memory } {
  if (!opened) {
    const { module, memory }: ThreadData = workerData;
    opened = { kernel: instantiate(module, memory), memory };
  }
  return opened;
}

class EndedEarly extends Error {
  readonly position: number;

  constructor(position: number) {
    super(`a file ends after ${position} bytes`);
    this.position = position;
  }
}

export default function scan(request: ScanRequest): ScanReply {
  try {
    perform(request);
    return { endedAt: undefined };
  } catch (error) {
    if (error instanceof EndedEarly) return { endedAt: error.position };
    throw error;
  }
}

function perform(request: ScanRequest): void {
  const { kernel, memory } = open();
  const { segments, width, layout, queries } = request;
  const slot = layout.slots[request.slot];
  if (request.kind === 'scores') {
    const chunk = chunkAt(segments, layout.chunkRows, request.chunk);
    if (!chunk) return;
    const { rows } = placed(chunk);
    kernel.products(rows, chunk.rows, width, layout.queries, queries, slot.scores, layout.chunkRows);
    return;
  }
  const next = new Int32Array(memory.buffer, NEXT_CHUNK, 1);
  for (;;) {
    const chunk = chunkAt(segments, layout.chunkRows, Atomics.add(next, 0, 1));
    if (!chunk) return;
    if (request.kind === 'load') load(chunk);
    else if (request.kind === 'multiply') kernel.multiplyThrough(Math.ceil((chunk.rows * width * queries) / 96));
    else if (request.kind === 'read')
      kernel.readThrough(placed(chunk).rows, Math.floor((chunk.rows * width) / 128) * 128);
    else {
      const { rows, removed } = placed(chunk);
      kernel.offerRows(
        rows,
        chunk.rows,
        chunk.segment.firstRow + chunk.first,
        width,
        removed,
        layout.queries,
        queries,
        slot.scores,
        layout.tileRows,
        slot.heaps,
        layout.heapBytes,
      );
    }
  }

  /** Addresses of a chunk's rows and of their bits, 0 for none; read from the files unless they are resident. */
  function placed(chunk: Chunk): { readonly rows: number; readonly removed: number } {
    const { resident, removedFile } = chunk.segment;
    if (resident) {
      const removed = removedFile === undefined ? 0 : resident.removed + chunk.first / 8;
      return { rows: resident.rows + chunk.first * width, removed };
    }
    fetch(chunk, slot.rows, slot.removed);
    return { rows: slot.rows, removed: removedFile === undefined ? 0 : slot.removed };
  }

  function load(chunk: Chunk): void {
    const { resident } = chunk.segment;
    if (!resident) throw new Error('a segment without a place in memory was to be loaded');
    fetch(chunk, resident.rows + chunk.first * width, resident.removed + chunk.first / 8);
  }

  function fetch({ segment, first, rows }: Chunk, rowsAt: number, removedAt: number): void {
    fill(segment.rowsFile, rowsAt, rows * width, first * width);
    if (segment.removedFile !== undefined) fill(segment.removedFile, removedAt, Math.ceil(rows / 8), first / 8);
  }

  function fill(file: number, address: number, bytes: number, position: number): void {
    const into = new Uint8Array(memory.buffer, address, bytes);
    for (let done = 0; done < bytes; ) {
      const read = readSync(file, into, done, bytes - done, position + done);
      if (read === 0) throw new EndedEarly(position + done);
      done += read;
    }
  }
}
