/** SumStep: what is right cannot be disputed, what is wrong always can, and only at its own place. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenedIndex, openedIndex } from '../../src/prover/openedIndex.js';
import { FIELD_MODULUS, type Hasher, indexLeaf, loadHasher, openedLeaf } from '../../src/prover/reference/index.js';
import { type SumStepClaim, sumStepInput, sumStepSignals } from '../../src/prover/sumStep.js';
import { SUM_STEP } from '../../src/prover/templates.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';
import {
  addToEntry,
  anyRowEntry,
  CLAIMANT,
  extremeRowEntry,
  type HonestIndex,
  honestIndex,
  largestRowEntry,
  smallestRowEntry,
  withRow,
} from './support/indexes.js';

const COLUMNS = 16;
const LEVELS = 3;
const WORDS = 2;
let hasher: Hasher;
let circuit: CircuitUnderTest;
let honest: HonestIndex;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await CircuitUnderTest.open(SUM_STEP.name, [COLUMNS, LEVELS]);
  honest = honestIndex(hasher, COLUMNS, [3, 1, 2], 1);
});

const claim = (row: number): SumStepClaim => ({ row, slots: honest.slots, claimant: CLAIMANT });

/** The prefix of the row changed in entry j. */
function wrongPrefix(row: number, j: number, by: number): OpenedIndex {
  return withRow(hasher, honest.index, row, ({ prefix }) => ({
    prefix: { ...prefix, words: addToEntry(prefix.words, j, by) },
  }));
}

describe('SumStep on an honest index', () => {
  it.each([
    ['random', anyRowEntry],
    ['extreme', extremeRowEntry],
    ['largest', largestRowEntry],
    ['smallest', smallestRowEntry],
  ] as const)('has no witness at any row and word of %s entries', async (_, entry) => {
    const { index, slots } = honestIndex(hasher, COLUMNS, [3, 1, 2], 2, entry);
    for (let row = 0; row < index.rows.length; row++) {
      expect(() => sumStepInput(hasher, index, { ...claim(row), slots }, LEVELS)).toThrow('is its running sum');
      for (let word = 0; word < WORDS; word++) {
        await circuit.refuses(sumStepSignals(hasher, index, { ...claim(row), slots }, word, LEVELS));
      }
    }
  });

  it('binds the leaf as the index registers it', () => {
    const row = honest.index.rows[2];
    expect(openedLeaf(hasher, COLUMNS, row)).toBe(
      indexLeaf(hasher, COLUMNS, {
        rowHash: row.dataSetLeaf.toString(16),
        contributor: `0x${row.contributor.toString(16)}`,
        rowCommitment: hasher.chain(row.row.salt, row.row.words),
        prefixCommitment: hasher.chain(row.prefix.salt, row.prefix.words),
      }),
    );
  });

  it('cannot be disputed by opening its commitments to other entries of the same words, or to other words', async () => {
    // Entries e and e + 2^16 with e' − 1 beside it are the same word: whatever a claimant calls the entries, words decide.
    const input = sumStepSignals(hasher, honest.index, claim(1), 0, LEVELS);
    for (const name of ['rowWords', 'prefixWords', 'prefixWordsBefore']) {
      const words = [...(input[name] as readonly bigint[])];
      for (const changed of [words[0] + 1n, words[0] + FIELD_MODULUS - 1n, 0n, words[1]]) {
        await circuit.refuses({ ...input, [name]: [changed, words[1]] });
      }
    }
    for (const name of ['rowSalt', 'prefixSalt', 'prefixSaltBefore', 'rowCommitmentBefore']) {
      await circuit.refuses({ ...input, [name]: (input[name] as bigint) + 1n });
    }
  });

  it('cannot be disputed with rows of other places', async () => {
    const input = sumStepSignals(hasher, honest.index, claim(2), 0, LEVELS);
    const other = sumStepSignals(hasher, honest.index, claim(1), 0, LEVELS);
    // Row 2 against the prefix of row 0, which is not the one before it.
    await circuit.refuses({
      ...input,
      dataSetLeaf: [(other.dataSetLeaf as bigint[])[0], (input.dataSetLeaf as bigint[])[1]],
      contributor: [(other.contributor as bigint[])[0], (input.contributor as bigint[])[1]],
      siblings: [(other.siblings as bigint[][])[0], (input.siblings as bigint[][])[1]],
      rowCommitmentBefore: other.rowCommitmentBefore,
      prefixWordsBefore: other.prefixWordsBefore,
      prefixSaltBefore: other.prefixSaltBefore,
    });
    for (const index of [0n, 1n, 3n, 10n, FIELD_MODULUS - 1n]) await circuit.refuses({ ...input, index });
    for (const depth of [0n, 1n, 2n, 4n]) await circuit.refuses({ ...input, depth });
    for (const first of [1n, 2n, FIELD_MODULUS - 1n]) await circuit.refuses({ ...input, first });
    for (const position of [2n, FIELD_MODULUS - 1n]) await circuit.refuses({ ...input, position });
  });
});

