/**
 * A store opened to be read: file handles and the state, never the rows, so memory does not grow with their number.
 * What it answers is the store as it was when it was opened, without the rows that were removed by then.
 */
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MeedError } from '../../foundation/index.js';
import { BLOCK_BYTES } from './bounds.js';
import { bitBytes, isSet, readRemoved, setRows } from './removed.js';
import {
  bytesOf,
  CONTRIBUTORS_FILE,
  checkSegment,
  openToRead,
  ROWS_FILE,
  readExactly,
  readSegmentManifest,
  readSegmentSums,
} from './segment.js';
import { readState, type SegmentEntry, type StoreState } from './state.js';

export interface OpenOptions {
  /**
   * 'content' (the default) reads every file once, in blocks: hashes, entries, contributors, sums. 'sizes' trusts what
   * this machine wrote: manifests, sizes and the bits of removed rows only, whatever the number of rows.
   */
  readonly check?: 'content' | 'sizes';
}

/** Rows added up: the inner product with a query is the rows' total score. */
export interface RowSum {
  /** Rows that were added, without removed ones. */
  readonly rows: number;
  /** One whole number per column. */
  readonly sum: Float64Array;
}

export interface ContributorSum extends RowSum {
  readonly contributor: string;
}

/** Consecutive rows as they are stored, without removed ones. */
export interface StoredRows {
  /** Number of each row, ascending. */
  readonly rows: Uint32Array;
  /** rows × width, row-major */
  readonly entries: Int8Array;
  /** Number of each row's contributor in `contributors` of the store. */
  readonly contributors: Uint32Array;
}

/** A segment's open files. */
export interface OpenSegment {
  readonly entry: SegmentEntry;
  readonly firstRow: number;
  readonly rows: FileHandle;
  readonly contributors: FileHandle;
  /** Absent when no row was removed. */
  readonly removed: FileHandle | undefined;
}

/**
 * @throws MeedError naming the first file that is missing, cut short, changed or holds what no store may
 */
export async function openStore(folder: string, { check = 'content' }: OpenOptions = {}): Promise<SketchStore> {
  const state = await readState(folder);
  const segments: OpenSegment[] = [];
  let firstRow = 0;
  try {
    for (const entry of state.segments) {
      if (check === 'content') await checkSegment(folder, entry, state.width, state.contributors.length);
      else await readSegmentManifest(folder, entry, state.width);
      await readRemoved(folder, entry);
      segments.push(await openSegment(folder, entry, firstRow));
      firstRow += entry.rows;
    }
  } catch (error) {
    await closeAll(segments);
    throw error;
  }
  return new SketchStore(folder, state, segments);
}

export class SketchStore {
  readonly folder: string;
  /** Columns of a row. */
  readonly width: number;
  readonly scales: Float64Array;
  readonly contributors: readonly string[];
  /** Row numbers are below this; removed rows keep theirs. */
  readonly rows: number;
  /** Rows that are not removed. */
  readonly kept: number;
  readonly segments: readonly OpenSegment[];
  #closed = false;

  constructor(folder: string, state: StoreState, segments: readonly OpenSegment[]) {
    this.folder = folder;
    this.width = state.width;
    this.scales = Float64Array.from(state.scales);
    this.contributors = state.contributors;
    this.segments = segments;
    this.rows = state.segments.reduce((sum, { rows }) => sum + rows, 0);
    this.kept = state.segments.reduce((sum, { removed }) => sum - (removed?.rows ?? 0), this.rows);
  }

