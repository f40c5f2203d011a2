/**
 * A chain of its own for a test file: a node, the contracts, and helpers that take an epoch up to any stage. Proofs are
 * forged with a key whose secrets the test knows, so a test can settle any scores it likes.
 */
import { getAddress, keccak256, toUtf8Bytes, ZeroAddress } from 'ethers';
import {
  Account,
  approveFees,
  type ChainClient,
  type ChainNode,
  closeEpoch,
  type Deployed,
  type DeployOptions,
  deploy,
  developmentAddress,
  distribute,
  finalizeEpoch,
  mintTokens,
  openClient,
  openEpoch,
  postBatch,
  publishDataset,
  registerIndex,
  type Sent,
  type SettleRequest,
  type ShardSums,
  settle,
  startNode,
} from '../../src/chain/index.js';
import { type CeremonyOrigin, keyWordsHash } from '../../src/prover/index.js';
import {
  challenge,
  contributorsHash,
  evaluateScores,
  type FeePolicy,
  type Instance,
  splitFee,
  splitPool,
  sumByContributor,
} from '../../src/prover/reference/index.js';
import { type ForgeableKey, forgeableKey, forgeProof } from './forge.js';

export const DEPLOYER = 0;
export const OWNER = 1;
export const PAYER = 2;
export const STRANGER = 3;
export const TREASURY = developmentAddress(8);
export const STAKERS = developmentAddress(9);
/** Development accounts 4 … 7, who can withdraw. */
export const CONTRIBUTORS = [4, 5, 6, 7].map(developmentAddress);
export const POLICY = { platformBps: 500, betaBps: 3000, gammaBps: 1000, deltaBps: 6000 };
export const REFUND_TIMEOUT = 1000;

