/**
 * The memory budget: how many bytes work may use, how many workers and how many rows fit into it.
 *
 * The trap is reproducibility. A float32 product's last bits depend on the shape of the block it was computed in, so the
 * sizes of chunks *that can change a bit* (how samples are cut into jobs, how a sum is cut into partial sums) are fixed
 * numbers that are recorded with the result, the same on every machine. The budget decides the rest: how many jobs run
 * at once, and the sizes of blocks that were shown not to change the result (rows of a gather, rows read from disk).
 */
import { availableParallelism } from 'node:os';
import { MeedError } from '../foundation/index.js';
import { machineMemory } from './machineMemory.js';

/** The rest is for the operating system, other programs and the parts of Node that no budget sees. */
const SHARE = 0.75;
/** Below this a worker cannot hold the engine and its heap. */
export const LEAST_WORKER_BYTES = 128e6;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 1e3,
  KB: 1e3,
  KIB: 2 ** 10,
  M: 1e6,
  MB: 1e6,
  MIB: 2 ** 20,
  G: 1e9,
  GB: 1e9,
  GIB: 2 ** 30,
  T: 1e12,
  TB: 1e12,
  TIB: 2 ** 40,
};

/**
 * "4GB", "512 MB", "1.5GiB", "800000" as bytes, rounded down.
 * @throws MeedError (used wrongly) when it is no amount above zero
 */
export function parseBytes(text: string): number {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit.toUpperCase()];
  const bytes = factor === undefined ? Number.NaN : Math.floor(Number(number) * factor);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new MeedError(`"${text}" is no amount of memory`, 'Give a number with a unit, e.g. 4GB, 512MB or 1.5GiB', {
      exitCode: 2,
    });
  }
  return bytes;
}

/** Bytes for a person: "3.2 GB". */
export function formatBytes(bytes: number): string {
  const units = ['TB', 'GB', 'MB', 'kB'];
  const factors = [1e12, 1e9, 1e6, 1e3];
  const i = factors.findIndex((factor) => bytes >= factor);
  if (i < 0) return `${Math.round(bytes)} bytes`;
  const amount = bytes / factors[i];
  return `${amount < 9.95 ? amount.toFixed(1) : amount.toFixed(0)} ${units[i]}`;
}

/** Bytes that all workers together may use when nothing else was said. */
export function defaultMemory(machineBytes: number = machineMemory()): number {
  return Math.floor(machineBytes * SHARE);
}

/**
 * How many workers: as many as cores, fewer when memory is short; or as many as asked for.
 * @throws MeedError (used wrongly) when the memory is too little for them
 */
export function workersWithin(memoryBytes: number, asked?: number): number {
  if (asked !== undefined && (!Number.isSafeInteger(asked) || asked < 1)) {
    throw new MeedError(`${asked} is no number of workers`, 'Give a whole number from 1 with --workers', {
      exitCode: 2,
    });
  }
  const fitting = Math.floor(memoryBytes / LEAST_WORKER_BYTES);
  if (fitting < (asked ?? 1)) {
    throw new MeedError(
      `${asked ?? 1} worker(s) need ${formatBytes((asked ?? 1) * LEAST_WORKER_BYTES)} at least, ${formatBytes(memoryBytes)} are available`,
      asked === undefined || asked === 1 ? 'Give more with --memory' : 'Give more with --memory, or fewer --workers',
      { exitCode: 2 },
    );
  }
  return asked ?? Math.min(availableParallelism(), fitting);
}

export interface RowLimits {
  /** What the rows are, for the sentence: "gradients of samples". */
  readonly what: string;
  /** Result is a multiple of this, default 1. */
  readonly multipleOf?: number;
  /** Result is at most this, default unbounded; a smaller one than `multipleOf` is returned as it is. */
  readonly atMost?: number;
}

/**
 * How many rows fit: the largest multiple within the budget.
 * @param budgetBytes  bytes available
 * @param bytesPerRow  bytes of one row, above 0
 * @param fixedBytes   bytes needed however many rows there are
 * @throws MeedError when the least number of rows does not fit, naming needed and available bytes
 */
export function rowsWithin(budgetBytes: number, bytesPerRow: number, fixedBytes: number, limits: RowLimits): number {
  if (!(bytesPerRow > 0) || !(fixedBytes >= 0)) {
    throw new RangeError(`rows of ${bytesPerRow} bytes beside ${fixedBytes} bytes`);
  }
  const { what, multipleOf = 1, atMost = Number.MAX_SAFE_INTEGER } = limits;
  const least = Math.min(multipleOf, atMost);
  const fitting = Math.floor((budgetBytes - fixedBytes) / bytesPerRow);
  if (fitting < least) {
    throw new MeedError(
      `${what}: ${least} row(s) need ${formatBytes(fixedBytes + least * bytesPerRow)}, ${formatBytes(budgetBytes)} are available to a worker`,
      'Give more with --memory, or use fewer --workers, which share it',
    );
  }
  const most = Math.min(fitting, atMost);
  return most < multipleOf ? most : most - (most % multipleOf);
}
