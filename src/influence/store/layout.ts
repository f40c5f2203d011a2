/**
 * Where everything lies in the memory that the threads share, so that its size is known before it is used: the counter
 * of chunks, the resident rows if there are any, the packed queries, and for each thread its heaps, its tile of scores
 * and its buffer of rows.
 * The trap: the memory grows and never shrinks, so what a layout needs is compared with the budget first.
 */
import { MeedError } from '../../foundation/index.js';
import { formatBytes, rowsWithin } from '../../work/index.js';
import { bytesBehind, packedColumns } from './kernel.js';

/** Bytes of rows that stay in the first cache while all queries pass over them. */
const TILE_BYTES = 2 ** 14;
/** Bytes of rows read at a time: so many that the call is nothing beside the copy. */
const CHUNK_BYTES = 2 ** 20;
/** Bits of removed rows begin with a byte, tiles of scores with a vector. */
const ROWS_MULTIPLE = 8;
const ALIGNMENT = 64;

/** Address of the first resident row. */
export const RESIDENT = ALIGNMENT;

/** What one thread uses alone; addresses in bytes. */
export interface Slot {
  readonly heaps: number;
  /** Scores of a tile, or of a whole chunk: queries × rows int32. */
  readonly scores: number;
  readonly rows: number;
  readonly removed: number;
}

export interface Layout {
  readonly queries: number;
  readonly slots: readonly Slot[];
  readonly chunkRows: number;
  readonly tileRows: number;
  readonly heapBytes: number;
  /** Of the whole memory. */
  readonly bytes: number;
}

export interface LayoutNeeds {
  readonly width: number;
  /** Queries of one pass. */
  readonly queries: number;
  /** Rows that a heap keeps; 0 where all scores of a chunk are kept. */
  readonly best: number;
  readonly threads: number;
  /** Bytes before the queries. */
  readonly before: number;
  readonly memoryBytes: number;
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** @throws MeedError when the budget does not hold eight rows for each thread */
export function layoutOf({ width, queries, best, threads, before, memoryBytes }: LayoutNeeds): Layout {
  const tileRows = multipleWithin(TILE_BYTES / width);
  const heapBytes = best === 0 ? 0 : 8 + 8 * best;
  const queryBytes = aligned(queries * packedColumns(width) * Int16Array.BYTES_PER_ELEMENT);
  const tileBytes = best === 0 ? 0 : aligned(queries * tileRows * Int32Array.BYTES_PER_ELEMENT);
  const scoreBytes = best === 0 ? queries * Int32Array.BYTES_PER_ELEMENT : 0;
  const fixed = aligned(queries * heapBytes) + tileBytes + bytesBehind(width) + 3 * ALIGNMENT;
  const chunkRows = rowsWithin(
    Math.floor((memoryBytes - before - queryBytes) / threads),
    width + scoreBytes + 1 / 8,
    fixed,
    {
      what: `A scan of ${queries} queries by ${threads} thread(s)`,
      multipleOf: ROWS_MULTIPLE,
      atMost: multipleWithin(CHUNK_BYTES / width),
    },
  );
  let at = before;
  const take = (bytes: number): number => {
    const address = at;
    at += aligned(bytes);
    return address;
  };
  const queriesAt = take(queryBytes);
  const slots = Array.from({ length: threads }, () => ({
    heaps: take(queries * heapBytes),
    scores: take(best === 0 ? queries * chunkRows * Int32Array.BYTES_PER_ELEMENT : tileBytes),
    rows: take(chunkRows * width + bytesBehind(width)),
    removed: take(Math.ceil(chunkRows / 8)),
  }));
  return { queries: queriesAt, slots, chunkRows, tileRows, heapBytes, bytes: at };
}

/** @throws MeedError when resident rows do not fit */
export function requireResident(bytes: number, memoryBytes: number): void {
  if (bytes <= memoryBytes) return;
  throw new MeedError(
    `The resident rows need ${formatBytes(bytes)}, ${formatBytes(memoryBytes)} may be used`,
    'Leave them in the file, or allow more memory (4 GiB at most)',
  );
}

function multipleWithin(rows: number): number {
  return Math.max(ROWS_MULTIPLE, Math.floor(rows / ROWS_MULTIPLE) * ROWS_MULTIPLE);
}