  /**
   * Name of the contributor of each row.
   * @throws MeedError when a row does not exist or was removed
   */
  async contributorsOf(rows: Iterable<number>): Promise<string[]> {
    const names: string[] = [];
    const number = new Uint32Array(1);
    for (const row of rows) {
      const segment = await this.#segmentOf(row);
      await readExactly(segment.contributors, bytesOf(number), (row - segment.firstRow) * 4, CONTRIBUTORS_FILE);
      names.push(this.#name(number[0]));
    }
    return names;
  }

  /**
   * The entries of the rows, in the order asked for: rows × width.
   * @throws MeedError when a row does not exist or was removed
   */
  async readRows(rows: readonly number[]): Promise<Int8Array> {
    const { width } = this;
    const entries = new Int8Array(rows.length * width);
    for (const [at, row] of rows.entries()) {
      const segment = await this.#segmentOf(row);
      const into = entries.subarray(at * width, (at + 1) * width);
      await readExactly(segment.rows, bytesOf(into), (row - segment.firstRow) * width, ROWS_FILE);
    }
    return entries;
  }

  /** All rows in ascending order, in blocks of at most `blockBytes` bytes of entries (at least one row). */
  async *blocks(blockBytes = BLOCK_BYTES): AsyncGenerator<StoredRows> {
    const { width } = this;
    // a multiple of eight, so that a block's bits begin with a byte
    const step = Math.max(8, Math.floor(blockBytes / width / 8) * 8);
    for (const segment of this.segments) {
      for (let first = 0; first < segment.entry.rows; first += step) {
        const count = Math.min(step, segment.entry.rows - first);
        const entries = new Int8Array(count * width);
        const contributors = new Uint32Array(count);
        await readExactly(segment.rows, bytesOf(entries), first * width, ROWS_FILE);
        await readExactly(segment.contributors, bytesOf(contributors), first * 4, CONTRIBUTORS_FILE);
        const rows = Uint32Array.from({ length: count }, (_, r) => segment.firstRow + first + r);
        const bits = await removedBits(segment, first, count);
        yield bits ? without(bits, { rows, entries, contributors }, width) : { rows, entries, contributors };
      }
    }
  }

  /** Every contributor's rows added up, in the order of `contributors`; one whose rows are all removed has a sum of 0. */
  async contributorSums(): Promise<ContributorSum[]> {
    const { width } = this;
    const totals = this.contributors.map((contributor) => ({ contributor, rows: 0, sum: new Float64Array(width) }));
    const at = (number: number) => totals[this.#number(number)];
    for (const segment of this.segments) {
      const { contributors, rows, sums } = await readSegmentSums(this.folder, segment.entry, width);
      contributors.forEach((number, i) => {
        const total = at(number);
        total.rows += rows[i];
        for (let j = 0; j < width; j++) total.sum[j] += sums[i * width + j];
      });
      if (!segment.removed) continue;
      const entries = new Int8Array(width);
      const number = new Uint32Array(1);
      for (const row of setRows(await readRemoved(this.folder, segment.entry))) {
        await readExactly(segment.contributors, bytesOf(number), row * 4, CONTRIBUTORS_FILE);
        await readExactly(segment.rows, bytesOf(entries), row * width, ROWS_FILE);
        const total = at(number[0]);
        total.rows--;
        for (let j = 0; j < width; j++) total.sum[j] -= entries[j];
      }
    }
    return totals;
  }

  /**
   * Any set of rows added up; each counts once, removed ones not at all.
   * @throws MeedError when a row does not exist
   */
  async sumOf(rows: Iterable<number>): Promise<RowSum> {
    const { width } = this;
    const sum = new Float64Array(width);
    const entries = new Int8Array(width);
    let count = 0;
    for (const row of new Set(rows)) {
      const segment = this.#holder(row);
      if (await isRemoved(segment, row - segment.firstRow)) continue;
      await readExactly(segment.rows, bytesOf(entries), (row - segment.firstRow) * width, ROWS_FILE);
      for (let j = 0; j < width; j++) sum[j] += entries[j];
      count++;
    }
    return { rows: count, sum };
  }

  /** @throws MeedError once the store is closed: the numbers of its files may be those of others by then */
  requireOpen(): void {
    if (this.#closed) throw new MeedError(`The store ${this.folder} is closed`, 'Close it after its last scan');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeAll(this.segments);
  }

  #holder(row: number): OpenSegment {
    const segment = Number.isInteger(row) && row >= 0 && row < this.rows ? this.#at(row) : undefined;
    if (segment) return segment;
    throw new MeedError(`There is no row ${row} in ${this.folder}`, `Name rows from 0 to ${this.rows - 1}`);
  }

  #at(row: number): OpenSegment | undefined {
    return this.segments.findLast(({ firstRow }) => firstRow <= row);
  }

  async #segmentOf(row: number): Promise<OpenSegment> {
    const segment = this.#holder(row);
    if (!(await isRemoved(segment, row - segment.firstRow))) return segment;
    throw new MeedError(`Row ${row} of ${this.folder} was removed`, 'Leave it out');
  }

  #name(number: number): string {
    return this.contributors[this.#number(number)];
  }

  #number(number: number): number {
    if (number < this.contributors.length) return number;
    throw new MeedError(
      `${this.folder} holds a row of contributor ${number}, it names ${this.contributors.length}`,
      'Do not trust this store: fetch an intact copy or write it again',
    );
  }
}

/** Bits of `count` rows of a segment from `first` on, a multiple of eight; undefined when none was removed. */
export async function removedBits(segment: OpenSegment, first: number, count: number): Promise<Uint8Array | undefined> {
  if (!segment.removed) return undefined;
  const bits = new Uint8Array(bitBytes(count));
  await readExactly(segment.removed, bits, first / 8, 'The bits of removed rows');
  return bits;
}

async function isRemoved({ removed }: OpenSegment, row: number): Promise<boolean> {
  if (!removed) return false;
  const byte = new Uint8Array(1);
  await readExactly(removed, byte, row >> 3, 'The bits of removed rows');
  return isSet(byte, row & 7);
}

function without(bits: Uint8Array, { rows, entries, contributors }: StoredRows, width: number): StoredRows {
  let to = 0;
  for (let r = 0; r < rows.length; r++) {
    if (isSet(bits, r)) continue;
    rows[to] = rows[r];
    contributors[to] = contributors[r];
    entries.copyWithin(to * width, r * width, (r + 1) * width);
    to++;
  }
  return {
    rows: rows.subarray(0, to),
    entries: entries.subarray(0, to * width),
    contributors: contributors.subarray(0, to),
  };
}

async function openSegment(folder: string, entry: SegmentEntry, firstRow: number): Promise<OpenSegment> {
  const opened: FileHandle[] = [];
  const open = async (path: string): Promise<FileHandle> => {
    const file = await openToRead(path);
    opened.push(file);
    return file;
  };
  try {
    return {
      entry,
      firstRow,
      rows: await open(join(folder, entry.folder, ROWS_FILE)),
      contributors: await open(join(folder, entry.folder, CONTRIBUTORS_FILE)),
      removed: entry.removed ? await open(join(folder, entry.removed.file)) : undefined,
    };
  } catch (error) {
    await Promise.all(opened.map((file) => file.close()));
    throw error;
  }
}

async function closeAll(segments: readonly OpenSegment[]): Promise<void> {
  await Promise.all(
    segments.flatMap(({ rows, contributors, removed }) => [rows, contributors, removed].map((file) => file?.close())),
  );
}
