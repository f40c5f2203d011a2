/**
 * Changes of a store: made, rows appended, rows removed, what was removed erased. Each writes its files first and then
 * publishes one new state, so a change is there whole or not at all. A row's number is its place in the order of
 * appending and stays its own for ever: removing and erasing move nobody.
 * The trap: whoever holds a store open goes on answering from the state that he opened; open it again after a removal.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../artefact/index.js';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { BLOCK_BYTES, MOST_COLUMNS, MOST_ROWS, MOST_SEGMENT_ROWS, MOST_SUMS_BYTES } from './bounds.js';
import { isSet, readRemoved, writeRemoved } from './removed.js';
import {
  bytesOf,
  CONTRIBUTORS_FILE,
  type NumberedRows,
  openToRead,
  ROWS_FILE,
  readExactly,
  requireEntries,
  writeSegment,
} from './segment.js';
import { dropState, publishState, readState, type SegmentEntry, type StoreState, stateName } from './state.js';

/** Consecutive rows to append. */
export interface RowBlock {
  /** rows × width, row-major, entries in [−127, 127] */
  readonly entries: Int8Array;
  /** Name of the contributor of each row. */
  readonly contributors: readonly string[];
}

/**
 * Makes an empty store.
 * @param scales one per column, finite and not negative: what one unit of an entry is worth
 * @throws MeedError when there is one already, or a scale is none
 */
export async function createStore(folder: string, scales: ArrayLike<number>): Promise<void> {
  const width = scales.length;
  if (width < 1 || width > MOST_COLUMNS) {
    throw new MeedError(
      `A store of ${width} columns cannot be made`,
      `Give 1 to ${MOST_COLUMNS} columns: more could overflow the exact int32 sums`,
    );
  }
  const list = Array.from(scales);
  const at = list.findIndex((scale) => !Number.isFinite(scale) || scale < 0);
  if (at >= 0)
    throw new MeedError(`Column ${at} has the scale ${list[at]}`, 'Give finite scales that are not negative');
  await makeFolder(folder);
  const names = await readdir(folder).catch((error: unknown) => {
    throw explainFileError(error, folder);
  });
  if (names.length > 0) throw new MeedError(`${folder} is not empty`, 'Name a new folder for the store');
  await publishState(folder, { generation: 1, width, scales: list, contributors: [], segments: [] });
}

/**
 * Appends rows; they have the numbers that follow the last one's, removed or not.
 * @param blocks taken one by one, so memory holds one of them
 * @returns the number of the first row, and how many there were
 * @throws MeedError naming the row that cannot be stored; then nothing was appended, and segments that were whole by then
 *   stay on the disk until `tidyStore`
 */
export async function appendRows(
  folder: string,
  blocks: Iterable<RowBlock> | AsyncIterable<RowBlock>,
): Promise<{ readonly first: number; readonly rows: number }> {
  const before = await readState(folder);
  const { width } = before;
  const first = before.segments.reduce((sum, segment) => sum + segment.rows, 0);
  const numberOf = new Map(before.contributors.map((name, number) => [name, number]));
  const pieces = numbered(blocks, width, first, numberOf);
  const segments: SegmentEntry[] = [];
  let held: NumberedRows | undefined;
  const take = async (): Promise<NumberedRows | undefined> => {
    const { value } = held ? { value: held } : await pieces.next();
    held = undefined;
    return value ?? undefined;
  };
  try {
    for (;;) {
      let rows = 0;
      const present = new Set<number>();
      const segment = await writeSegment(folder, width, async () => {
        const piece = await take();
        if (!piece) return undefined;
        for (const contributor of piece.contributors) present.add(contributor);
        const full = rows + piece.contributors.length > MOST_SEGMENT_ROWS || present.size * width * 4 > MOST_SUMS_BYTES;
        if (full && rows > 0) {
          held = piece;
          return undefined;
        }
        rows += piece.contributors.length;
        return piece;
      });
      if (!segment) break;
      segments.push(segment);
    }
  } finally {
    await pieces.return(undefined);
  }
  const rows = segments.reduce((sum, segment) => sum + segment.rows, 0);
  if (rows > 0) {
    await change(folder, before, { contributors: [...numberOf.keys()], segments: [...before.segments, ...segments] });
  }
  return { first, rows };
}

/**
 * Removes rows from every later answer. Rows that were removed before stay so.
 * @returns how many were not removed yet
 * @throws MeedError when a row does not exist; then nothing was removed
 */
