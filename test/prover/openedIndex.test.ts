/** An opened index is the index that was committed, and its paths lead to its root. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { openedIndex, openRows, pathTo, slotOf } from '../../src/prover/openedIndex.js';
import {
  cutSlots,
  type Hasher,
  indexRoot,
  loadHasher,
  merklePath,
  merkleTree,
  openedCommitment,
  rootOfPath,
} from '../../src/prover/reference/index.js';
import { commitIndex } from '../../src/prover/rowCommitments.js';
import { randomField } from './support/statements.js';

let hasher: Hasher;

beforeAll(async () => {
  hasher = await loadHasher();
});

describe('openRows', () => {
  it('opens every commitment of the index that commitIndex makes, and has its root', async () => {
    const [columns, owners] = [17, [0, 0, 0, 1, 1, 0, 2]];
    const random = new Random(1);
    const content = {
      instance: { slots: 2, queries: 2, columns },
      indexId: 5n,
      rows: Int8Array.from({ length: owners.length * columns }, () => random.below(255) - 127),
      slots: cutSlots(owners),
      rowHashes: owners.map(() => randomField(random).toString(16).padStart(64, '0')),
      addresses: [1, 2, 3].map((address) => `0x${address.toString(16).padStart(40, '0')}`),
      secret: '5'.repeat(64),
    };
    const committed = await commitIndex(content);
    const rows = openRows(content);
    expect(rows.map(({ row }) => openedCommitment(hasher, row))).toEqual(committed.rowCommitments);
    expect(rows.map(({ prefix }) => openedCommitment(hasher, prefix))).toEqual(committed.prefixCommitments);
    const { tree } = openedIndex(hasher, columns, rows);
    expect(tree.levels[0]).toEqual(committed.leaves);
    expect(tree.root).toBe(committed.root);
    expect(slotOf(content.slots, 4)).toEqual({ start: 3, end: 5, contributor: 1 });
    expect(() => slotOf(content.slots, 7)).toThrow('No slot holds row 7');
  });
});

describe('merklePath', () => {
  it('leads from every leaf to the root of the index, and only from its place', () => {
    for (const count of [1, 2, 3, 4, 5, 8, 9]) {
      const leaves = Array.from({ length: count }, (_, i) => BigInt(100 * count + i));
      const tree = merkleTree(hasher, leaves);
      const root = indexRoot(hasher, leaves);
      expect(tree.root).toBe(root);
      for (let i = 0; i < count; i++) {
        const path = merklePath(tree, i);
        expect(path).toHaveLength(tree.depth);
        expect(rootOfPath(hasher, leaves[i], i, path)).toBe(root);
        if (count > 1) expect(rootOfPath(hasher, leaves[i], i ^ 1, path)).not.toBe(root);
      }
      expect(() => merklePath(tree, 2 ** tree.depth)).toThrow('There is no leaf');
      expect(() => merklePath(tree, -1)).toThrow('There is no leaf');
    }
  });

  it('is filled up to the levels of a circuit, and refused where it is longer', () => {
    const rows = Array.from({ length: 3 }, (_, i) => {
      const opened = { salt: BigInt(i), words: [BigInt(i)] };
      return { dataSetLeaf: 1n, contributor: 2n, row: opened, prefix: opened };
    });
    const index = openedIndex(hasher, 4, rows);
    expect(pathTo(index, 1, 5).slice(2)).toEqual([0n, 0n, 0n]);
    expect(() => pathTo(index, 1, 1)).toThrow('does not fit a circuit of 1');
  });
});
