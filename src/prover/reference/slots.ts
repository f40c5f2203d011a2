/**
 * Rows to slots to shards. A slot sums up to 256 consecutive rows of one contributor; slots tile [0, n) in order, and S of
 * them make a shard. Influence is additive, so a contributor's score is the sum over its slots.
 */
import { MeedError } from '../../foundation/index.js';
import { SLOT_ROWS_MAX } from './constants.js';

/** Rows [start, end) of the contributor with this index. */
export interface Slot {
  readonly start: number;
  readonly end: number;
  readonly contributor: number;
}

/**
 * Cuts the rows into slots: a new slot at every change of contributor and after 256 rows.
 * @param owners contributor index of each row
 */
export function cutSlots(owners: ArrayLike<number>): Slot[] {
  const slots: Slot[] = [];
  let start = 0;
  for (let i = 1; i <= owners.length; i++) {
    if (i === owners.length || owners[i] !== owners[start] || i - start === SLOT_ROWS_MAX) {
      slots.push({ start, end: i, contributor: owners[start] });
      start = i;
    }
  }
  return slots;
}

/** @throws MeedError when slots leave a gap, overlap, are empty or too long */
export function assertTiling(slots: readonly Slot[], rows: number): void {
  let next = 0;
  for (const [k, slot] of slots.entries()) {
    if (slot.start !== next || slot.end <= slot.start || slot.end - slot.start > SLOT_ROWS_MAX) {
      throw new MeedError(
        `Slot ${k} covers rows [${slot.start}, ${slot.end}) where it must begin at ${next} and hold 1 to ${SLOT_ROWS_MAX} rows`,
        'Cut the slots again with cutSlots',
      );
    }
    next = slot.end;
  }
  if (next !== rows)
    throw new MeedError(`The slots end at row ${next} of ${rows}`, 'Cut the slots again with cutSlots');
}

/**
 * Running sums inside each slot.
 * @param rows n × d int8, row-major
 * @returns n × d: row i holds the sum of its slot's rows up to and with i; a slot's vector is its last row
 */
export function prefixSums(rows: Int8Array, columns: number, slots: readonly Slot[]): Int16Array {
  const prefix = new Int16Array(rows.length);
  for (const { start, end } of slots) {
    for (let i = start; i < end; i++) {
      for (let j = 0; j < columns; j++) {
        const before = i === start ? 0 : prefix[(i - 1) * columns + j];
        prefix[i * columns + j] = before + rows[i * columns + j];
      }
    }
  }
  return prefix;
}

/** The sum of each slot's rows, S × d: the last of its prefix sums. */
export function slotSums(rows: Int8Array, columns: number, slots: readonly Slot[]): Int16Array {
  const sums = new Int16Array(slots.length * columns);
  for (const [k, { start, end }] of slots.entries()) {
    for (let i = start; i < end; i++) {
      for (let j = 0; j < columns; j++) sums[k * columns + j] += rows[i * columns + j];
    }
  }
  return sums;
}
