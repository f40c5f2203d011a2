/**
 * Rows that were removed: one bit each, in a file beside the segment that is named by its hash. The segment itself stays
 * as it was written, so a removal costs an eighth of a byte a row and no re-indexing. A new removal is a new file.
 * The trap: equal bits have an equal name, and whoever reads the file of that name must never find half of it.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, MeedError, sha256 } from '../../foundation/index.js';
import { requireHash, requireSize } from './segment.js';
import type { RemovedRows, SegmentEntry } from './state.js';

/** Bytes of the bits of a segment. */
export function bitBytes(rows: number): number {
  return Math.ceil(rows / 8);
}

export function isSet(bits: Uint8Array, row: number): boolean {
  return ((bits[row >> 3] >> (row & 7)) & 1) === 1;
}

/** Numbers of the rows whose bit is set, ascending. */
export function* setRows(bits: Uint8Array): Generator<number> {
  for (let byte = 0; byte < bits.length; byte++) {
    if (bits[byte] === 0) continue;
    for (let bit = 0; bit < 8; bit++) if ((bits[byte] >> bit) & 1) yield byte * 8 + bit;
  }
}

/**
 * The bits of a segment, checked: hash, number of rows, none behind the last row.
 * @throws MeedError naming what differs
 */
export async function readRemoved(folder: string, { rows, removed }: SegmentEntry): Promise<Uint8Array> {
  if (!removed) return new Uint8Array(bitBytes(rows));
  const path = join(folder, removed.file);
  await requireSize(path, bitBytes(rows));
  const bits = await readFile(path);
  requireHash(path, sha256(bits), removed.sha256);
  let count = 0;
  for (const row of setRows(bits)) {
    if (row >= rows) throw new MeedError(`${path} removes row ${row} of ${rows}`, 'Do not trust this store');
    count++;
  }
  if (count === removed.rows) return bits;
  throw new MeedError(`${path} removes ${count} rows, the store says ${removed.rows}`, 'Do not trust this store');
}

/** Writes the bits, at least one of them set, whole or not at all. */
export async function writeRemoved(folder: string, bits: Uint8Array): Promise<RemovedRows> {
  const hash = sha256(bits);
  const name = `removed-${hash}.bits`;
  const partial = join(folder, `.partial-${randomUUID()}`);
  try {
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(bits);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, join(folder, name));
  } catch (error) {
    await rm(partial, { force: true });
    throw explainFileError(error, folder);
  }
  return { file: name, sha256: hash, rows: [...setRows(bits)].length };
}
