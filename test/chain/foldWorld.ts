/**
 * A chain whose epochs fold, with real proofs of the smallest circuits: hosts that post chained receipts, the batches that
 * hold their means, and the proofs of both. A test changes what it likes on the way.
 */

import {
  approveFees,
  closeEpoch,
  deployFolding,
  developmentAddress,
  type FoldingClient,
  type FoldingDeployment,
  type FoldTarget,
  finishFold,
  fold,
  foldGamma,
  mintTokens,
  openEpoch,
  openFolding,
  type ProvenBatches,
  type ProvenStep,
  postFolded,
  registerIndex,
} from '../../src/chain/index.js';
import { Random } from '../../src/foundation/index.js';
import {
  compileCircuit,
  developmentKey,
  type Fold,
  type FoldedBatch,
  type FoldStep,
  foldReceipts,
  keyWords,
  type ProvingKey,
  prove,
  type QueryMeanStatement,
  queryMeanStatement,
  scoreMatrixCircuit,
  scoreMatrixStatement,
} from '../../src/prover/index.js';
import {
  FEE_QUANTUM,
  type FoldedReceipt,
  firstLink,
  type Hasher,
  loadHasher,
} from '../../src/prover/reference/index.js';
import { queryMeanStatementOf, querySumStatements } from '../../src/prover/service/index.js';
import { randomField } from '../prover/support/statements.js';
import { CONTRIBUTORS, DEPLOYER, newDataset, OWNER, openWorld, registrationOf, type World } from './world.js';

export const INSTANCE = { slots: 2, queries: 2, columns: 4 };
/** n of QuerySum. */
export const STEP = 2;
/** Every entry of both slots, of either sign. */
const SLOTS = Int16Array.from([12_000, -7_000, 30, 4_000, -32_767, 32_767, 900, 1]);

export interface FoldWorld {
  readonly world: World;
  readonly folding: FoldingDeployment;
  readonly hasher: Hasher;
  readonly keys: Readonly<Record<'scoreMatrix' | 'querySum' | 'queryMean', ProvingKey>>;
  as(development: number): Promise<FoldingClient>;
}

export async function openFoldWorld(): Promise<FoldWorld> {
  const keyOf = async (template: string, parameters: readonly number[]): Promise<ProvingKey> =>
    developmentKey(await compileCircuit({ template, parameters }));
  const keys = {
    scoreMatrix: await developmentKey(await compileCircuit(scoreMatrixCircuit(INSTANCE))),
    querySum: await keyOf('QuerySum', [STEP, INSTANCE.columns]),
    queryMean: await keyOf('QueryMean', [INSTANCE.queries, INSTANCE.columns]),
  };
  const world = await openWorld(INSTANCE, { key: keyWords(keys.scoreMatrix.verificationKey) });
  const folding = await deployFolding((await world.as(DEPLOYER)).account, world.deployed.deployment, {
    querySum: keyWords(keys.querySum.verificationKey),
    queryMean: keyWords(keys.queryMean.verificationKey),
    receiptsPerStep: STEP,
  });
  const as = async (development: number): Promise<FoldingClient> =>
    openFolding((await world.as(development)).account, folding);
  return { world, folding, hasher: await loadHasher(), keys, as };
}

/** Receipts of random unit vectors. */
export function someReceipts(count: number, seed: number, feeOf = anyFee): FoldedReceipt[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({
    vector: unit(random),
    fee: feeOf(random),
    outputHash: randomField(random).toString(16).padStart(64, '0'),
    salt: randomField(random) >> 6n,
  }));
}

function anyFee(random: Random): number {
  return random.uint32() >>> 2;
}

function unit(random: Random): Int16Array {
  const direction = Array.from({ length: INSTANCE.columns }, () => random.below(2001) - 1000);
  const norm = Math.hypot(...direction);
  return Int16Array.from(direction, (x) => Math.round((x / norm) * 32767));
}

/** What one host posts: each list is a batch. */
export interface HostPlan {
  readonly development: number;
  readonly batches: readonly (readonly FoldedReceipt[])[];
}

export interface HostPosted {
  readonly address: string;
  readonly fold: Fold;
  readonly batches: readonly PostedOfHost[];
}

/** A batch as it was posted, and which receipts of its host's fold it holds. */
export interface PostedOfHost extends FoldStep {
  readonly commitment: bigint;
  readonly fees: readonly bigint[];
  readonly outputHashes: readonly string[];
}

export interface FoldedEpoch {
  readonly epoch: bigint;
  readonly index: string;
  readonly indexId: bigint;
  readonly shardCommitment: bigint;
  readonly hosts: readonly HostPosted[];
}

/** The slots of the one shard, for a statement about them. */
export function slotValues(indexId: bigint) {
  return { instance: INSTANCE, indexId, slots: SLOTS, slotSalts: [11n, 12n] };
}

