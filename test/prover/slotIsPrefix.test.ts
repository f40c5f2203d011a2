/** SlotIsPrefix: a shard that holds the tree's prefixes cannot be disputed, any other list can. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FIELD_MODULUS, type Hasher, loadHasher, openedCommitment } from '../../src/prover/reference/index.js';
import { type SlotClaim, slotIsPrefixInput, slotIsPrefixSignals } from '../../src/prover/slotIsPrefix.js';
import { SLOT_IS_PREFIX } from '../../src/prover/templates.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';
import { CLAIMANT, type HonestIndex, honestIndex } from './support/indexes.js';

const [SLOTS, COLUMNS, LEVELS] = [3, 16, 3];
const INDEX_ID = 77n;
const PADDING = 1234567n;
let hasher: Hasher;
let circuit: CircuitUnderTest;
let honest: HonestIndex;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await CircuitUnderTest.open(SLOT_IS_PREFIX.name, [SLOTS, COLUMNS, LEVELS]);
  // Two slots in a shard of three: the last is not used.
  honest = honestIndex(hasher, COLUMNS, [3, 2], 1);
});

function claim(change: (committed: bigint[]) => void = () => {}): SlotClaim {
  const prefixes = honest.slots.map(({ end }) => openedCommitment(hasher, honest.index.rows[end - 1].prefix));
  const committed = [INDEX_ID, ...prefixes, PADDING];
  change(committed);
  return { indexId: INDEX_ID, committed, slots: honest.slots, claimant: CLAIMANT };
}

describe('SlotIsPrefix', () => {
  it('has no witness where the shard holds what was registered, at any position', async () => {
    expect(() => slotIsPrefixInput(hasher, honest.index, claim(), LEVELS)).toThrow('holds the index id and the slots');
    for (const position of [0, 1, 2]) {
      await circuit.refuses(slotIsPrefixSignals(hasher, honest.index, claim(), position, LEVELS));
    }
  });

  it('proves another slot, exchanged slots and another index id, each at its position', async () => {
    const exchange = (committed: bigint[]): void => {
      [committed[1], committed[2]] = [committed[2], committed[1]];
    };
    for (const [change, position] of [
      [(committed: bigint[]) => committed.splice(1, 1, committed[1] + 1n), 1n],
      [(committed: bigint[]) => committed.splice(2, 1, 0n), 2n],
      [(committed: bigint[]) => committed.splice(2, 1, FIELD_MODULUS - 1n), 2n],
      [exchange, 1n],
      [(committed: bigint[]) => committed.splice(0, 1, INDEX_ID + 1n), 0n],
    ] as const) {
      const input = slotIsPrefixInput(hasher, honest.index, claim(change), LEVELS);
      expect(input.position).toBe(position);
      const values = await circuit.proves(input);
      expect(values.slice(1, 8)).toEqual(SLOT_IS_PREFIX.publicInputs.map((name) => input[name]));
    }
  });

  it('refuses other lists, places, openings, ids, depths, and positions beyond the list', async () => {
    const input = slotIsPrefixInput(
      hasher,
      honest.index,
      claim((committed) => committed.splice(2, 1, 5n)),
      LEVELS,
    );
    await circuit.proves(input);
    await circuit.refusesOneMore(input, [
      'shardCommitment',
      'committedIndexId',
      'indexRoot',
      'index',
      'depth',
      'dataSetLeaf',
      'contributor',
      'rowCommitment',
      'prefixCommitment',
    ]);
    const slots = input.slotCommitments as readonly bigint[];
    await circuit.refuses({ ...input, slotCommitments: [slots[1], slots[0], slots[2]] });
    for (const position of [0n, 4n, FIELD_MODULUS - 1n]) await circuit.refuses({ ...input, position });
  });

  it('says nothing of an honest slot by a row that does not end it: the contract chooses the row', async () => {
    // The claimant would like to compare slot 1 with the prefix of row 1. The proof exists, and its public index says so.
    const slots = [{ ...honest.slots[0], end: 2 }, honest.slots[1]];
    const input = slotIsPrefixInput(hasher, honest.index, { ...claim(), slots }, LEVELS);
    const values = await circuit.proves(input);
    expect(values[1 + SLOT_IS_PREFIX.publicInputs.indexOf('index')]).toBe(1n);
    expect(honest.slots[0].end - 1).toBe(2);
    await circuit.refuses({ ...input, index: 2n });
  });

  it('leaves no single wire that can be changed', async () => {
    const input = slotIsPrefixInput(
      hasher,
      honest.index,
      claim((committed) => committed.splice(2, 1, 5n)),
      LEVELS,
    );
    // The index id is looked at in disputes about it alone.
    const indexId = 1 + SLOT_IS_PREFIX.publicInputs.indexOf('indexId');
    expect(circuit.looseWires(await circuit.proves(input)).filter((wire) => wire !== indexId)).toEqual([]);
  });
});
