/**
 * The compiled kernel (`kernels/`, AssemblyScript) and the form in which queries lie in its memory: columns in groups of
 * eight, padded with zeros to a multiple of sixteen; two queries with their groups in turn, an odd last one alone.
 */
import { readFile } from 'node:fs/promises';
import { MeedError, resourcePath, systemCode } from '../../foundation/index.js';

/** Addresses are bytes in the shared memory; see `kernels/` for each parameter. */
export interface Kernel {
  products(
    rows: number,
    count: number,
    width: number,
    queries: number,
    number: number,
    scores: number,
    stride: number,
  ): void;
  offerRows(
    rows: number,
    count: number,
    firstRow: number,
    width: number,
    removed: number,
    queries: number,
    number: number,
    tile: number,
    tileRows: number,
    heaps: number,
    heapBytes: number,
  ): void;
  readThrough(address: number, bytes: number): bigint;
  multiplyThrough(steps: number): number;
}

/** WebAssembly's unit of memory, bytes. */
export const PAGE_BYTES = 2 ** 16;
/** All that a 32-bit address reaches. */
export const MOST_PAGES = 2 ** 16;
/** A row's columns are read in steps of sixteen. */
const STEP = 16;
const GROUP = 8;

export async function compileKernel(): Promise<WebAssembly.Module> {
  const path = resourcePath('dist', 'kernels', 'sketchScan.wasm');
  try {
    return await WebAssembly.compile(await readFile(path));
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
    throw new MeedError(`The compiled kernel ${path} is missing`, 'Run npm run build', { cause });
  }
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  if (isKernel(exports)) return exports;
  throw new MeedError('The compiled kernel is of another version', 'Run npm run build');
}

function isKernel(exports: WebAssembly.Exports): exports is WebAssembly.Exports & Kernel {
  return ['products', 'offerRows', 'readThrough', 'multiplyThrough'].every(
    (name) => typeof exports[name] === 'function',
  );
}

/** Columns of a packed query. */
export function packedColumns(width: number): number {
  return Math.ceil(width / STEP) * STEP;
}

/** Bytes behind the last row that a product reads: three rows beside it that need not be there, and the last step. */
export function bytesBehind(width: number): number {
  return 3 * width + STEP;
}

/**
 * Queries as the kernel reads them: number × packedColumns(width) int16.
 * @param sign −1 packs the negated queries
 */
export function packQueries(queries: readonly Int16Array[], width: number, sign: 1 | -1): Int16Array {
  const columns = packedColumns(width);
  const packed = new Int16Array(queries.length * columns);
  const pairs = queries.length >> 1;
  for (const [q, query] of queries.entries()) {
    const paired = q < 2 * pairs;
    const base = paired ? (q >> 1) * 2 * columns + (q & 1) * GROUP : q * columns;
    for (let j = 0; j < width; j++) {
      const group = Math.floor(j / GROUP) * (paired ? 2 * GROUP : GROUP);
      packed[base + group + (j % GROUP)] = sign * query[j];
    }
  }
  return packed;
}