export async function removeRows(folder: string, rows: Iterable<number>): Promise<number> {
  const before = await readState(folder);
  const { segments } = before;
  const firsts: number[] = [];
  let total = 0;
  for (const segment of segments) {
    firsts.push(total);
    total += segment.rows;
  }
  const bySegment = new Map<number, number[]>();
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= total) {
      throw new MeedError(
        `There is no row ${row} in ${folder}`,
        total === 0 ? 'It holds none yet' : `Name rows from 0 to ${total - 1}`,
      );
    }
    const at = firsts.findLastIndex((first) => first <= row);
    const list = bySegment.get(at) ?? [];
    if (list.length === 0) bySegment.set(at, list);
    list.push(row - firsts[at]);
  }
  const next = [...segments];
  let gone = 0;
  for (const [at, list] of bySegment) {
    const bits = Uint8Array.from(await readRemoved(folder, segments[at]));
    const already = gone;
    for (const row of list) {
      if (!isSet(bits, row)) gone++;
      bits[row >> 3] |= 1 << (row & 7);
    }
    if (gone === already) continue;
    next[at] = { ...segments[at], removed: await writeRemoved(folder, bits) };
  }
  if (gone > 0) await change(folder, before, { segments: next });
  return gone;
}

/**
 * Writes every segment that holds removed rows again with zeros in their place and deletes the old one: the removed
 * sketches are no longer on the disk. Numbers, answers and sums stay the same.
 * @returns how many segments were written again
 */
export async function eraseRemoved(folder: string): Promise<number> {
  const before = await readState(folder);
  const next: SegmentEntry[] = [];
  for (const segment of before.segments) {
    next.push(segment.removed ? await erased(folder, segment, before.width) : segment);
  }
  const kept = new Set(next.map((segment) => segment.folder));
  const old = before.segments.filter((segment) => !kept.has(segment.folder));
  if (old.length === 0) return 0;
  await change(folder, before, { segments: next });
  await rm(join(folder, stateName(before.generation)), { force: true });
  for (const segment of old) await rm(join(folder, segment.folder), { recursive: true, force: true });
  return old.length;
}

/**
 * Deletes what no state names: what a killed writer left behind.
 * The trap: another writer's unfinished files look the same, so nobody may be writing.
 * @returns the names that were deleted
 */
export async function tidyStore(folder: string): Promise<string[]> {
  const state = await readState(folder);
  const named = new Set([
    stateName(state.generation),
    ...state.segments.flatMap(({ folder: name, removed }) => (removed ? [name, removed.file] : [name])),
  ]);
  const ours = /^(incoming-|segment-|removed-|state-|\.partial-)/;
  const stale = (await readdir(folder)).filter((name) => ours.test(name) && !named.has(name)).sort();
  for (const name of stale) await rm(join(folder, name), { recursive: true, force: true });
  return stale;
}

async function change(folder: string, before: StoreState, changed: Partial<StoreState>): Promise<void> {
  const next = { ...before, ...changed, generation: before.generation + 1 };
  await publishState(folder, next);
  // the generation before stays for whoever has just listed the folder
  await dropState(folder, before.generation - 1, [before, next]);
}

/** The blocks in pieces of bounded size, checked, with numbers in place of names. */
async function* numbered(
  blocks: Iterable<RowBlock> | AsyncIterable<RowBlock>,
  width: number,
  first: number,
  numberOf: Map<string, number>,
): AsyncGenerator<NumberedRows, undefined> {
  const step = Math.max(1, Math.floor(BLOCK_BYTES / width));
  let row = first;
  for await (const { entries, contributors } of blocks) {
    if (entries.length !== contributors.length * width) {
      throw new MeedError(
        `A block of ${entries.length} entries came with ${contributors.length} contributors, the store has ${width} columns`,
        'Give as many whole rows as contributors',
      );
    }
    requireEntries(entries, width, `what is appended from row ${row} on`, 0);
    if (row + contributors.length > MOST_ROWS) {
      throw new MeedError(`A store cannot hold more than ${MOST_ROWS} rows`, 'Begin a second store');
    }
    for (let at = 0; at < contributors.length; at += step) {
      const names = contributors.slice(at, at + step);
      const numbers = Uint32Array.from(names, (name) => {
        const known = numberOf.get(name) ?? numberOf.size;
        if (known === numberOf.size) numberOf.set(name, known);
        return known;
      });
      yield { entries: entries.subarray(at * width, (at + names.length) * width), contributors: numbers };
    }
    row += contributors.length;
  }
  return undefined;
}

async function erased(folder: string, segment: SegmentEntry, width: number): Promise<SegmentEntry> {
  const bits = await readRemoved(folder, segment);
  const paths = [ROWS_FILE, CONTRIBUTORS_FILE].map((name) => join(folder, segment.folder, name));
  const files = await Promise.all(paths.map(openToRead));
  const step = Math.max(1, Math.floor(BLOCK_BYTES / width));
  let first = 0;
  try {
    const again = await writeSegment(folder, width, async () => {
      const rows = Math.min(step, segment.rows - first);
      if (rows === 0) return undefined;
      const block = { entries: new Int8Array(rows * width), contributors: new Uint32Array(rows) };
      await readExactly(files[0], bytesOf(block.entries), first * width, paths[0]);
      await readExactly(files[1], bytesOf(block.contributors), first * 4, paths[1]);
      for (let r = 0; r < rows; r++) {
        if (isSet(bits, first + r)) block.entries.fill(0, r * width, (r + 1) * width);
      }
      first += rows;
      return block;
    });
    if (!again) throw new Error(`${segment.folder} lost its rows while it was written again`);
    return { ...again, removed: segment.removed };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
