/** RowRange: a row of int8 entries cannot be disputed, every other opening can. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { OpenedIndex } from '../../src/prover/openedIndex.js';
import { FIELD_MODULUS, type Hasher, loadHasher, packWords } from '../../src/prover/reference/index.js';
import { rowRangeInput, rowRangeSignals } from '../../src/prover/rowRange.js';
import { ROW_RANGE } from '../../src/prover/templates.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';
import {
  anyRowEntry,
  CLAIMANT,
  extremeRowEntry,
  type HonestIndex,
  honestIndex,
  withRow,
  wordsWith,
} from './support/indexes.js';

const COLUMNS = 16;
const LEVELS = 3;
const WORDS = 2;
const ROW = 2;
const CLAIM = { row: ROW, claimant: CLAIMANT };
let hasher: Hasher;
let circuit: CircuitUnderTest;
let honest: HonestIndex;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await CircuitUnderTest.open(ROW_RANGE.name, [COLUMNS, LEVELS]);
  honest = honestIndex(hasher, COLUMNS, [3, 2], 1);
});

function withWords(words: readonly bigint[]): OpenedIndex {
  return withRow(hasher, honest.index, ROW, ({ row }) => ({ row: { ...row, words } }));
}

const entries = (): Int8Array => honest.rows.slice(ROW * COLUMNS, (ROW + 1) * COLUMNS);

describe('RowRange', () => {
  it.each([
    ['random', anyRowEntry],
    ['extreme', extremeRowEntry],
  ] as const)('has no witness for a row of %s int8 entries, at any limb and on either side', async (_, entry) => {
    const { index } = honestIndex(hasher, COLUMNS, [3], 5, entry);
    expect(() => rowRangeInput(hasher, index, CLAIM, LEVELS)).toThrow('has entries in [−127, 127] only');
    for (let word = 0; word < WORDS; word++) {
      for (let limb = 0; limb < 16; limb++) {
        for (const side of ['above', 'below'] as const) {
          await circuit.refuses(rowRangeSignals(hasher, index, CLAIM, { word, limb, side }, LEVELS));
        }
      }
    }
  });

  it('proves an entry one beyond each bound, and the ends of 16 bits, at the first, a middle and the last place', async () => {
    for (const j of [0, 7, 14, 15]) {
      for (const value of [128, -128, 32767, -32768]) {
        const index = withWords(wordsWith(entries(), j, value));
        const input = rowRangeInput(hasher, index, CLAIM, LEVELS);
        expect([input.word, input.limb, input.above]).toEqual([
          BigInt(Math.floor(j / 15)),
          BigInt(j % 15),
          value > 0 ? 1n : 0n,
        ]);
        await circuit.proves(input);
        // Only there, and only on that side.
        await circuit.refuses({ ...input, above: 1n - (input.above as bigint) });
        await circuit.refuses({ ...input, limb: j % 15 === 3 ? 4n : 3n });
        await circuit.refuses({ ...input, word: 1n - (input.word as bigint), limb: 0n });
      }
      for (const value of [127, -127]) {
        const index = withWords(wordsWith(entries(), j, value));
        expect(() => rowRangeInput(hasher, index, CLAIM, LEVELS)).toThrow('only');
      }
    }
  });

  it('proves words that pack no row: above fifteen entries, behind the last entry, up to the modulus', async () => {
    const [first, last] = packWords(entries());
    const top = 12388n * 2n ** 240n;
    for (const words of [
      [first + 2n ** 240n, last],
      [top, last],
      [top + 1n, last],
      [top - 1n, last],
      [first, last + 2n ** 16n],
      [first, last + 2n ** 239n],
      [FIELD_MODULUS - 1n, last],
      [first, FIELD_MODULUS - 1n],
    ]) {
      await circuit.proves(rowRangeInput(hasher, withWords(words), CLAIM, LEVELS));
    }
  });

  it('refuses other openings, places, depths and selectors', async () => {
    const index = withWords(wordsWith(entries(), 3, 300));
    const input = rowRangeInput(hasher, index, CLAIM, LEVELS);
    await circuit.proves(input);
    const words = input.rowWords as readonly bigint[];
    await circuit.refuses({ ...input, rowWords: [words[0] + 1n, words[1]] });
    for (const name of ['rowSalt', 'prefixCommitment', 'dataSetLeaf', 'contributor', 'index', 'depth', 'indexRoot']) {
      await circuit.refuses({ ...input, [name]: (input[name] as bigint) + 1n });
    }
    for (const [name, value] of [
      ['above', 2n],
      ['limb', 16n],
      ['word', 2n],
      ['limb', FIELD_MODULUS - 1n],
    ] as const) {
      await circuit.refuses({ ...input, [name]: value });
    }
  });

  it('leaves no single wire that can be changed', async () => {
    const index = withWords(wordsWith(entries(), 3, 300));
    const values = await circuit.proves(rowRangeInput(hasher, index, CLAIM, LEVELS));
    expect(circuit.looseWires(values)).toEqual([]);
  });
});
