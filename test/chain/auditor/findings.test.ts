/**
 * What an auditor finds in a registered index: nothing in an honest one, whatever its integers; and in a dishonest one each
 * wrong fact, at its place. An opening that does not open what was registered never accuses anybody.
 */

import { getAddress } from 'ethers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type IntegerOpening, inspectIndex, type WordOpening } from '../../../src/chain/auditor/indexFindings.js';
import { type RegisteredIndex, withSlots } from '../../../src/chain/auditor/registered.js';
import { Random, sha256 } from '../../../src/foundation/index.js';
import { type OpenedIndex, openedIndex, openRows } from '../../../src/prover/openedIndex.js';
import {
  cutSlots,
  type Hasher,
  loadHasher,
  openedCommitment,
  openVector,
  saltOf,
  shardCommitment,
  vectorCommitment,
} from '../../../src/prover/reference/index.js';
import { commitIndex, type IndexContent } from '../../../src/prover/rowCommitments.js';
import { addToEntry, withRow } from '../../prover/support/indexes.js';

const INSTANCE = { slots: 3, queries: 2, columns: 16 };
const D = INSTANCE.columns;

let hasher: Hasher;
beforeAll(async () => {
  hasher = await loadHasher();
});

/** An index of these owners, with entries by a seed. */
function contentOf(owners: readonly number[], seed: number): IndexContent {
  const random = new Random(seed);
  return {
    instance: INSTANCE,
    indexId: BigInt(seed) + 1000n,
    rows: Int8Array.from({ length: owners.length * D }, () => random.below(255) - 127),
    slots: cutSlots(owners),
    rowHashes: owners.map((_, i) => sha256(`row ${seed} ${i}`)),
    addresses: [0, 1, 2].map((c) => getAddress(`0x${sha256(`owner ${c}`).slice(0, 40)}`)),
    secret: sha256(`secret ${seed}`),
  };
}

/** Slot commitments of a shard as an honest maker has them. */
function shardLists({ slots, secret, indexId }: IndexContent, { rows }: OpenedIndex): bigint[][] {
  const S = INSTANCE.slots;
  return Array.from({ length: Math.ceil(slots.length / S) }, (_, shard) => [
    indexId,
    ...Array.from({ length: S }, (_, k) => {
      const slot = slots[shard * S + k];
      if (slot) return openedCommitment(hasher, rows[slot.end - 1].prefix);
      return vectorCommitment(hasher, saltOf(secret, 'padding-slot', shard * S + k), new Int16Array(D));
    }),
  ]);
}

/** Registers an opened index and the lists of its shards, in nothing but name. */
function register(content: IndexContent, index: OpenedIndex, lists: readonly (readonly bigint[])[]): RegisteredIndex {
  return withSlots(
    {
      index: `0x${'11'.repeat(32)}`,
      datasetId: `0x${'22'.repeat(32)}`,
      owner: content.addresses[0],
      indexId: content.indexId,
      indexRoot: index.tree.root,
      rows: index.rows.length,
      slotsPerShard: INSTANCE.slots,
    },
    content.slots.map(({ end, contributor }) => ({ end, contributor: content.addresses[contributor] })),
    lists.map(([id, ...slots]) => shardCommitment(hasher, INSTANCE, id, slots)),
  );
}

const opened = (content: IndexContent): OpenedIndex => openedIndex(hasher, D, openRows(content));
const integers = ({ indexId, rows, secret, rowHashes }: IndexContent): IntegerOpening => ({
  kind: 'integers',
  indexId,
  rows,
  secret,
  rowHashes,
});
const words = ({ rows }: OpenedIndex, shards: readonly (readonly bigint[])[]): WordOpening => ({
  kind: 'words',
  rows,
  shards,
});

const OWNERS = [0, 0, 0, 1, 1, 2, 0, 0];

describe('an honest index', () => {
  it('is opened by its integers and by its words, and nothing is found', async () => {
    const owners = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(owners, fc.nat(1e6), async (list, seed) => {
        const content = contentOf(list, seed);
        const index = opened(content);
        const lists = shardLists(content, index);
        const registered = register(content, index, lists);
        for (const opening of [integers(content), words(index, lists)]) {
          expect(await inspectIndex(hasher, INSTANCE, registered, opening)).toEqual({ opens: 'all', findings: [] });
        }
      }),
      { numRuns: 8 },
    );
  });

  it('has the root and the shards that its maker commits to', async () => {
    const content = contentOf(OWNERS, 1);
    const index = opened(content);
    const { root, shards } = await commitIndex(content);
    const registered = register(content, index, shardLists(content, index));
    expect(registered.indexRoot).toBe(root);
    expect(registered.shardCommitments).toEqual(shards.map(({ commitment }) => commitment));
  });

  it('is accused by nobody whose opening is of something else', async () => {
    const content = contentOf(OWNERS, 1);
    const index = opened(content);
    const lists = shardLists(content, index);
    const registered = register(content, index, lists);
    const other = contentOf(OWNERS, 2);
    const forged = withRow(hasher, index, 4, ({ prefix }) => ({
      prefix: { ...prefix, words: addToEntry(prefix.words, 1, 1) },
    }));
    for (const opening of [
      integers(other),
      integers({ ...content, rows: content.rows.with(5, -128) }),
      integers({ ...content, rows: content.rows.subarray(D), rowHashes: content.rowHashes.slice(1) }),
      words(forged, lists),
      words({ ...index, rows: index.rows.slice(1) }, lists),
    ]) {
      expect(await inspectIndex(hasher, INSTANCE, registered, opening)).toEqual({ opens: 'nothing', findings: [] });
    }
    // a list that is not the registered one is no finding, but the shard stays unopened
    const foreign = lists.map(([id, ...slots]) => [id + 1n, ...slots]);
    const inspection = await inspectIndex(hasher, INSTANCE, registered, words(index, foreign));
    expect(inspection).toEqual({ opens: 'tree', findings: [] });
  });
});

