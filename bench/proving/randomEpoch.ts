/**
 * Epochs of any size from seeded random integers: int8 rows, summed into slots and shards as an index has them, and receipts
 * of unit norm, either in batches of their own or folded by host. Proving takes the same time whatever the values are, so
 * the rows mean nothing and the times do. Rows are drawn a shard at a time and forgotten once summed: a million of them
 * never lie in memory together.
 */
import { Random, sha256 } from '../../src/foundation/index.js';
import { challengeInput, scoreStatement } from '../../src/prover/proofs.js';
import { type FoldedBatch, queryMeanStatement } from '../../src/prover/queryMean.js';
import { type Fold, foldReceipts } from '../../src/prover/querySum.js';
import { type FoldedReceipt, type FoldPlace, firstLink, foldChallenge } from '../../src/prover/reference/folding.js';
import {
  cutSlots,
  type Hasher,
  type Instance,
  queryBatchCommitment,
  SLOT_ROWS_MAX,
  saltOf,
  scoreMatrix,
} from '../../src/prover/reference/index.js';
import { commitShards, type Shard } from '../../src/prover/rowCommitments.js';
import { queryMeanStatementOf, querySumStatements, type Statement } from '../../src/prover/service/index.js';

export interface EpochSize {
  readonly samples: number;
  readonly receipts: number;
  /** Receipts are folded into one query a host; 0 proves each receipt as a query of its own. */
  readonly hosts: number;
  readonly instance: Instance;
  /** Receipts of one QuerySum. */
  readonly step: number;
}

export interface EpochStatements {
  readonly scoreMatrix: readonly Statement[];
  readonly querySum: readonly Statement[];
  readonly queryMean: readonly Statement[];
}

const SEED = 5;
const CONTRIBUTORS = 20;
const FEE_QUANTA = 1_000;
const PLACE = { chainId: 31337n, book: `0x${'b0'.repeat(20)}`, epoch: 1n };
const SETTLEMENT = `0x${'5e'.repeat(20)}`;
const CIRCUIT_ID = `0x${'c1'.repeat(32)}`;
const INDEX_ID = 77n;
const address = (id: number): string => `0x${id.toString(16).padStart(40, '0')}`;

/** Shards of random rows, each contributor holding an equal run of them. */
export async function randomShards({ samples, instance }: EpochSize): Promise<Shard[]> {
  const random = new Random(SEED);
  const owned = Math.ceil(samples / CONTRIBUTORS);
  const all = cutSlots(Int32Array.from({ length: samples }, (_, i) => Math.floor(i / owned)));
  const shards: Shard[] = [];
  for (let first = 0; first < all.length; first += instance.slots) {
    const of = all.slice(first, first + instance.slots);
    const { start } = of[0];
    const slots = of.map((slot) => ({ ...slot, start: slot.start - start, end: slot.end - start }));
    const rows = randomRows(random, slots[slots.length - 1].end * instance.columns);
    const secret = sha256(`the bench's shard ${shards.length}`);
    shards.push(...(await commitShards({ instance, indexId: INDEX_ID, rows, slots, secret })));
  }
  return shards;
}

function randomRows(random: Random, entries: number): Int8Array {
  const words = Uint32Array.from({ length: Math.ceil(entries / 4) }, () => random.uint32());
  // −128 is no entry of a row
  return new Int8Array(words.buffer, 0, entries).map((entry) => Math.max(entry, -127));
}

/** A random direction, scaled to norm 32767 and rounded. */
function randomQuery(random: Random, columns: number): Int16Array {
  const direction = Float64Array.from({ length: columns }, () => random.below(2001) - 1000);
  const norm = Math.hypot(...direction) || 1;
  return Int16Array.from(direction, (x) => Math.round((x / norm) * 32767));
}