export interface World {
  readonly node: ChainNode;
  readonly deployed: Deployed;
  readonly key: ForgeableKey;
  readonly instance: Instance;
  as(development: number): Promise<ChainClient>;
  /** Moves the chain's clock. */
  later(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function openWorld(
  instance: Instance,
  changes: Partial<DeployOptions> = {},
  chainId = 31337,
  network?: 'optimism',
): Promise<World> {
  const key = forgeableKey(chainId === 31337 ? 'development' : 'other');
  const node = await startNode({ chainId, network });
  const deployer = await Account.connect(node.url, chainId, { development: DEPLOYER });
  const options = { ...deployOptions(instance, key), ...changes };
  const deployed = await deploy(deployer, { ceremony: originOf(options.key), ...options });
  const clients = new Map<number, ChainClient>();
  return {
    node,
    deployed,
    key,
    instance,
    as: async (development) => {
      const found = clients.get(development);
      if (found) return found;
      const account = development === DEPLOYER ? deployer : await deployer.as({ development });
      const client = await openClient(account, deployed.deployment);
      clients.set(development, client);
      return client;
    },
    later: async (seconds) => {
      await deployer.provider.send('evm_increaseTime', [seconds]);
      await deployer.provider.send('evm_mine', []);
    },
    stop: async () => {
      deployer.close();
      await node.stop();
    },
  };
}

export function deployOptions(instance: Instance, key: Pick<ForgeableKey, 'words'>): DeployOptions {
  return {
    instance,
    key: key.words,
    policy: { ...POLICY, treasury: TREASURY, stakers: STAKERS },
    challengeWindow: 0,
    refundTimeout: REFUND_TIMEOUT,
    longestOpen: 10_000,
    tokenCap: 10n ** 27n,
  };
}

/** What is asked for on any chain but the development chain; the tests' own keys are of no ceremony. */
export function originOf(words: readonly bigint[]): CeremonyOrigin {
  const seal = { circuitHash: '1'.repeat(64), keyHash: keyWordsHash(words), transcriptHash: '2'.repeat(64) };
  return { seal, transcriptPath: 'ceremony.json', verified: seal };
}

/** So many accounts that nobody has the keys of. */
export const manyAccounts = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => getAddress(hashOf(`account ${i}`).slice(0, 42)));
/** The owner of each of so many slots, in one run each and as even as can be. */
export const runsOf = (slots: number, owners: readonly string[]): string[] =>
  Array.from({ length: slots }, (_, k) => owners[Math.floor((k * owners.length) / slots)]);

export const hashOf = (name: string): string => keccak256(toUtf8Bytes(name));
/** A field element with this name. */
export const elementOf = (name: string): bigint => BigInt(hashOf(name)) >> 8n;

let published = 0;

/** Publishes a data set that approves the contributors. */
export async function newDataset(world: World, rows: number, contributors: readonly string[]): Promise<string> {
  const name = `data set ${published++}`;
  const client = await world.as(OWNER);
  const { datasetId } = await publishDataset(client, {
    root: hashOf(name),
    manifestHash: hashOf(`${name} manifest`),
    rows,
    licence: 'CC-BY-4.0',
    contributors,
  });
  return datasetId;
}

/** A registration of one-row slots, one owner each; the slots of an owner are one run. */
export function registrationOf(world: World, datasetId: string, slotOwners: readonly string[]) {
  const shards = Math.ceil(slotOwners.length / world.instance.slots);
  return {
    datasetId,
    indexId: elementOf(`index of ${datasetId}`),
    modelId: hashOf('model'),
    encoderHash: hashOf('encoder'),
    indexRoot: elementOf('root'),
    rows: slotOwners.length,
    slots: slotOwners.map((contributor, k) => ({ end: k + 1, contributor })),
    shardCommitments: Array.from({ length: shards }, (_, shard) => elementOf(`${datasetId} shard ${shard}`)),
  };
}

export interface OpenIndex {
  readonly index: string;
  readonly shardCommitments: readonly bigint[];
  /** S addresses a shard. */
  readonly shardOwners: readonly (readonly string[])[];
}

export async function newIndex(world: World, slotOwners: readonly string[]): Promise<OpenIndex> {
  const datasetId = await newDataset(world, slotOwners.length, [...new Set(slotOwners)]);
  const registration = registrationOf(world, datasetId, slotOwners);
  const { index } = await registerIndex(await world.as(OWNER), registration);
  const S = world.instance.slots;
  const shardOwners = registration.shardCommitments.map((_, shard) =>
    Array.from({ length: S }, (_, k) => slotOwners[shard * S + k] ?? ZeroAddress),
  );
  return { index, shardCommitments: registration.shardCommitments, shardOwners };
}

export interface PostedBatch {
  readonly batch: bigint;
  readonly commitment: bigint;
  readonly outputHashes: readonly string[];
  readonly fees: readonly bigint[];
}

export interface OpenEpoch extends OpenIndex {
  readonly epoch: bigint;
  readonly batches: readonly PostedBatch[];
}

/** Opens an epoch, posts one batch for each list of fees. */
export async function newEpoch(
  world: World,
  index: OpenIndex,
  feesOfBatches: readonly (readonly bigint[])[],
): Promise<OpenEpoch> {
  const { epoch } = await openEpoch(await world.as(OWNER), { index: index.index, payers: [developmentAddress(PAYER)] });
  const payer = await world.as(PAYER);
  const total = feesOfBatches.flat().reduce((sum, fee) => sum + fee, 0n);
  if (total > 0n) {
    await mintTokens(await world.as(DEPLOYER), payer.account.address, total);
    await approveFees(payer, total);
  }
  const batches: PostedBatch[] = [];
  for (const [b, fees] of feesOfBatches.entries()) {
    const commitment = elementOf(`epoch ${epoch} batch ${b}`);
    const outputHashes = fees.map((_, q) => hashOf(`epoch ${epoch} batch ${b} output ${q}`));
    const { batch } = await postBatch(payer, { epoch, commitment, outputHashes, fees });
    batches.push({ batch, commitment, outputHashes, fees });
  }
  return { ...index, epoch, batches };
}

/** The whole request for a settlement, with a proof that holds. */
export function settlementOf(
  world: World,
  epoch: OpenEpoch,
  place: { readonly shard: number; readonly batch: number },
  scores: BigInt64Array,
): SettleRequest {
  const at = { epoch: epoch.epoch, shard: BigInt(place.shard), batch: BigInt(place.batch) };
  const slotContributors = epoch.shardOwners[place.shard];
  const signals = signalsOf(world, epoch, place, scores);
  return { ...at, scores, slotContributors, proof: forgeProof(world.key, signals) };
}

/** The public signals of a settlement, by the reference. */
export function signalsOf(
  world: World,
  epoch: OpenEpoch,
  { shard, batch }: { readonly shard: number; readonly batch: number },
  scores: BigInt64Array,
): bigint[] {
  const { deployment } = world.deployed;
  const shardCommitment = epoch.shardCommitments[shard];
  const queryBatchCommitment = epoch.batches[batch].commitment;
  const rho = challenge({
    chainId: BigInt(deployment.chainId),
    settlement: deployment.addresses.EpochSettlement,
    circuitId: deployment.circuitId,
    epoch: epoch.epoch,
    shard: BigInt(shard),
    batch: BigInt(batch),
    shardCommitment,
    queryBatchCommitment,
    contributorsHash: contributorsHash(epoch.shardOwners[shard]),
    scores,
  });
  return [shardCommitment, queryBatchCommitment, rho, evaluateScores(scores, rho)];
}

/** What the contract must record for a shard: distinct contributors by first slot, and their sums. */
export function sumsOf(world: World, slotOwners: readonly string[], scores: BigInt64Array): ShardSums {
  const contributors = [...new Set(slotOwners)].filter((owner) => owner !== ZeroAddress);
  const owners = slotOwners.map((owner) => contributors.indexOf(owner));
  return {
    contributors,
    sums: Array.from(sumByContributor(scores, owners, contributors.length, world.instance.queries)),
  };
}

/** Closes the epoch and settles every shard of every batch. */
export async function settleAll(
  world: World,
  epoch: OpenEpoch,
  scoresOf: (shard: number, batch: number) => BigInt64Array,
): Promise<void> {
  const owner = await world.as(OWNER);
  await closeEpoch(owner, epoch.epoch);
  for (const batch of epoch.batches.keys()) {
    for (const shard of epoch.shardOwners.keys()) {
      await settle(owner, settlementOf(world, epoch, { shard, batch }, scoresOf(shard, batch)));
    }
  }
}

/** A whole epoch from its close on: settled, made final, every batch distributed. */
export async function payEpoch(
  world: World,
  epoch: OpenEpoch,
  scoresOf: (shard: number, batch: number) => BigInt64Array,
): Promise<Sent[]> {
  const owner = await world.as(OWNER);
  await settleAll(world, epoch, scoresOf);
  await finalizeEpoch(owner, epoch.epoch);
  const distributed: Sent[] = [];
  for (const [b, { batch, outputHashes, fees }] of epoch.batches.entries()) {
    const shards = shardSums(world, epoch, (shard) => scoresOf(shard, b));
    distributed.push(...(await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards })));
  }
  return distributed;
}

