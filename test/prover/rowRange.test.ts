/** RowRange: a row of int8 entries cannot be disputed, every other opening can. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type CompiledCircuit, compileCircuit } from '../../src/prover/circuit.js';
import { witness } from '../../src/prover/groth16.js';
import type { OpenedIndex } from '../../src/prover/openedIndex.js';
import { FIELD_MODULUS, type Hasher, loadHasher, packWords } from '../../src/prover/reference/index.js';
import { rowRangeInput, rowRangeSignals } from '../../src/prover/rowRange.js';
import { ROW_RANGE } from '../../src/prover/templates.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from './support/constraints.js';
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
let circuit: CompiledCircuit;
let system: ConstraintSystem;
let honest: HonestIndex;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await compileCircuit({ template: ROW_RANGE.name, parameters: [COLUMNS, LEVELS] });
  system = await ConstraintSystem.read(circuit.r1csPath);
  honest = honestIndex(hasher, COLUMNS, [3, 2], 1);
});

async function proves(input: CircuitInput): Promise<void> {
  expect(system.accepts(wireValues(await witness(circuit, input)))).toBe(true);
}

async function refuses(input: CircuitInput): Promise<void> {
  await expect(witness(circuit, input)).rejects.toThrow('do not satisfy');
}

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
          await refuses(rowRangeSignals(hasher, index, CLAIM, { word, limb, side }, LEVELS));
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
        await proves(input);
        // Only there, and only on that side.
        await refuses({ ...input, above: 1n - (input.above as bigint) });
        await refuses({ ...input, limb: j % 15 === 3 ? 4n : 3n });
        await refuses({ ...input, word: 1n - (input.word as bigint), limb: 0n });
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
      await proves(rowRangeInput(hasher, withWords(words), CLAIM, LEVELS));
    }
  });

  it('refuses other openings, places, depths and selectors', async () => {
    const index = withWords(wordsWith(entries(), 3, 300));
    const input = rowRangeInput(hasher, index, CLAIM, LEVELS);
    await proves(input);
    const words = input.rowWords as readonly bigint[];
    await refuses({ ...input, rowWords: [words[0] + 1n, words[1]] });
    for (const name of ['rowSalt', 'prefixCommitment', 'dataSetLeaf', 'contributor', 'index', 'depth', 'indexRoot']) {
      await refuses({ ...input, [name]: (input[name] as bigint) + 1n });
    }
    for (const [name, value] of [
      ['above', 2n],
      ['limb', 16n],
      ['word', 2n],
      ['limb', FIELD_MODULUS - 1n],
    ] as const) {
      await refuses({ ...input, [name]: value });
    }
  });

  it('leaves no single private wire that can be changed', async () => {
    const index = withWords(wordsWith(entries(), 3, 300));
    const values = wireValues(await witness(circuit, rowRangeInput(hasher, index, CLAIM, LEVELS)));
    const loose: number[] = [];
    for (let wire = 1; wire < values.length; wire++) {
      const before = values[wire];
      for (const other of [before + 1n, FIELD_MODULUS - before, before ^ 1n]) {
        values[wire] = other % FIELD_MODULUS;
        if (values[wire] !== before && system.acceptsChange(values, [wire])) loose.push(wire);
      }
      values[wire] = before;
    }
    expect(loose).toEqual([]);
  });
});