describe('SumStep on a wrong sum', () => {
  it('proves every row, first of a slot or not, and every entry, by one up or down', async () => {
    for (const row of [0, 1, 2, 3, 5]) {
      for (const [j, by] of [
        [0, 1],
        [14, -1],
        [15, 1],
      ]) {
        const index = wrongPrefix(row, j, by);
        const input = sumStepInput(hasher, index, claim(row), LEVELS);
        expect(input.position).toBe(j === 15 ? 1n : 0n);
        await circuit.proves(input);
      }
    }
  });

  it('proves prefixes out of the honest range, and words that pack no entries at all', async () => {
    const outOfRange: readonly ((words: readonly bigint[]) => bigint[])[] = [
      // every 16-bit limb at its ends
      () => [2n ** 240n - 1n, 65535n],
      () => [0n, 0n],
      // above fifteen entries
      (words) => [words[0] + 2n ** 240n, words[1]],
      (words) => [words[0], words[1] + 2n ** 16n],
      () => [FIELD_MODULUS - 1n, FIELD_MODULUS - 1n],
    ];
    for (const change of outOfRange) {
      const index = withRow(hasher, honest.index, 1, ({ prefix }) => ({
        prefix: { ...prefix, words: change(prefix.words) },
      }));
      await circuit.proves(sumStepInput(hasher, index, claim(1), LEVELS));
    }
  });

  it('proves a slot that goes on from the slot before, and one that starts anew in the middle', async () => {
    // Row 4 begins a slot, but its prefix is registered as the sum with the slot before.
    const merged = honestIndex(hasher, COLUMNS, [3, 3], 1);
    await circuit.proves(sumStepInput(hasher, merged.index, { ...claim(4), slots: honest.slots }, LEVELS));
    // In merged slots row 4 does not begin one, but its prefix is registered as if it did.
    await circuit.proves(sumStepInput(hasher, honest.index, { ...claim(4), slots: merged.slots }, LEVELS));
  });

  it('is about the registered root, the place and the claimant, none of which can be exchanged', async () => {
    const input = sumStepInput(hasher, wrongPrefix(2, 3, 1), claim(2), LEVELS);
    const values = await circuit.proves(input);
    expect(values.slice(1, 6)).toEqual([input.indexRoot, 2n, 3n, 0n, BigInt(CLAIMANT)]);
    // Public wires alone: a proof is for one statement.
    for (let wire = 1; wire <= 5; wire++) {
      const changed = [...values];
      changed[wire] = (values[wire] + 1n) % FIELD_MODULUS;
      expect(circuit.system.acceptsChange(changed, [wire])).toBe(false);
    }
    await circuit.refuses({ ...input, indexRoot: honest.index.tree.root });
    const { index } = honestIndex(hasher, COLUMNS, [3, 1, 2], 9);
    await circuit.refuses({ ...input, indexRoot: index.tree.root });
  });

  it('refuses leaves of another width and a tree deeper than the circuit', async () => {
    // The same rows in an index of 17 columns: one more entry in the last word, another tag in the leaf.
    const wide = openedIndex(hasher, COLUMNS + 1, wrongPrefix(2, 3, 1).rows);
    await circuit.refuses(sumStepSignals(hasher, { ...wide, columns: COLUMNS }, claim(2), 0, LEVELS));
    const large = honestIndex(hasher, COLUMNS, [9], 3);
    expect(() => sumStepSignals(hasher, large.index, { ...claim(2), slots: large.slots }, 0, LEVELS)).toThrow(
      'does not fit',
    );
  });

  it('works in trees of every depth up to its own', async () => {
    for (const rows of [1, 2, 4, 8]) {
      const { index, slots } = honestIndex(hasher, COLUMNS, [rows], 4);
      const wrong = withRow(hasher, index, rows - 1, ({ prefix }) => ({
        prefix: { ...prefix, words: addToEntry(prefix.words, 15, 1) },
      }));
      await circuit.proves(sumStepInput(hasher, wrong, { row: rows - 1, slots, claimant: CLAIMANT }, LEVELS));
    }
  });
});

it('no single wire of a SumStep witness can be changed', async () => {
  const values = await circuit.proves(sumStepInput(hasher, wrongPrefix(2, 3, 1), claim(2), LEVELS));
  expect(circuit.looseWires(values)).toEqual([]);
});
