import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertTiling, cutSlots, prefixSums } from '../../src/prover/reference/index.js';

/** Owners in runs, some of them longer than a slot; an owner may come again. */
const owners = fc
  .array(fc.tuple(fc.nat(4), fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(255, 256, 257, 513))), {
    maxLength: 12,
  })
  .map((runs) => runs.flatMap(([owner, length]) => new Array<number>(length).fill(owner)));

describe('slots', () => {
  it('tile the rows of random owners, one owner a slot, and no fewer would do', () => {
    fc.assert(
      fc.property(owners, (list) => {
        const slots = cutSlots(list);
        assertTiling(slots, list.length);
        const covered = slots.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
        expect(covered).toEqual(list.map((_, i) => i));
        for (const { start, end, contributor } of slots) {
          expect(list.slice(start, end).every((owner) => owner === contributor)).toBe(true);
        }
        // the fewest possible: ⌈length / 256⌉ for each maximal run
        const runs = list.reduce<number[][]>((all, owner, i) => {
          if (i > 0 && list[i - 1] === owner) all[all.length - 1].push(i);
          else all.push([i]);
          return all;
        }, []);
        expect(slots.length).toBe(runs.reduce((sum, run) => sum + Math.ceil(run.length / 256), 0));
      }),
    );
  });

  it('that leave a gap, overlap, are empty, too long or do not reach the end are refused', () => {
    const slot = (start: number, end: number) => ({ start, end, contributor: 0 });
    assertTiling([], 0);
    assertTiling([slot(0, 256), slot(256, 257)], 257);
    for (const [slots, rows, said] of [
      [[slot(1, 3)], 3, /Slot 0 covers rows \[1, 3\) where it must begin at 0/],
      [[slot(0, 2), slot(3, 4)], 4, /Slot 1 .* begin at 2/],
      [[slot(0, 2), slot(1, 4)], 4, /Slot 1 /],
      [[slot(0, 0)], 0, /Slot 0 /],
      [[slot(0, 2), slot(2, 1)], 1, /Slot 1 /],
      [[slot(0, 257)], 257, /1 to 256 rows/],
      [[slot(0, 2)], 3, /end at row 2 of 3/],
    ] as const) {
      expect(() => assertTiling(slots, rows)).toThrow(said);
    }
  });
});

describe('prefix sums', () => {
  it('are the sums of the slot up to and with the row, and fit 16 bits at the extreme', () => {
    fc.assert(
      fc.property(owners, fc.integer({ min: 1, max: 3 }), fc.constantFrom(127, -127, undefined), (list, d, all) => {
        const rows = Int8Array.from({ length: list.length * d }, (_, i) => all ?? ((i * 89 + 7) % 255) - 127);
        const slots = cutSlots(list);
        const prefix = prefixSums(rows, d, slots);
        for (const { start, end } of slots) {
          const sums = new Array<number>(d).fill(0);
          for (let i = start; i < end; i++) {
            for (let j = 0; j < d; j++) sums[j] += rows[i * d + j];
            expect([...prefix.subarray(i * d, (i + 1) * d)]).toEqual(sums);
          }
        }
        expect(prefix.every((sum) => Math.abs(sum) <= 256 * 127)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
