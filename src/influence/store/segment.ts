/**
 * A segment: the rows of one append, an artefact of three files. `rows.i8` is rows × width signed bytes without gaps,
 * so any row is one read at a known place; `contributors.u32` names each row's contributor by its number in the store's
 * state (little endian); `sums.arrow` holds each contributor's row count and the sum of its rows. Influence is additive,
 * so a contributor's total for any output is one inner product with that sum, however many rows it has.
 * The trap: a file of the right size and hash can still hold what the format excludes (−128, a contributor that does not
 * exist, sums that are not the rows'), if its maker meant it; `checkSegment` reads all of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import {
  type Manifest,
  matrix,
  numbers,
  readManifest,
  readTable,
  writeArtefact,
  writeTable,
} from '../../artefact/index.js';
import { explainFileError, MeedError, sha256File, systemCode } from '../../foundation/index.js';
import { BLOCK_BYTES, MOST_SUMS_BYTES } from './bounds.js';
import type { SegmentEntry } from './state.js';

export const SEGMENT_KIND = 'sketch-segment';
export const ROWS_FILE = 'rows.i8';
export const CONTRIBUTORS_FILE = 'contributors.u32';
const SUMS_FILE = 'sums.arrow';

/** Consecutive rows with the number of each one's contributor. */
export interface NumberedRows {
  /** rows × width, row-major */
  readonly entries: Int8Array;
  readonly contributors: Uint32Array;
}

/** A contributor's rows, added up. */
export interface SegmentSums {
  /** Number of each contributor that has rows here, ascending. */
  readonly contributors: Uint32Array;
  readonly rows: Uint32Array;
  /** contributors × width */
  readonly sums: Int32Array;
}

/** Adds rows up by contributor. */
export class SumsByContributor {
  readonly #width: number;
  readonly #sums = new Map<number, { rows: number; sum: Int32Array }>();

  constructor(width: number) {
    this.#width = width;
  }

  /** Bytes of the sums so far. */
  get bytes(): number {
    return this.#sums.size * this.#width * Int32Array.BYTES_PER_ELEMENT;
  }

  add({ entries, contributors }: NumberedRows): void {
    const width = this.#width;
    for (let r = 0; r < contributors.length; r++) {
      const known = this.#sums.get(contributors[r]);
      const into = known ?? { rows: 0, sum: new Int32Array(width) };
      if (!known) this.#sums.set(contributors[r], into);
      into.rows++;
      const { sum } = into;
      for (let j = 0, at = r * width; j < width; j++, at++) sum[j] += entries[at];
    }
  }

