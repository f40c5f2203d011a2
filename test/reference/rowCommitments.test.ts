/** The commitments of a whole index, from its integers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random, sha256 } from '../../src/foundation/index.js';
import {
  cutSlots,
  type Hasher,
  indexLeaf,
  indexRoot,
  loadHasher,
  saltOf,
  shardCommitment,
  vectorCommitment,
} from '../../src/prover/reference/index.js';
import {
  commitIndex,
  commitShards,
  type IndexCommitments,
  type IndexContent,
} from '../../src/prover/rowCommitments.js';

const OWNERS = [0, 0, 0, 1, 1, 2, 0, 0];
const D = 17;
const random = new Random(1);
const CONTENT: IndexContent = {
  instance: { slots: 3, queries: 2, columns: D },
  indexId: 77n,
  rows: Int8Array.from({ length: OWNERS.length * D }, () => random.below(255) - 127),
  slots: cutSlots(OWNERS),
  rowHashes: OWNERS.map((_, i) => sha256(`row ${i}`)),
  addresses: [1, 2, 3].map((i) => `0x${String(i).padStart(40, '0')}`),
  secret: 'ab'.repeat(32),
};

let hasher: Hasher;
let committed: IndexCommitments;
beforeAll(async () => {
  hasher = await loadHasher();
  committed = await commitIndex(CONTENT);
});

describe('an index', () => {
  it('commits to each row and to the running sum of its slot, opened by the secret', () => {
    let before = new Array<number>(D).fill(0);
    for (const [i, owner] of OWNERS.entries()) {
      const row = [...CONTENT.rows.subarray(i * D, (i + 1) * D)];
      const sum = i > 0 && OWNERS[i - 1] === owner ? row.map((x, j) => x + before[j]) : row;
      before = sum;
      const rowCommitment = vectorCommitment(hasher, saltOf(CONTENT.secret, 'row', i), row);
      const prefixCommitment = vectorCommitment(hasher, saltOf(CONTENT.secret, 'prefix', i), sum);
      expect(committed.rowCommitments[i]).toBe(rowCommitment);
      expect(committed.prefixCommitments[i]).toBe(prefixCommitment);
      expect(committed.leaves[i]).toBe(
        indexLeaf(hasher, D, {
          rowHash: CONTENT.rowHashes[i],
          contributor: CONTENT.addresses[owner],
          rowCommitment,
          prefixCommitment,
        }),
      );
    }
    expect(committed.root).toBe(indexRoot(hasher, committed.leaves));
  });

  it("commits to a slot by the prefix commitment of the slot's last row", () => {
    for (const [s, shard] of committed.shards.entries()) {
      const commitments = shard.salts.map((salt, k) => {
        const commitment = vectorCommitment(hasher, salt, shard.vectors.subarray(k * D, (k + 1) * D));
        const slot = CONTENT.slots[s * 3 + k];
        if (slot) expect(commitment).toBe(committed.prefixCommitments[slot.end - 1]);
        return commitment;
      });
      expect(shard.commitment).toBe(shardCommitment(hasher, CONTENT.instance, 77n, commitments));
    }
  });

  it('fills the last shard up with zero vectors that nobody owns, each with a salt of its own', () => {
    expect(committed.shards.map((shard) => shard.owners)).toEqual([
      [0, 1, 2],
      [0, -1, -1],
    ]);
    const [, last] = committed.shards;
    expect(last.vectors.subarray(D).every((x) => x === 0)).toBe(true);
    const salts = committed.shards.flatMap((shard) => shard.salts);
    expect(new Set(salts).size).toBe(6);
  });

  it('has the same shards when only they are derived', async () => {
    expect(await commitShards(CONTENT)).toEqual(committed.shards);
  });

  it('is the same each time, and its root changes with any entry, address, row hash, secret or order', async () => {
    expect(await commitIndex(CONTENT)).toEqual(committed);
    const changes: Partial<IndexContent>[] = [
      { rows: CONTENT.rows.with(0, CONTENT.rows[0] === 5 ? 6 : 5) },
      { rows: CONTENT.rows.with(OWNERS.length * D - 1, CONTENT.rows[OWNERS.length * D - 1] === 5 ? 6 : 5) },
      { addresses: CONTENT.addresses.with(1, `0x${'9'.repeat(40)}`) },
      { addresses: [CONTENT.addresses[1], CONTENT.addresses[0], CONTENT.addresses[2]] },
      { rowHashes: CONTENT.rowHashes.with(7, sha256('other')) },
      { secret: 'cd'.repeat(32) },
      { slots: cutSlots([0, 0, 1, 1, 1, 2, 0, 0]) },
    ];
    const roots = await Promise.all(changes.map(async (change) => (await commitIndex({ ...CONTENT, ...change })).root));
    expect(new Set([committed.root, ...roots]).size).toBe(changes.length + 1);
  });

  it('has shard commitments that depend on the index and on the entries, not on the addresses', async () => {
    const shards = async (change: Partial<IndexContent>) =>
      (await commitIndex({ ...CONTENT, ...change })).shards.map((shard) => shard.commitment);
    const base = committed.shards.map((shard) => shard.commitment);
    expect(await shards({ addresses: CONTENT.addresses.toReversed() })).toEqual(base);
    expect((await shards({ indexId: 78n })).every((commitment, s) => commitment !== base[s])).toBe(true);
    const changed = await shards({ rows: CONTENT.rows.with(0, CONTENT.rows[0] === 5 ? 6 : 5) });
    expect(changed.map((commitment, s) => commitment === base[s])).toEqual([false, true]);
  });

  it('tells how far it is, ending with all rows', async () => {
    const told: [number, number][] = [];
    await commitIndex(CONTENT, { progress: (done, total) => told.push([done, total]) });
    expect(told.at(-1)).toEqual([8, 8]);
  });
});
