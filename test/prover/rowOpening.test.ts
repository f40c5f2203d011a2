/** RowOpening: the published score is the reference's for every row and query, and no other number. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  FIELD_MODULUS,
  type Hasher,
  loadHasher,
  publishedRowScore,
  ROW_SCORE_OFFSET,
} from '../../src/prover/reference/index.js';
import { type OpenedBatch, rowOpeningInput } from '../../src/prover/rowOpening.js';
import { ROW_OPENING } from '../../src/prover/templates.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';
import {
  anyRowEntry,
  extremeRowEntry,
  honestIndex,
  largestRowEntry,
  smallestRowEntry,
  withRow,
  wordsWith,
} from './support/indexes.js';
import { anyEntry, type EntrySource, extreme, largest, smallest } from './support/statements.js';

const [QUERIES, COLUMNS, LEVELS] = [3, 16, 3];
let hasher: Hasher;
let circuit: CircuitUnderTest;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await CircuitUnderTest.open(ROW_OPENING.name, [QUERIES, COLUMNS, LEVELS]);
});

function batch(seed: number, entry: EntrySource): OpenedBatch {
  const random = new Random(seed);
  return {
    instance: { slots: 2, queries: QUERIES, columns: COLUMNS },
    indexId: 99n,
    salt: BigInt(random.uint32()),
    queries: Int16Array.from({ length: QUERIES * COLUMNS }, () => entry(random)),
  };
}

describe('RowOpening', () => {
  it.each([
    ['random', anyRowEntry, anyEntry],
    ['extreme', extremeRowEntry, extreme],
    ['largest', largestRowEntry, largest],
    ['smallest and largest', smallestRowEntry, largest],
    ['smallest', smallestRowEntry, smallest],
  ] as const)('publishes the exact score of %s entries', async (_, rowEntry, queryEntry) => {
    const { index, rows } = honestIndex(hasher, COLUMNS, [3, 2], 3, rowEntry);
    const opened = batch(4, queryEntry);
    for (const row of [0, 4]) {
      for (let query = 0; query < QUERIES; query++) {
        const input = rowOpeningInput(hasher, index, opened, { row, query }, LEVELS);
        const values = await circuit.proves(input);
        let score = 0n;
        for (let j = 0; j < COLUMNS; j++) {
          score += BigInt(rows[row * COLUMNS + j]) * BigInt(opened.queries[query * COLUMNS + j]);
        }
        expect(values[1 + ROW_OPENING.publicInputs.indexOf('score')]).toBe(score + ROW_SCORE_OFFSET);
        expect(values.slice(4, 6)).toEqual([index.rows[row].dataSetLeaf, index.rows[row].contributor]);
      }
    }
  });

  it('keeps the published score positive at the largest number of columns', () => {
    const row = Array<number>(256).fill(127);
    const query = Array<number>(256).fill(-32768);
    expect(publishedRowScore(row, query)).toBeGreaterThan(0n);
    expect(
      publishedRowScore(
        row,
        query.map((x) => -x),
      ),
    ).toBeLessThan(2n * ROW_SCORE_OFFSET);
  });

  it('refuses another score, row, query, batch, index id, contributor, data-set leaf, salt, depth', async () => {
    const { index } = honestIndex(hasher, COLUMNS, [3, 2], 5);
    const input = rowOpeningInput(hasher, index, batch(6, anyEntry), { row: 1, query: 1 }, LEVELS);
    await circuit.proves(input);
    await circuit.refusesOneMore(input, [...ROW_OPENING.publicInputs, 'rowSalt', 'prefixCommitment', 'batchSalt']);
    const entries = input.queryEntries as readonly bigint[];
    const row = input.row as readonly bigint[];
    const words = input.batchWords as readonly (readonly bigint[])[];
    const changes: Partial<Record<string, readonly bigint[] | readonly (readonly bigint[])[]>>[] = [
      { batchWords: [words[1], words[0], words[2]] },
      // The same words from entries out of range: e + 2^16 beside e' − 1.
      { queryEntries: [entries[0] + 65536n, entries[1] - 1n, ...entries.slice(2)] },
      { row: [row[0] + 65536n, row[1] - 1n, ...row.slice(2)] },
      { row: [row[0] + FIELD_MODULUS - 65536n, row[1] + 1n, ...row.slice(2)] },
    ];
    for (const change of changes) await circuit.refuses({ ...input, ...change } as CircuitInput);
  });

  it('has no witness for a row one beyond the range, whose score would weigh more than one row', async () => {
    const { index, rows } = honestIndex(hasher, COLUMNS, [3], 7);
    for (const value of [128, -128]) {
      const hostile = withRow(hasher, index, 1, ({ row }) => ({
        row: { ...row, words: wordsWith(rows.subarray(COLUMNS, 2 * COLUMNS), 3, value) },
      }));
      const opened = batch(8, anyEntry);
      expect(() => rowOpeningInput(hasher, hostile, opened, { row: 1, query: 0 }, LEVELS)).toThrow('RowRange');
      // Past the check: the honest signals (its siblings are the same), with the hostile row, its root, and the score it would have.
      const honest = rowOpeningInput(hasher, index, opened, { row: 1, query: 0 }, LEVELS);
      const row = [...(honest.row as readonly bigint[])];
      const before = Number(row[3] - 32768n);
      row[3] = BigInt(value + 32768);
      await circuit.refuses({
        ...honest,
        indexRoot: hostile.tree.root,
        row,
        score: (honest.score as bigint) + BigInt((value - before) * opened.queries[3]),
      });
    }
  });

  it('refuses a query that the batch has not with a sentence', () => {
    const { index } = honestIndex(hasher, COLUMNS, [3], 7);
    expect(() => rowOpeningInput(hasher, index, batch(8, anyEntry), { row: 1, query: 3 }, LEVELS)).toThrow(
      'is not in a batch',
    );
  });

  it('leaves no single wire that can be changed', async () => {
    const { index } = honestIndex(hasher, COLUMNS, [3, 2], 5);
    const values = await circuit.proves(
      rowOpeningInput(hasher, index, batch(6, anyEntry), { row: 1, query: 1 }, LEVELS),
    );
    expect(circuit.looseWires(values)).toEqual([]);
  });
});
