/**
 * Commitments to every row of an index: the row's sketch, the running sum inside its slot, and the leaf that binds both
 * to the data set and to the contributor; then the slots' and the shards' commitments, which are what a proof opens.
 * Deterministic in (integers, hashes, addresses, secret), so an auditor calls the same function and compares.
 */
import { type Progress, silent } from '../foundation/index.js';
import {
  type Hasher,
  type Instance,
  indexLeaf,
  indexRoot,
  loadHasher,
  prefixSums,
  type Slot,
  saltOf,
  shardCommitment,
  vectorCommitment,
} from './reference/index.js';

export interface IndexContent {
  readonly instance: Instance;
  /** Field element that names the index in every commitment. */
  readonly indexId: bigint;
  /** n × d, row-major. */
  readonly rows: Int8Array;
  readonly slots: readonly Slot[];
  /** SHA-256 row hashes, hex. */
  readonly rowHashes: readonly string[];
  /** Payout address of each contributor. */
  readonly addresses: readonly string[];
  /** Opens every commitment. */
  readonly secret: string;
}

export interface IndexCommitments {
  readonly rowCommitments: readonly bigint[];
  readonly prefixCommitments: readonly bigint[];
  readonly leaves: readonly bigint[];
  readonly root: bigint;
  readonly shards: readonly Shard[];
}

/** S slots, the last shard filled up with zero vectors. */
export interface Shard {
  /** S × d, row-major. */
  readonly vectors: Int16Array;
  readonly salts: readonly bigint[];
  /** Contributor index of each slot, −1 for unused slots. */
  readonly owners: readonly number[];
  readonly commitment: bigint;
}

export async function commitIndex(content: IndexContent, progress: Progress = silent): Promise<IndexCommitments> {
  const hasher = await loadHasher();
  const { instance, rows, slots, rowHashes, addresses, secret } = content;
  const d = instance.columns;
  const prefix = prefixSums(rows, d, slots);
  const rowCommitments: bigint[] = [];
  const prefixCommitments: bigint[] = [];
  const leaves: bigint[] = [];
  for (const { start, end, contributor } of slots) {
    for (let i = start; i < end; i++) {
      rowCommitments[i] = vectorCommitment(hasher, saltOf(secret, 'row', i), rows.subarray(i * d, (i + 1) * d));
      prefixCommitments[i] = vectorCommitment(hasher, saltOf(secret, 'prefix', i), prefix.subarray(i * d, (i + 1) * d));
      leaves[i] = indexLeaf(hasher, d, {
        rowHash: rowHashes[i],
        contributor: addresses[contributor],
        rowCommitment: rowCommitments[i],
        prefixCommitment: prefixCommitments[i],
      });
      if (i % 64 === 0) progress(i, rowHashes.length, 'rows committed');
    }
  }
  progress(rowHashes.length, rowHashes.length, 'rows committed');
  return {
    rowCommitments,
    prefixCommitments,
    leaves,
    root: indexRoot(hasher, leaves),
    shards: cutShards(hasher, content, prefix),
  };
}

/** The shards alone, without the commitments of single rows. */
export async function commitShards(content: Omit<IndexContent, 'rowHashes' | 'addresses'>): Promise<Shard[]> {
  const prefix = prefixSums(content.rows, content.instance.columns, content.slots);
  return cutShards(await loadHasher(), content, prefix);
}

function cutShards(
  hasher: Hasher,
  { instance, indexId, slots, secret }: Omit<IndexContent, 'rowHashes' | 'addresses'>,
  prefix: Int16Array,
): Shard[] {
  const { slots: S, columns: d } = instance;
  const shards: Shard[] = [];
  for (let first = 0; first < slots.length; first += S) {
    const vectors = new Int16Array(S * d);
    const salts: bigint[] = [];
    const owners: number[] = [];
    const commitments: bigint[] = [];
    for (let k = 0; k < S; k++) {
      const slot = slots[first + k];
      if (slot) {
        const last = slot.end - 1;
        vectors.set(prefix.subarray(last * d, (last + 1) * d), k * d);
      }
      salts.push(slot ? saltOf(secret, 'prefix', slot.end - 1) : saltOf(secret, 'padding-slot', first + k));
      commitments.push(vectorCommitment(hasher, salts[k], vectors.subarray(k * d, (k + 1) * d)));
      owners.push(slot ? slot.contributor : -1);
    }
    shards.push({ vectors, salts, owners, commitment: shardCommitment(hasher, instance, indexId, commitments) });
  }
  return shards;
}