/** Sums of all shards of one batch. */
export function shardSums(world: World, epoch: OpenEpoch, scoresOf: (shard: number) => BigInt64Array): ShardSums[] {
  return epoch.shardOwners.map((owners, shard) => sumsOf(world, owners, scoresOf(shard)));
}

/** Credits of a batch by the TypeScript reference, "role account" → amount, without zeros. */
export function expectedCredits(
  world: World,
  epoch: OpenEpoch,
  batch: number,
  scoresOf: (shard: number) => BigInt64Array,
  policy: FeePolicy = POLICY,
): Record<string, bigint> {
  const Q = world.instance.queries;
  const shards = shardSums(world, epoch, scoresOf);
  const contributors = [...new Set(shards.flatMap((shard) => shard.contributors))];
  const credits: Record<string, bigint> = {};
  const credit = (role: string, account: string, amount: bigint): void => {
    if (amount > 0n) credits[`${role} ${account}`] = (credits[`${role} ${account}`] ?? 0n) + amount;
  };
  for (const [q, fee] of epoch.batches[batch].fees.entries()) {
    const totals = contributors.map((contributor) =>
      shards.reduce((sum, shard) => {
        const at = shard.contributors.indexOf(contributor);
        return at < 0 ? sum : sum + shard.sums[at * Q + q];
      }, 0n),
    );
    const parts = splitFee(fee, policy);
    const { shares, dust } = splitPool(parts.pool, totals);
    for (const [c, share] of shares.entries()) credit('contributor', contributors[c], share);
    credit('modelOwner', developmentAddress(OWNER), parts.modelOwner);
    credit('stakers', STAKERS, parts.stakers);
    credit('treasury', TREASURY, parts.platform + dust);
  }
  return credits;
}

/** Small scores that differ everywhere and have both signs; zero at unused slots. */
export function someScores(world: World, epoch: OpenIndex, shard: number, seed: number): BigInt64Array {
  const Q = world.instance.queries;
  return BigInt64Array.from({ length: world.instance.slots * Q }, (_, i) => {
    if (epoch.shardOwners[shard][Math.floor(i / Q)] === ZeroAddress) return 0n;
    const value = (i * 7919 + seed * 104729 + shard * 31) % 2001;
    return BigInt(value - 800) * 1_000_003n;
  });
}

/** A changed copy. */
export function withScore(scores: BigInt64Array, at: number, value: bigint): BigInt64Array {
  const copy = BigInt64Array.from(scores);
  copy[at] = value;
  return copy;
}
