/**
 * What a store holds at one moment: a small JSON file that names its segments and the rows that were removed. Every
 * change writes `state-<generation + 1>.json` whole under another name and links it into place: linking is atomic and
 * refuses a name that is taken, so a crash leaves the generation before, and of two writers at once one is refused
 * instead of losing what the other wrote.
 * The trap: a reader may list the folder just before the generation that it saw is dropped; it lists again.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../../artefact/index.js';
import { explainFileError, type JsonObject, MeedError, sha256Json, systemCode } from '../../foundation/index.js';
import { MOST_COLUMNS, MOST_ROWS, MOST_SEGMENT_ROWS } from './bounds.js';

export interface RemovedRows {
  /** File in the store's folder: bit r % 8 of byte r / 8 is 1 for a removed row r of the segment. */
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
}

export interface SegmentEntry {
  /** Folder in the store's folder. */
  readonly folder: string;
  /** Id of the segment's manifest. */
  readonly id: string;
  readonly rows: number;
  readonly removed: RemovedRows | null;
}

export interface StoreState {
  readonly generation: number;
  /** Columns of a row. */
  readonly width: number;
  /** One scale per column: what one unit of the integer entry is worth. */
  readonly scales: readonly number[];
  /** Names, in the order of their first row. */
  readonly contributors: readonly string[];
  readonly segments: readonly SegmentEntry[];
}

const FORMAT = 'meed/sketch-store/1';
const NAME = /^state-(\d{1,15})\.json$/;
const HASH = /^[0-9a-f]{64}$/;
const ATTEMPTS = 8;

/**
 * The newest whole state.
 * @throws MeedError when the folder holds none, or one that is not whole
 */
export async function readState(folder: string): Promise<StoreState> {
  for (let attempt = 1; ; attempt++) {
    const generation = await newestGeneration(folder);
    if (generation === undefined) {
      throw new MeedError(`${folder} is not a sketch store: it has no state`, 'Name the folder that createStore made');
    }
    const path = join(folder, stateName(generation));
    try {
      return parseState(await readJson(path), path, generation);
    } catch (error) {
      const dropped = error instanceof MeedError && systemCode(error.cause) === 'ENOENT';
      if (!dropped || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Makes `next` the store's state, if its generation is still free.
 * @throws MeedError when another writer was first
 */
export async function publishState(folder: string, next: StoreState): Promise<void> {
  const path = join(folder, stateName(next.generation));
  const partial = join(folder, `.partial-${randomUUID()}`);
  const body = bodyOf(next);
  try {
    const file = await open(partial, 'w');
    try {
      await file.writeFile(`${JSON.stringify({ ...body, id: sha256Json(body) })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(partial, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw explainFileError(error, folder);
    throw new MeedError(`Another process changed ${folder} at the same time`, 'Repeat the change', { cause: error });
  } finally {
    await rm(partial, { force: true });
  }
}

/** Drops the state of a generation and the files of removed rows that only it named. */
export async function dropState(folder: string, generation: number, kept: readonly StoreState[]): Promise<void> {
  const path = join(folder, stateName(generation));
  let dropped: StoreState;
  try {
    dropped = parseState(await readJson(path), path, generation);
  } catch (error) {
    if (!(error instanceof MeedError)) throw error;
    // gone, or not readable: then it names nothing that could be dropped with it
    await rm(path, { force: true });
    return;
  }
  const named = new Set(kept.flatMap(filesOf));
  await rm(path, { force: true });
  for (const file of filesOf(dropped)) {
    if (!named.has(file)) await rm(join(folder, file), { force: true });
  }
}

function filesOf({ segments }: StoreState): string[] {
  return segments.flatMap(({ removed }) => removed?.file ?? []);
}

export function stateName(generation: number): string {
  return `state-${generation}.json`;
}

async function newestGeneration(folder: string): Promise<number | undefined> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw explainFileError(error, folder);
  }
  const generations = names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  return generations.length === 0 ? undefined : generations.reduce((a, b) => Math.max(a, b));
}

function bodyOf({ generation, width, scales, contributors, segments }: StoreState) {
  return {
    format: FORMAT,
    generation,
    width,
    scales,
    contributors,
    segments: segments.map(
      ({ folder, id, rows, removed }): JsonObject => ({
        folder,
        id,
        rows,
        removed: removed && { file: removed.file, sha256: removed.sha256, rows: removed.rows },
      }),
    ),
  };
}

function parseState(value: unknown, path: string, generation: number): StoreState {
  const refuse = (what: string): never => {
    throw new MeedError(`${path} ${what}`, 'Do not trust this store: fetch an intact copy or write it again');
  };
  if (!isObject(value) || value.format !== FORMAT) return refuse(`is not a state of the format ${FORMAT}`);
  const { width, scales, contributors, segments, id } = value;
  if (value.generation !== generation) return refuse(`says it is generation ${String(value.generation)}`);
  if (!isCount(width, MOST_COLUMNS) || width === 0) return refuse(`has rows of ${String(width)} columns`);
  if (!isListOf(scales, isScale) || scales.length !== width) return refuse(`does not have one scale for each column`);
  if (!isListOf(contributors, isString) || new Set(contributors).size !== contributors.length) {
    return refuse('does not name each contributor once');
  }
  if (!isListOf(segments, isSegment)) return refuse('lists a segment that is not one');
  if (segments.reduce((sum, { rows }) => sum + rows, 0) > MOST_ROWS) return refuse(`has more than ${MOST_ROWS} rows`);
  const state = { generation, width, scales, contributors, segments };
  if (sha256Json(bodyOf(state)) !== id) return refuse('does not hash to its id');
  return state;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf<T>(value: unknown, is: (entry: unknown) => entry is T): value is T[] {
  return Array.isArray(value) && value.every(is);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isScale(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

/** Names are made from hashes, so none leads out of the folder. */
function isSegment(value: unknown): value is SegmentEntry {
  if (!isObject(value)) return false;
  const { folder, id, rows, removed } = value;
  if (!isString(id) || !HASH.test(id) || folder !== `segment-${id}` || !isCount(rows, MOST_SEGMENT_ROWS)) return false;
  if (removed === null) return rows > 0;
  return (
    isObject(removed) &&
    isString(removed.sha256) &&
    HASH.test(removed.sha256) &&
    removed.file === `removed-${removed.sha256}.bits` &&
    isCount(removed.rows, rows) &&
    removed.rows > 0
  );
}
