/**
 * An index and a settled, paid epoch whose commitments are real, from seeded random integers: what an auditor with the
 * openings derives again. Proofs alone are forged (`world.ts`), since their making is no auditor's work; they hold.
 */
import { getAddress } from 'ethers';
import {
  approveFees,
  closeEpoch,
  developmentAddress,
  distribute,
  finalizeEpoch,
  mintTokens,
  openEpoch,
  postBatch,
  readEvents,
  registerIndex,
  settleMany,
} from '../../src/chain/index.js';
import { Random, sha256 } from '../../src/foundation/index.js';
import { challengeInput, openBatches, slotAddresses } from '../../src/prover/index.js';
import { challenge, cutSlots, evaluateScores, scoreMatrix } from '../../src/prover/reference/index.js';
import { commitIndex, type IndexContent } from '../../src/prover/rowCommitments.js';
import { cheapProof } from '../verifier/support/bundle.js';
import { DEPLOYER, elementOf, hashOf, newDataset, OWNER, PAYER, type World } from './world.js';

export interface OpenedIntegers {
  readonly content: IndexContent;
  /** receipts × d */
  readonly queries: Int16Array;
  readonly batchSecret: string;
}

export interface OpenedEpoch extends OpenedIntegers {
  readonly index: string;
  readonly epoch: bigint;
}

export interface EpochSize {
  readonly contributors: number;
  /** Rows of each contributor. */
  readonly rowsEach: number;
  readonly receipts: number;
}

/** A settlement of so many places lies far below the gas of a transaction. */
const TOGETHER = 8;
const FEE = 1_000_003n;

/** Rows of int8 entries in range and unit-norm queries. */
export function randomIntegers(
  world: World,
  { contributors, rowsEach, receipts }: EpochSize,
  seed = 7,
): OpenedIntegers {
  const random = new Random(seed);
  const d = world.instance.columns;
  const count = contributors * rowsEach;
  const rows = Int8Array.from({ length: count * d }, () => random.below(255) - 127);
  const queries = new Int16Array(receipts * d);
  for (let q = 0; q < receipts; q++) {
    const direction = Float64Array.from({ length: d }, () => random.below(2001) - 1000);
    const norm = Math.hypot(...direction) || 1;
    for (let j = 0; j < d; j++) queries[q * d + j] = Math.round((direction[j] / norm) * 32767);
  }
  const content = {
    instance: world.instance,
    indexId: elementOf(`index ${seed}`),
    rows,
    slots: cutSlots(Int32Array.from({ length: count }, (_, i) => Math.floor(i / rowsEach))),
    rowHashes: Array.from({ length: count }, (_, i) => sha256(`row ${i}`)),
    addresses: Array.from({ length: contributors }, (_, c) =>
      getAddress(`0x${sha256(`contributor ${c}`).slice(0, 40)}`),
    ),
    secret: sha256(`secret ${seed}`),
  };
  return { content, queries, batchSecret: sha256(`batches ${seed}`) };
}

type Scores = (scores: BigInt64Array) => BigInt64Array;
const honestly: Scores = (scores) => scores;

/**
 * Registers the index and takes an epoch of its receipts as far as every credit.
 * @param settled what is settled in place of a place's scores; a forger's proof holds for anything
 */
export async function paidOpenedEpoch(
  world: World,
  integers: OpenedIntegers,
  settled: Scores = honestly,
): Promise<OpenedEpoch> {
  const index = await registerOpened(world, integers.content);
  const epoch = await payOpened(world, index, integers, settled);
  return { ...integers, index, epoch };
}

/** Registers what the rows commit to, in a world without bonds. */
export async function registerOpened(world: World, content: IndexContent): Promise<string> {
  const { root, shards } = await commitIndex(content);
  const datasetId = await newDataset(world, content.rowHashes.length, content.addresses);
  const owner = await world.as(OWNER);
  const { index } = await registerIndex(owner, {
    datasetId,
    indexId: content.indexId,
    modelId: hashOf('model'),
    encoderHash: hashOf('encoder'),
    indexRoot: root,
    rows: content.rowHashes.length,
    slots: content.slots.map(({ end, contributor }) => ({ end, contributor: content.addresses[contributor] })),
    shardCommitments: shards.map(({ commitment }) => commitment),
  });
  return index;
}

/** Opens an epoch, posts every batch, settles it by the scores of the integers, and credits everybody. */
async function payOpened(
  world: World,
  index: string,
  { content, queries, batchSecret }: OpenedIntegers,
  settled: Scores,
): Promise<bigint> {
  const { instance, indexId, addresses } = content;
  const { shards } = await commitIndex(content);
  const opened = await openBatches(instance, indexId, { queries, secret: batchSecret });
  const owner = await world.as(OWNER);
  const payer = await world.as(PAYER);
  const { epoch } = await openEpoch(owner, { index, payers: [developmentAddress(PAYER)] });
  const Q = instance.queries;
  const batches = opened.map((batch, b) => {
    const used = Math.min(Q, queries.length / instance.columns - b * Q);
    return {
      ...batch,
      receipts: [],
      fees: Array.from({ length: used }, (_, q) => FEE + BigInt(b * Q + q)),
      outputHashes: Array.from({ length: used }, (_, q) => hashOf(`output ${b * Q + q}`)),
    };
  });
  const total = batches.flatMap(({ fees }) => fees).reduce((sum, fee) => sum + fee, 0n);
  await mintTokens(await world.as(DEPLOYER), payer.account.address, total);
  await approveFees(payer, total);
  for (const { commitment, outputHashes, fees } of batches) {
    await postBatch(payer, { epoch, commitment, outputHashes, fees });
  }
  await closeEpoch(owner, epoch);
  const scores = shards.map(({ vectors }) =>
    batches.map((batch) => settled(scoreMatrix(instance, vectors, batch.vectors))),
  );
  const { chainId, circuitId, addresses: contracts } = world.deployed.deployment;
  const target = { chainId, settlement: contracts.EpochSettlement, circuitId, epoch };
  const proven = shards.flatMap((shard, s) =>
    batches.map((_, b) => {
      const place = challengeInput({ shards, batches, scores }, addresses, target, s, b);
      const rho = challenge(place);
      const signals = [place.shardCommitment, place.queryBatchCommitment, rho, evaluateScores(place.scores, rho)];
      return {
        shard: BigInt(s),
        batch: BigInt(b),
        scores: place.scores,
        slotContributors: slotAddresses(shard.owners, addresses),
        proof: cheapProof(world.key, signals),
      };
    }),
  );
  for (let first = 0; first < proven.length; first += TOGETHER) {
    await settleMany(owner, epoch, proven.slice(first, first + TOGETHER));
  }
  await finalizeEpoch(owner, epoch);
  const { ShardSettled } = await readEvents(owner.account.provider, world.deployed.deployment);
  for (const [b, { fees, outputHashes }] of batches.entries()) {
    const sums = ShardSettled.filter((event) => event.epoch === epoch && event.batch === BigInt(b)).toSorted((x, y) =>
      Number(x.shard - y.shard),
    );
    await distribute(owner, { epoch, batch: BigInt(b), fees, outputHashes, shards: sums });
  }
  return epoch;
}