/** Opens an epoch of a new index; host by host the first batches are posted, then the second ones, and so on. */
export async function postEpoch({ world, folding, hasher, as }: FoldWorld, plans: readonly HostPlan[]) {
  const owners = CONTRIBUTORS.slice(0, 2);
  const registration = registrationOf(world, await newDataset(world, 2, owners), owners);
  const { indexId } = registration;
  const queries = new Int16Array(INSTANCE.queries * INSTANCE.columns);
  const { shardCommitment } = scoreMatrixStatement(hasher, { ...slotValues(indexId), queries, batchSalt: 0n });
  const { chain: owner } = await as(OWNER);
  const { index } = await registerIndex(owner, { ...registration, shardCommitments: [shardCommitment] });
  const { epoch } = await openEpoch(owner, {
    index,
    payers: plans.map(({ development }) => developmentAddress(development)),
  });
  const hosts = plans.map(({ development, batches }): HostPosted => {
    const address = developmentAddress(development);
    const { chainId, addresses } = folding.deployment;
    const place = { chainId: BigInt(chainId), book: addresses.ReceiptBook, epoch, host: address };
    const folded = foldReceipts(hasher, firstLink(place), INSTANCE.columns, batches.flat());
    return { address, fold: folded, batches: cut(folded, batches) };
  });
  const deployer = await world.as(DEPLOYER);
  const rounds = Math.max(...plans.map(({ batches }) => batches.length));
  for (const [h, { fold: folded }] of hosts.entries()) {
    const client = await as(plans[h].development);
    const total = folded.weight * FEE_QUANTUM;
    await mintTokens(deployer, client.chain.account.address, total);
    await approveFees(client.chain, total);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [h, { batches }] of hosts.entries()) {
      if (round < batches.length) await postFolded(await as(plans[h].development), { epoch, ...batches[round] });
    }
  }
  return { epoch, index, indexId, shardCommitment, hosts };
}

export async function closedEpoch(world: FoldWorld, plans: readonly HostPlan[]): Promise<FoldedEpoch> {
  const posted = await postEpoch(world, plans);
  await closeEpoch((await world.as(OWNER)).chain, posted.epoch);
  return posted;
}

/** Batches of a fold, each committed to by the link after its last receipt. */
export function cut({ links }: Fold, batches: readonly (readonly FoldedReceipt[])[]): PostedOfHost[] {
  let end = 0;
  return batches.map((batch) => {
    const start = end;
    end += batch.length;
    return {
      start,
      end,
      commitment: links[end],
      fees: batch.map(({ fee }) => BigInt(fee) * FEE_QUANTUM),
      outputHashes: batch.map(({ outputHash }) => `0x${outputHash}`),
    };
  });
}

/** A batch that holds the means of hosts, in order, from position 0. */
export function batchOfHosts(
  { indexId }: Pick<FoldedEpoch, 'indexId'>,
  folds: readonly Pick<Fold, 'quotients'>[],
  salt: bigint,
) {
  const queries = new Int16Array(INSTANCE.queries * INSTANCE.columns);
  for (const [p, { quotients }] of folds.entries()) queries.set(quotients, p * INSTANCE.columns);
  return { instance: INSTANCE, indexId, batchSalt: salt, queries };
}

/** A host's fold at a place, its challenge, and whatever is proven of it there. */
export interface PlacedFold {
  readonly target: FoldTarget;
  readonly gamma: bigint;
  readonly host: HostPosted;
  readonly batch: FoldedBatch;
  readonly ending: QueryMeanStatement;
}

export async function placeFold(
  { hasher, as }: FoldWorld,
  { epoch }: Pick<FoldedEpoch, 'epoch'>,
  host: HostPosted,
  batch: FoldedBatch,
): Promise<PlacedFold> {
  const ending = queryMeanStatement(hasher, host.fold, batch);
  const { queryBatchCommitment, remainderCommitment } = ending;
  const target = { epoch, host: host.address, queryBatchCommitment, remainderCommitment };
  return { target, gamma: await foldGamma(await as(OWNER), target), host, batch, ending };
}

/** Batches [first, end) of a fold and their steps, proven; all of them unless told. */
export async function provenBatches(
  { keys }: FoldWorld,
  { gamma, host }: Pick<PlacedFold, 'gamma' | 'host'>,
  [first, end]: readonly [number, number] = [0, host.batches.length],
): Promise<ProvenBatches> {
  const batches = host.batches.slice(first, end);
  const part = { start: batches[0].start, end: batches[batches.length - 1].end };
  const steps: ProvenStep[] = [];
  for (const { publicSignals, input } of querySumStatements(host.fold, STEP, gamma, part)) {
    const { words } = await prove(keys.querySum, input());
    steps.push({ link: publicSignals[1], sumEvaluation: publicSignals[4], proof: words });
  }
  return { batches, steps };
}

export async function provenMean(
  { keys }: FoldWorld,
  { ending, host, batch, gamma }: Omit<PlacedFold, 'target'>,
): Promise<readonly bigint[]> {
  const statement = queryMeanStatementOf(ending, host.fold, batch, gamma);
  return (await prove(keys.queryMean, statement.input())).words;
}

/** Folds every host of the epoch, in batches of their order; what settles them. */
export async function foldAll(world: FoldWorld, epoch: FoldedEpoch, folder: FoldingClient) {
  const Q = INSTANCE.queries;
  const batches: ReturnType<typeof batchOfHosts>[] = [];
  for (let b = 0; b * Q < epoch.hosts.length; b++) {
    const hosts = epoch.hosts.slice(b * Q, (b + 1) * Q);
    const batch = batchOfHosts(
      epoch,
      hosts.map((host) => host.fold),
      100n + BigInt(b),
    );
    batches.push(batch);
    for (const [position, host] of hosts.entries()) {
      const placed = await placeFold(world, epoch, host, { ...batch, position, remainderSalt: 200n });
      await fold(folder, placed.target, await provenBatches(world, placed));
      await finishFold(folder, placed.target, await provenMean(world, placed));
    }
  }
  return batches;
}