  finish(): SegmentSums {
    const order = [...this.#sums].sort(([a], [b]) => a - b);
    const sums = new Int32Array(order.length * this.#width);
    order.forEach(([, { sum }], i) => {
      sums.set(sum, i * this.#width);
    });
    return {
      contributors: Uint32Array.from(order, ([contributor]) => contributor),
      rows: Uint32Array.from(order, ([, { rows }]) => rows),
      sums,
    };
  }
}

/**
 * Writes one segment, block by block, and gives it the name of its id.
 * @param folder of the store
 * @param width  columns of a row
 * @param next   the next block, until it gives none; what it throws leaves no segment
 * @returns undefined when there were no rows
 */
export async function writeSegment(
  folder: string,
  width: number,
  next: () => Promise<NumberedRows | undefined>,
): Promise<SegmentEntry | undefined> {
  requireLittleEndian();
  let count = 0;
  const incoming = join(folder, `incoming-${randomUUID()}`);
  const { manifest } = await writeArtefact(
    incoming,
    { kind: SEGMENT_KIND, inputs: {}, parameters: { width } },
    async (staging) => {
      const sums = new SumsByContributor(width);
      const files = await Promise.all([ROWS_FILE, CONTRIBUTORS_FILE].map((name) => open(join(staging, name), 'w')));
      try {
        for (let block = await next(); block; block = await next()) {
          sums.add(block);
          await files[0].writeFile(bytesOf(block.entries));
          await files[1].writeFile(bytesOf(block.contributors));
          count += block.contributors.length;
        }
        await Promise.all(files.map((file) => file.sync()));
      } finally {
        await Promise.all(files.map((file) => file.close()));
      }
      const { contributors, rows, sums: values } = sums.finish();
      await writeTable(join(staging, SUMS_FILE), { contributor: contributors, rows, sum: { values, width } });
      return { rows: count };
    },
  );
  const { id } = manifest;
  const entry = { folder: `segment-${id}`, id, rows: count, removed: null };
  if (count === 0) {
    await rm(incoming, { recursive: true });
    return undefined;
  }
  for (const name of ['manifest.json', SUMS_FILE]) await syncFile(join(incoming, name));
  try {
    await rename(incoming, join(folder, entry.folder));
  } catch (error) {
    // equal bytes have an equal id, so what is there is this segment
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw explainFileError(error, folder);
    await rm(incoming, { recursive: true });
  }
  return entry;
}

/** The manifest of a segment whose files have the sizes that its rows ask for. @throws MeedError naming what differs */
export async function readSegmentManifest(folder: string, entry: SegmentEntry, width: number): Promise<Manifest> {
  requireLittleEndian();
  const path = join(folder, entry.folder);
  const manifest = await readManifest(path, SEGMENT_KIND);
  if (manifest.id !== entry.id) {
    throw new MeedError(`${path} has the id ${manifest.id}, the store names ${entry.id}`, 'Fetch an intact copy');
  }
  const { parameters, facts } = manifest;
  if (parameters.width !== width || facts.rows !== entry.rows) {
    throw new MeedError(
      `${path} holds ${String(facts.rows)} rows of ${String(parameters.width)} columns, the store says ${entry.rows} of ${width}`,
      'Do not trust this store: fetch an intact copy or write it again',
    );
  }
  const expected: Readonly<Record<string, number | undefined>> = {
    [ROWS_FILE]: entry.rows * width,
    [CONTRIBUTORS_FILE]: entry.rows * 4,
    [SUMS_FILE]: undefined,
  };
  for (const name of Object.keys(expected)) {
    const file = manifest.files.find((known) => known.path === name);
    if (!file || (expected[name] !== undefined && file.bytes !== expected[name])) {
      throw new MeedError(
        `The manifest of ${path} gives ${name} ${file ? `${file.bytes} bytes, not ${expected[name]}` : 'no entry'}`,
        'Do not trust this store: fetch an intact copy or write it again',
      );
    }
    await requireSize(join(path, name), file.bytes);
  }
  return manifest;
}

/** @throws MeedError when they are not those of the manifest */
export async function readSegmentSums(folder: string, entry: SegmentEntry, width: number): Promise<SegmentSums> {
  const { files } = await readSegmentManifest(folder, entry, width);
  const path = join(folder, entry.folder, SUMS_FILE);
  requireHash(path, await sha256File(path), files.find((file) => file.path === SUMS_FILE)?.sha256);
  const table = await readTable(path);
  const contributors = numbers(table, 'contributor', Uint32Array);
  const rows = numbers(table, 'rows', Uint32Array);
  const sums = matrix(table, 'sum', Int32Array);
  if (sums.width === width) return { contributors, rows, sums: sums.values };
  throw new MeedError(`${path} holds sums of ${sums.width} columns, not ${width}`, 'Do not trust this store');
}

/**
 * Reads a segment whole, in blocks: hashes, entries, contributors, sums.
 * @param contributors how many the store names
 * @throws MeedError naming the first thing that is not as it must be
 */
export async function checkSegment(
  folder: string,
  entry: SegmentEntry,
  width: number,
  contributors: number,
): Promise<void> {
  const manifest = await readSegmentManifest(folder, entry, width);
  const path = (name: string) => join(folder, entry.folder, name);
  const hashes = new Map(manifest.files.map((file) => [file.path, file.sha256]));
  const sums = new SumsByContributor(width);
  const hashOfRows = createHash('sha256');
  const hashOfContributors = createHash('sha256');
  const rowsFile = await openToRead(path(ROWS_FILE));
  const contributorsFile = await openToRead(path(CONTRIBUTORS_FILE));
  try {
    const step = Math.max(1, Math.floor(BLOCK_BYTES / width));
    for (let first = 0; first < entry.rows; first += step) {
      const rows = Math.min(step, entry.rows - first);
      const entries = new Int8Array(rows * width);
      const numbered = new Uint32Array(rows);
      await readExactly(rowsFile, bytesOf(entries), first * width, path(ROWS_FILE));
      await readExactly(contributorsFile, bytesOf(numbered), first * 4, path(CONTRIBUTORS_FILE));
      hashOfRows.update(bytesOf(entries));
      hashOfContributors.update(bytesOf(numbered));
      requireEntries(entries, width, path(ROWS_FILE), first);
      const stranger = numbered.findIndex((contributor) => contributor >= contributors);
      if (stranger >= 0) {
        throw new MeedError(
          `Row ${first + stranger} of ${entry.folder} belongs to contributor ${numbered[stranger]}, the store names ${contributors}`,
          'Do not trust this store: fetch an intact copy or write it again',
        );
      }
      sums.add({ entries, contributors: numbered });
      if (sums.bytes > 2 * MOST_SUMS_BYTES) {
        throw new MeedError(
          `${entry.folder} names more contributors than a segment holds`,
          'Do not trust this store: fetch an intact copy or write it again',
        );
      }
    }
  } finally {
    await rowsFile.close();
    await contributorsFile.close();
  }
  requireHash(path(ROWS_FILE), hashOfRows.digest('hex'), hashes.get(ROWS_FILE));
  requireHash(path(CONTRIBUTORS_FILE), hashOfContributors.digest('hex'), hashes.get(CONTRIBUTORS_FILE));
  const told = await readSegmentSums(folder, entry, width);
  const found = sums.finish();
  for (const what of ['contributors', 'rows', 'sums'] as const) {
    if (!Buffer.from(bytesOf(told[what])).equals(bytesOf(found[what]))) {
      throw new MeedError(
        `${path(SUMS_FILE)} does not hold the sums of the segment's rows`,
        'Do not trust this store: fetch an intact copy or write it again',
      );
    }
  }
}

/** @throws MeedError naming row and column of an entry outside [−127, 127] */
export function requireEntries(entries: Int8Array, width: number, where: string, firstRow: number): void {
  const at = entries.indexOf(-128);
  if (at < 0) return;
  throw new MeedError(
    `Row ${firstRow + Math.floor(at / width)} of ${where} holds −128 in column ${at % width}`,
    'Quantise the rows to −127 … 127',
  );
}

/** Opens a file to read it. @throws MeedError when it is missing */
export async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** Fills `into` from `position` on. @throws MeedError when the file ends before */
export async function readExactly(file: FileHandle, into: Uint8Array, position: number, path: string): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) {
      throw new MeedError(`${path} ends after ${position + done} bytes`, 'It was cut short: fetch an intact copy');
    }
    done += bytesRead;
  }
}

/** @throws MeedError when the file has another size */
export async function requireSize(path: string, bytes: number): Promise<void> {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    if (size === bytes) return;
    throw new MeedError(
      `${path} has ${size} bytes, ${bytes} belong there`,
      'It was cut short or changed: fetch an intact copy',
    );
  } finally {
    await file.close();
  }
}

export function requireHash(path: string, found: string, expected: string | undefined): void {
  if (found === expected) return;
  throw new MeedError(
    `${path} has SHA-256 ${found}, ${expected} belongs there`,
    'It was changed: fetch an intact copy or write it again',
  );
}

export function bytesOf(values: Int8Array | Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

async function syncFile(path: string): Promise<void> {
  const file = await openToRead(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function requireLittleEndian(): void {
  if (endianness() === 'LE') return;
  throw new MeedError(
    'A sketch store holds little-endian numbers, this machine is big-endian',
    'Use a little-endian one',
  );
}