/** Every statement of an epoch; private signals are made when a statement's turn comes. */
export function epochStatements(hasher: Hasher, size: EpochSize, shards: readonly Shard[]): EpochStatements {
  const random = new Random(SEED + 1);
  const { instance, hosts } = size;
  const secret = sha256("the bench's receipts");
  const receipts = Array.from(
    { length: size.receipts },
    (_, i): FoldedReceipt => ({
      vector: randomQuery(random, instance.columns),
      fee: 1 + random.below(FEE_QUANTA),
      outputHash: sha256(`the bench's output ${i}`),
      salt: saltOf(secret, 'receipt', i),
    }),
  );
  const folds = Array.from({ length: hosts }, (_, host): Fold => {
    const own = receipts.filter((_, i) => i % hosts === host);
    return foldReceipts(hasher, firstLink(placeOf(host)), instance.columns, own);
  });
  const queries = hosts === 0 ? receipts.map(({ vector }) => vector) : folds.map(({ quotients }) => quotients);
  const batches = batchesOf(hasher, instance, queries, secret);
  const epoch = {
    shards,
    batches,
    scores: shards.map((shard) => batches.map((batch) => scoreMatrix(instance, shard.vectors, batch.vectors))),
  };
  const target = { chainId: Number(PLACE.chainId), settlement: SETTLEMENT, circuitId: CIRCUIT_ID, epoch: PLACE.epoch };
  const addresses = Array.from({ length: CONTRIBUTORS }, (_, id) => address(id + 1));
  const index = {
    indexId: INDEX_ID,
    options: { instance, scorer: 'random', reservedOutputs: 0, seed: SEED },
  };
  const ends = folds.map((fold, host) => endOf(hasher, size, fold, host, batches, secret));
  return {
    scoreMatrix: shards.flatMap((_, shard) =>
      batches.map((_, batch) => scoreStatement(index, epoch, challengeInput(epoch, addresses, target, shard, batch))),
    ),
    querySum: folds.flatMap((fold, host) => querySumStatements(fold, size.step, ends[host].gamma)),
    queryMean: ends.map(({ mean }) => mean),
  };
}

function placeOf(host: number): FoldPlace {
  return { ...PLACE, host: address(0x1000 + host) };
}

interface RandomBatch {
  readonly receipts: readonly number[];
  readonly vectors: Int16Array;
  readonly salt: bigint;
  readonly commitment: bigint;
  readonly outputHashes: readonly string[];
  readonly fees: readonly bigint[];
}

function batchesOf(hasher: Hasher, instance: Instance, queries: readonly Int16Array[], secret: string): RandomBatch[] {
  const { queries: Q, columns: d } = instance;
  return Array.from({ length: Math.ceil(queries.length / Q) }, (_, b) => {
    const vectors = new Int16Array(Q * d);
    for (const [q, query] of queries.slice(b * Q, (b + 1) * Q).entries()) vectors.set(query, q * d);
    const salt = saltOf(secret, 'batch', b);
    const commitment = queryBatchCommitment(hasher, instance, INDEX_ID, salt, vectors);
    return { receipts: [], vectors, salt, commitment, outputHashes: [], fees: [] };
  });
}

/** The last statement of a host's fold, and the challenge that all of the fold's share. */
function endOf(
  hasher: Hasher,
  { instance }: EpochSize,
  fold: Fold,
  host: number,
  batches: readonly RandomBatch[],
  secret: string,
): { readonly gamma: bigint; readonly mean: Statement } {
  const { vectors, salt } = batches[Math.floor(host / instance.queries)];
  const batch: FoldedBatch = {
    instance,
    indexId: INDEX_ID,
    batchSalt: salt,
    queries: vectors,
    position: host % instance.queries,
    remainderSalt: saltOf(secret, 'remainder', host),
  };
  const ending = queryMeanStatement(hasher, fold, batch);
  const gamma = foldChallenge({
    ...placeOf(host),
    settlement: SETTLEMENT,
    sumCircuitId: CIRCUIT_ID,
    meanCircuitId: CIRCUIT_ID,
    accumulator: `0x${sha256("the bench's book")}`,
    queryBatchCommitment: ending.queryBatchCommitment,
    position: ending.position,
    remainderCommitment: ending.remainderCommitment,
  });
  return { gamma, mean: queryMeanStatementOf(ending, fold, batch, gamma) };
}

/** Slots of `samples` rows, the contributors' runs as above. */
export function slotsOf(samples: number): number {
  const owned = Math.ceil(samples / CONTRIBUTORS);
  const whole = Math.floor(samples / owned);
  return whole * Math.ceil(owned / SLOT_ROWS_MAX) + Math.ceil((samples - whole * owned) / SLOT_ROWS_MAX);
}
