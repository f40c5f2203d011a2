/** RowsToSlot and SlotsToShard: together they prove a whole index, and nothing that a dispute could be about. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenedIndex, openedIndex } from '../../src/prover/openedIndex.js';
import {
  emptySlotList,
  FIELD_MODULUS,
  type Hasher,
  loadHasher,
  openedCommitment,
  type Slot,
  shardCommitment,
  vectorCommitment,
} from '../../src/prover/reference/index.js';
import { rowsToSlotInputs } from '../../src/prover/rowsToSlot.js';
import { slotsToShardInput } from '../../src/prover/slotsToShard.js';
import { ROWS_TO_SLOT, SLOTS_TO_SHARD } from '../../src/prover/templates.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';
import {
  addToEntry,
  anyRowEntry,
  extremeRowEntry,
  honestIndex,
  largestRowEntry,
  smallestRowEntry,
  withRow,
} from './support/indexes.js';

const [ROWS, COLUMNS, LEVELS] = [4, 4, 4];
const INSTANCE = { slots: 3, queries: 2, columns: COLUMNS };
const SLOT_ROWS = [3, 6, 1, 1];
let hasher: Hasher;
let segments: CircuitUnderTest;
let shards: CircuitUnderTest;

beforeAll(async () => {
  hasher = await loadHasher();
  segments = await CircuitUnderTest.open(ROWS_TO_SLOT.name, [ROWS, COLUMNS, LEVELS]);
  shards = await CircuitUnderTest.open(SLOTS_TO_SHARD.name, [INSTANCE.slots, COLUMNS]);
});

function inputsOf(index: OpenedIndex, slots: readonly Slot[]): CircuitInput[] {
  return rowsToSlotInputs(hasher, index, slots, ROWS, LEVELS);
}

describe('RowsToSlot and SlotsToShard', () => {
  it.each([
    ['random', anyRowEntry],
    ['extreme', extremeRowEntry],
    ['largest', largestRowEntry],
    ['smallest', smallestRowEntry],
  ] as const)('prove an index of %s entries, each proof going on where the last one ended', async (_, entry) => {
    // 11 rows: slots that cross segments, end with one, and a last segment that is not full.
    const { index, slots } = honestIndex(hasher, COLUMNS, SLOT_ROWS, 1, entry);
    const inputs = inputsOf(index, slots);
    expect(inputs).toHaveLength(3);
    let [slotList, prefix] = [emptySlotList(COLUMNS), 0n];
    for (const [i, input] of inputs.entries()) {
      await segments.proves(input);
      expect(input.slotsBefore).toBe(slotList);
      if (i > 0) expect(input.prefixBefore).toBe(prefix);
      slotList = input.slotsAfter as bigint;
      prefix = input.prefixAfter as bigint;
    }
    expect(inputs.map(({ ends, begins, count }) => [ends, begins, count])).toEqual([
      [0b0100n, 1n, 4n],
      [0n, 0n, 4n],
      [0b0111n, 0n, 3n],
    ]);
    // The same list, read into shards of three slots.
    const commitments = slots.map(({ end }) => openedCommitment(hasher, index.rows[end - 1].prefix));
    let before = emptySlotList(COLUMNS);
    for (const [part, paddingSalts] of [
      [commitments.slice(0, 3), []],
      [commitments.slice(3), [5n, 6n]],
    ] as const) {
      const input = slotsToShardInput(hasher, INSTANCE, {
        indexId: 9n,
        slotCommitments: part,
        paddingSalts,
        slotsBefore: before,
      });
      await shards.proves(input);
      const padding = paddingSalts.map((salt) => vectorCommitment(hasher, salt, new Int16Array(COLUMNS)));
      expect(input.shardCommitment).toBe(shardCommitment(hasher, INSTANCE, 9n, [...part, ...padding]));
      before = input.slotsAfter as bigint;
    }
    expect(before).toBe(slotList);
  });

  it('have no witness for a wrong sum, at any row', async () => {
    const { index, slots } = honestIndex(hasher, COLUMNS, SLOT_ROWS, 2);
    for (const row of [0, 3, 4, 9, 10]) {
      const wrong = withRow(hasher, index, row, ({ prefix }) => ({
        prefix: { ...prefix, words: addToEntry(prefix.words, 3, 1) },
      }));
      const input = inputsOf(wrong, slots)[Math.floor(row / ROWS)];
      await segments.refuses(input);
    }
  });

  it('have no witness for an entry of −128 or 128, though sums and commitments agree', async () => {
    const { index, slots, rows } = honestIndex(hasher, COLUMNS, [4, 4], 3);
    for (const value of [128, -128]) {
      const by = value - rows[2 * COLUMNS + 1];
      const changed = index.rows.map((row, i) => ({
        ...row,
        row: i === 2 ? { ...row.row, words: addToEntry(row.row.words, 1, by) } : row.row,
        prefix: i === 2 || i === 3 ? { ...row.prefix, words: addToEntry(row.prefix.words, 1, by) } : row.prefix,
      }));
      await segments.refuses(inputsOf(openedIndex(hasher, COLUMNS, changed), slots)[0]);
    }
  });

  it('have no witness for slots that begin or end elsewhere, for other counts, places and lists', async () => {
    const { index, slots } = honestIndex(hasher, COLUMNS, SLOT_ROWS, 4);
    const [first, second, third] = inputsOf(index, slots);
    await segments.refuses({ ...second, begins: 1n });
    for (const ends of [0b0000n, 0b0010n, 0b1100n, 0b10100n]) await segments.refuses({ ...first, ends });
    for (const count of [3n, 5n]) await segments.refuses({ ...first, count });
    // Behind the last row there is no row that could end a slot.
    for (const [ends, count] of [
      [0b1111n, 3n],
      [0b0111n, 4n],
      [0b0011n, 2n],
    ]) {
      await segments.refuses({ ...third, ends, count });
    }
    await segments.refusesOneMore(
      second,
      [...ROWS_TO_SLOT.publicInputs, 'saltBefore'].filter((name) => name !== 'ends'),
    );
    await segments.refuses({ ...second, segment: 0n });
    await segments.refuses({ ...second, begins: FIELD_MODULUS - 1n });
  });

  it('go on from the opening of the prefix before and no other', async () => {
    const { index, slots } = honestIndex(hasher, COLUMNS, SLOT_ROWS, 5);
    const [, second] = inputsOf(index, slots);
    const [word] = second.wordsBefore as readonly bigint[];
    await segments.refuses({ ...second, wordsBefore: [word + 1n] });
  });

  it('refuse a shard with another slot, order, count, id, or with a slot where none is', async () => {
    const commitments = [11n, 12n];
    const input = slotsToShardInput(hasher, INSTANCE, {
      indexId: 9n,
      slotCommitments: commitments,
      paddingSalts: [5n],
      slotsBefore: emptySlotList(COLUMNS),
    });
    await shards.proves(input);
    await shards.refusesOneMore(input, SLOTS_TO_SHARD.publicInputs);
    const [a, b, c] = input.slotCommitments as readonly bigint[];
    for (const slotCommitments of [
      [b, a, c],
      [a, b, c + 1n],
    ]) {
      await shards.refuses({ ...input, slotCommitments });
    }
    await shards.refuses({ ...input, count: 1n });
    // A third slot that the list has not: its shard commitment opens, but it is no zero vector.
    const hidden = { ...input, slotCommitments: [a, b, 13n] };
    await shards.refuses({ ...hidden, shardCommitment: shardCommitment(hasher, INSTANCE, 9n, [a, b, 13n]) });
    expect(() =>
      slotsToShardInput(hasher, INSTANCE, {
        indexId: 9n,
        slotCommitments: commitments,
        paddingSalts: [],
        slotsBefore: 0n,
      }),
    ).toThrow('do not fill a shard');
  });

  it('refuse an index smaller than a segment and a tree deeper than the circuit with a sentence', () => {
    const small = honestIndex(hasher, COLUMNS, [2], 6);
    expect(() => inputsOf(small.index, small.slots)).toThrow('no whole segment');
    const large = honestIndex(hasher, COLUMNS, [17], 6);
    expect(() => inputsOf(large.index, large.slots)).toThrow('does not fit');
  });
});
