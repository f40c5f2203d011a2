/**
 * An epoch: receipts in batches of Q, and the integer score matrix of every (shard, batch). These integers are what is
 * proven, what the contract reads and what pays.
 */
import { join } from 'node:path';
import {
  type Artefact,
  numbers,
  type Recipe,
  readArtefact,
  readTable,
  writeArtefact,
  writeTable,
} from '../artefact/index.js';
import { MeedError } from '../foundation/index.js';
import { type AttributionIndex, indexShards, stringList } from './attributionIndex.js';
import { commitBatches } from './batchCommitments.js';
import { type BatchHasher, openBatchHasher } from './fast/index.js';
import type { Receipts } from './receipts.js';
import { type Instance, saltOf, scoreMatrix } from './reference/index.js';
import type { Shard } from './rowCommitments.js';

/** Q receipts as the circuit and the receipt book take them; unused positions are zero vectors with fee 0. */
export interface Batch {
  /** Positions in the receipts artefact. */
  readonly receipts: readonly number[];
  /** Q × d, row-major. */
  readonly vectors: Int16Array;
  readonly salt: bigint;
  readonly commitment: bigint;
  /** Q hashes, hex; zeros at unused positions. */
  readonly outputHashes: readonly string[];
  readonly fees: readonly bigint[];
}

export interface Epoch {
  readonly artefact: Artefact;
  readonly batches: readonly Batch[];
  readonly shards: readonly Shard[];
  /** scores[shard][batch], S·Q each. */
  readonly scores: readonly (readonly BigInt64Array[])[];
}

const ZERO_HASH = '0'.repeat(64);

export function epochRecipe(index: AttributionIndex, receipts: Receipts): Recipe {
  return {
    kind: 'epoch',
    inputs: { index: index.artefact.manifest.id, receipts: receipts.artefact.manifest.id },
    parameters: { instance: { ...index.options.instance } },
  };
}

export async function makeEpoch(folder: string, index: AttributionIndex, receipts: Receipts): Promise<Epoch> {
  const content = await epochContent(index, receipts);
  const artefact = await writeArtefact(folder, epochRecipe(index, receipts), async (staging) => {
    const flat = content.scores.flatMap((row, shard) => row.map((scores, batch) => ({ shard, batch, scores })));
    const size = index.options.instance.slots * index.options.instance.queries;
    const all = new BigInt64Array(flat.length * size);
    for (const [i, { scores }] of flat.entries()) all.set(scores, i * size);
    await writeTable(join(staging, 'scores.arrow'), {
      shard: Int32Array.from({ length: all.length }, (_, i) => flat[Math.floor(i / size)].shard),
      batch: Int32Array.from({ length: all.length }, (_, i) => flat[Math.floor(i / size)].batch),
      score: all,
    });
    return {
      shards: content.shards.length,
      batches: content.batches.length,
      batchCommitments: content.batches.map((batch) => String(batch.commitment)),
    };
  });
  return { artefact, ...content };
}

/** Batches, shards and scores, recomputed from the index's and the receipts' integers. */
export async function epochContent(index: AttributionIndex, receipts: Receipts): Promise<Omit<Epoch, 'artefact'>> {
  const { instance } = index.options;
  const shards = await indexShards(index);
  const batches = await cutBatches(instance, index.indexId, receipts);
  return {
    shards,
    batches,
    scores: shards.map((shard) => batches.map((batch) => scoreMatrix(instance, shard.vectors, batch.vectors))),
  };
}

/** An epoch as published: its score file must equal the integers of index and receipts. */
export async function readEpoch(folder: string, index: AttributionIndex, receipts: Receipts): Promise<Epoch> {
  const artefact = await readArtefact(folder, 'epoch');
  const content = await epochContent(index, receipts);
  const published = numbers(await readTable(join(folder, 'scores.arrow')), 'score', BigInt64Array);
  const derived = content.scores.flat();
  const size = index.options.instance.slots * index.options.instance.queries;
  if (published.length !== derived.length * size) {
    throw new MeedError(
      `${folder}/scores.arrow holds ${published.length} scores, the ${derived.length} batches of all shards have ${derived.length * size}`,
      'Do not trust this epoch: make it again with `meed epoch`',
    );
  }
  for (const [i, scores] of derived.entries()) {
    const wrong = scores.findIndex((score, j) => published[i * size + j] !== score);
    if (wrong >= 0) {
      throw new MeedError(
        `Score ${wrong} of block ${i} in ${folder}/scores.arrow is ${published[i * size + wrong]}, index and receipts give ${scores[wrong]}`,
        'Do not trust this epoch: make it again with `meed epoch`',
      );
    }
  }
  const commitments = stringList(artefact.manifest.facts.batchCommitments, 'batchCommitments', folder);
  if (
    commitments.length !== content.batches.length ||
    commitments.some((c, b) => c !== String(content.batches[b].commitment))
  ) {
    throw new MeedError(`${folder} does not hold the batches of its receipts`, 'Make it again with `meed epoch`');
  }
  return { artefact, ...content };
}

/**
 * The batches that receipts are posted in.
 * @param indexId of the index that explains them. @param hasher for who cuts many; one of its own unless told
 */
export async function cutBatches(
  instance: Instance,
  indexId: bigint,
  receipts: Receipts,
  hasher?: BatchHasher,
): Promise<Batch[]> {
  const Q = instance.queries;
  const opened = await openBatches(instance, indexId, receipts, hasher);
  return opened.map((batch, b): Batch => {
    const booked = receipts.receipts.slice(b * Q, (b + 1) * Q);
    return {
      ...batch,
      receipts: booked.map((_, q) => b * Q + q),
      outputHashes: Array.from({ length: Q }, (_, q) => booked[q]?.outputHash ?? ZERO_HASH),
      fees: Array.from({ length: Q }, (_, q) => booked[q]?.fee ?? 0n),
    };
  });
}

/** What a batch's commitment opens to. */
export type OpenBatch = Pick<Batch, 'vectors' | 'salt' | 'commitment'>;

/** Receipts cut into batches of Q, the last one filled up with zero vectors, and committed side by side. */
export async function openBatches(
  instance: Instance,
  indexId: bigint,
  { queries, secret }: Pick<Receipts, 'queries' | 'secret'>,
  shared?: BatchHasher,
): Promise<OpenBatch[]> {
  const size = instance.queries * instance.columns;
  const cut = Array.from({ length: Math.ceil(queries.length / size) }, (_, b) => {
    const vectors = new Int16Array(size);
    vectors.set(queries.subarray(b * size, (b + 1) * size));
    return { vectors, salt: saltOf(secret, 'batch', b) };
  });
  const hasher = shared ?? (await openBatchHasher());
  try {
    const commitments = await commitBatches(hasher, instance, indexId, cut);
    return cut.map((batch, b) => ({ ...batch, commitment: commitments[b] }));
  } finally {
    if (shared === undefined) await hasher.close();
  }
}