describe('a dishonest index', () => {
  it('is found out by its words, at every kind of place', async () => {
    const content = contentOf(OWNERS, 3);
    const honest = opened(content);
    const lists = shardLists(content, honest);
    const inspect = async (index: OpenedIndex, shards: readonly (readonly bigint[])[]) => {
      const { findings } = await inspectIndex(hasher, INSTANCE, register(content, index, shards), words(index, shards));
      return findings;
    };
    for (const row of OWNERS.keys()) {
      const wrong = withRow(hasher, honest, row, ({ prefix }) => ({
        prefix: { ...prefix, words: addToEntry(prefix.words, row % D, 5) },
      }));
      const findings = await inspect(wrong, shardLists(content, wrong));
      const [slot] = content.slots.filter(({ start, end }) => start <= row && row < end);
      // the sum after a wrong one does not follow from it either, unless a slot begins there
      const rows = row + 1 < slot.end ? [row, row + 1] : [row];
      expect(findings).toEqual(rows.map((at) => ({ ground: 'sumStep', row: at })));
      // a shard that keeps the honest sum where the tree has a wrong one
      if (row === slot.end - 1) {
        const k = content.slots.indexOf(slot);
        expect(await inspect(wrong, lists)).toEqual([
          { ground: 'sumStep', row },
          { ground: 'slotIsPrefix', shard: Math.floor(k / INSTANCE.slots), position: 1 + (k % INSTANCE.slots) },
        ]);
      }
    }
    const outside = withRow(hasher, honest, 5, ({ row, prefix }) => ({
      row: { ...row, words: addToEntry(row.words, 0, 128 - content.rows[5 * D]) },
      prefix: { ...prefix, words: addToEntry(prefix.words, 0, 128 - content.rows[5 * D]) },
    }));
    expect(await inspect(outside, shardLists(content, outside))).toEqual([{ ground: 'rowRange', row: 5 }]);
    const overflown = withRow(hasher, honest, 2, ({ row }) => ({
      row: { ...row, words: [row.words[0] + 2n ** 245n, ...row.words.slice(1)] },
    }));
    expect(await inspect(overflown, lists)).toEqual([{ ground: 'rowRange', row: 2 }]);
    const foreign = lists.map(([id, ...slots], shard) => [shard === 1 ? id + 1n : id, ...slots]);
    expect(await inspect(honest, foreign)).toEqual([{ ground: 'slotIsPrefix', shard: 1, position: 0 }]);
    const stolen = withRow(hasher, honest, 3, () => ({ contributor: BigInt(content.addresses[2]) }));
    expect(await inspect(stolen, lists)).toEqual([{ ground: 'contributor', row: 3 }]);
  });

  it('is found out by its integers where they show it: a row of −128, another index id', async () => {
    const content = contentOf(OWNERS, 4);
    const wrong = { ...content, rows: content.rows.with(6 * D + 3, -128) };
    const index = opened(wrong);
    const inspection = await inspectIndex(
      hasher,
      INSTANCE,
      register(wrong, index, shardLists(wrong, index)),
      integers(wrong),
    );
    expect(inspection.opens).toBe('all');
    expect(inspection.findings).toEqual([{ ground: 'rowRange', row: 6 }]);
    expect(inspection.shown?.index.tree.root).toBe(index.tree.root);
    expect(inspection.shown?.index.rows[6].row).toEqual(
      openVector(saltOf(wrong.secret, 'row', 6), wrong.rows.subarray(6 * D, 7 * D)),
    );
    // the shards were made for another index, and registered with this one's tree
    const honest = opened(content);
    const foreign = shardLists({ ...content, indexId: 77n }, honest);
    const registered = register(content, honest, foreign);
    const copied = await inspectIndex(hasher, INSTANCE, registered, { ...integers(content), indexId: 77n });
    expect(copied.findings).toEqual([0, 1].map((shard) => ({ ground: 'slotIsPrefix', shard, position: 0 })));
    const unknown = await inspectIndex(hasher, INSTANCE, registered, integers(content));
    expect(unknown).toEqual({ opens: 'tree', findings: [] });
  });
});
