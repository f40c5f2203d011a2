/**
 * Commitments to every row of an index: the row's sketch, the running sum inside its slot, and the leaf that binds both
 * to the data set and to the contributor; then the slots' and the shards' commitments, which are what a proof opens.
 * Deterministic in (integers, hashes, addresses, secret), so an auditor calls the same function and compares.
 */
import { availableParallelism } from 'node:os';
import { type Progress, silent } from '../foundation/index.js';
import { commitVectors, hashLeaves, hashRoot, type PackedVectors, packVectors } from './batchCommitments.js';
import { type BatchHasher, openBatchHasher, readIntegers } from './fast/index.js';
import {
  assertTiling,
  type Hasher,
  type Instance,
  loadHasher,
  type Slot,
  saltOf,
  shardCommitment,
  slotSums,
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

/** Rows whose hashes are asked for at once, while the next are packed. */
const BATCH = 4096;

export interface CommitOptions {
  readonly progress?: Progress;
  /** Worker threads; as many as the machine has unless told. The secret stays in this process. */
  readonly threads?: number;
}

export async function commitIndex(
  content: IndexContent,
  { progress = silent, threads = availableParallelism() }: CommitOptions = {},
): Promise<IndexCommitments> {
  const n = content.rowHashes.length;
  assertTiling(content.slots, n);
  const hasher = await openBatchHasher({ threads });
  let running: Promise<HashedRows> | undefined;
  try {
    const slotVectors = new Int16Array(content.slots.length * content.instance.columns);
    const hashed: HashedRows[] = [];
    for (const packed of packRows(content, slotVectors)) {
      // this batch was packed while the one before was hashed
      if (running !== undefined) hashed.push(await running);
      progress(hashed.length * BATCH, n, 'rows committed');
      running = hashRows(hasher, content.instance.columns, packed);
    }
    if (running !== undefined) hashed.push(await running);
    const leaves = Buffer.concat(hashed.map((rows) => rows.leaves));
    const root = await hashRoot(hasher, leaves);
    progress(n, n, 'rows committed');
    return {
      rowCommitments: hashed.flatMap((rows) => readIntegers(rows.rowCommitments)),
      prefixCommitments: hashed.flatMap((rows) => readIntegers(rows.prefixCommitments)),
      leaves: readIntegers(leaves),
      root: readIntegers(root)[0],
      shards: cutShards(await loadHasher(), content, slotVectors),
    };
  } finally {
    await Promise.allSettled([running]);
    await hasher.close();
  }
}

interface PackedRows {
  readonly rows: PackedVectors;
  readonly prefixes: PackedVectors;
  readonly rowHashes: Uint8Array;
  readonly contributors: readonly bigint[];
}

/** Packs batch after batch; each slot's sum is left in `slotVectors`, S·d in all. */
function* packRows(content: IndexContent, slotVectors: Int16Array): Generator<PackedRows> {
  const { instance, rows, slots, rowHashes, addresses, secret } = content;
  const d = instance.columns;
  const owners = addresses.map(BigInt);
  let slot = 0;
  const prefix = new Int16Array(Math.min(BATCH, rowHashes.length) * d);
  for (let first = 0; first < rowHashes.length; first += BATCH) {
    const end = Math.min(first + BATCH, rowHashes.length);
    const rowSalts: bigint[] = [];
    const prefixSalts: bigint[] = [];
    const hashes: Buffer[] = [];
    const contributors: bigint[] = [];
    for (let i = first; i < end; i++) {
      const sum = slotVectors.subarray(slot * d, (slot + 1) * d);
      for (let j = 0; j < d; j++) sum[j] += rows[i * d + j];
      prefix.set(sum, (i - first) * d);
      rowSalts.push(saltOf(secret, 'row', i));
      prefixSalts.push(saltOf(secret, 'prefix', i));
      hashes.push(Buffer.from(rowHashes[i], 'hex').reverse());
      contributors.push(owners[slots[slot].contributor]);
      if (i + 1 === slots[slot].end) slot++;
    }
    yield {
      rows: packVectors(rows.subarray(first * d, end * d), d, rowSalts),
      prefixes: packVectors(prefix, d, prefixSalts),
      rowHashes: Buffer.concat(hashes),
      contributors,
    };
  }
}

/** 32 bytes a row each. */
type HashedRows = Record<'rowCommitments' | 'prefixCommitments' | 'leaves', Uint8Array>;

async function hashRows(hasher: BatchHasher, columns: number, packed: PackedRows): Promise<HashedRows> {
  const rowCommitments = await commitVectors(hasher, packed.rows);
  const prefixCommitments = await commitVectors(hasher, packed.prefixes);
  const leaves = await hashLeaves(hasher, columns, { ...packed, rowCommitments, prefixCommitments });
  return { rowCommitments, prefixCommitments, leaves };
}

/** The shards alone, without the commitments of single rows. */
export async function commitShards(content: Omit<IndexContent, 'rowHashes' | 'addresses'>): Promise<Shard[]> {
  const { rows, instance, slots } = content;
  return cutShards(await loadHasher(), content, slotSums(rows, instance.columns, slots));
}

function cutShards(
  hasher: Hasher,
  { instance, indexId, slots, secret }: Omit<IndexContent, 'rowHashes' | 'addresses'>,
  slotVectors: Int16Array,
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
      if (slot) vectors.set(slotVectors.subarray((first + k) * d, (first + k + 1) * d), k * d);
      salts.push(slot ? saltOf(secret, 'prefix', slot.end - 1) : saltOf(secret, 'padding-slot', first + k));
      commitments.push(vectorCommitment(hasher, salts[k], vectors.subarray(k * d, (k + 1) * d)));
      owners.push(slot ? slot.contributor : -1);
    }
    shards.push({ vectors, salts, owners, commitment: shardCommitment(hasher, instance, indexId, commitments) });
  }
  return shards;
}
