/**
 * Splits the fees of a batch, in one transaction where that is enough. A batch of more contributors is gone through shard by
 * shard and twice, in as many transactions as it takes: all are weighed, then each is paid. Anybody can go on where a
 * distribution broke off: what the contract keeps is a hash of the batch's last DistributionAdvanced event.
 * The trap: everything is given again in each call, exactly as it was posted and settled; the contract checks it against
 * hashes.
 */
import { ZeroAddress, ZeroHash } from 'ethers';
import { MeedError } from '../foundation/index.js';
import { packSums } from '../prover/reference/index.js';
import type { Sent } from './account.js';
import { type ChainClient, call, padReceipts, type Receipts, send, sendFor } from './client.js';
import { type DistributionProgress, progressOf, readEvents } from './events.js';
import { bytes32 } from './values.js';

/** The sums of one shard against a batch, as in its ShardSettled event. */
export interface ShardSums {
  readonly contributors: readonly string[];
  /** contributors × Q, row by row. */
  readonly sums: readonly bigint[];
}

export interface Distribution extends Receipts {
  readonly epoch: bigint;
  readonly batch: bigint;
  /** Every shard's, or the next ones of a part; in order. */
  readonly shards: readonly ShardSums[];
}

/** How far a distribution has come before its first part. */
export const NOTHING_DISTRIBUTED: DistributionProgress = {
  paying: false,
  shard: 0n,
  given: 0n,
  weights: [],
  account: ZeroAddress,
  sums: [],
};

/** What a contributor costs at most in a pass, by itself and for each receipt; a new one is paid into fresh storage. */
interface PassGas {
  readonly contributor: number;
  readonly receipt: number;
}
const WEIGHING: PassGas = { contributor: 1_500, receipt: 220 };
const PAYING: PassGas = { contributor: 25_500, receipt: 260 };
/** What a shard costs besides. */
const SHARD_GAS = 30_000;
/** The rest of what one transaction may use is for what every call costs. */
const PART_GAS = 15_000_000;

/** @returns every transaction that it took */
export async function distribute(client: ChainClient, distribution: Distribution): Promise<readonly Sent[]> {
  const { epoch, batch, shards } = distribution;
  const { queries } = client.deployment.instance;
  const kept = bytes32(await call(client, 'EpochSettlement', 'distributionHashOf', [epoch, batch]), 'distribution');
  let soFar = kept === ZeroHash ? NOTHING_DISTRIBUTED : await lastProgress(client, distribution);
  const whole = shards.reduce((sum, shard) => sum + gasOf(WEIGHING, shard, queries) + gasOf(PAYING, shard, queries), 0);
  if (kept === ZeroHash && whole <= PART_GAS) return [await distributeWhole(client, distribution)];
  const sent: Sent[] = [];
  for (;;) {
    const left = shards.slice(Number(soFar.shard));
    const part = { ...distribution, shards: fitting(left, soFar.paying ? PAYING : WEIGHING, queries) };
    if (soFar.paying && part.shards.length === left.length) {
      return [...sent, await distributeLastPart(client, part, soFar)];
    }
    const step = await distributePart(client, part, soFar);
    sent.push(step.sent);
    soFar = step.soFar;
  }
}

/** In one transaction. */
export function distributeWhole(client: ChainClient, distribution: Distribution): Promise<Sent> {
  const { epoch, batch, fees, outputHashes, shards } = calldataOf(client, distribution);
  return send(client, 'distribute', 'EpochSettlement', 'distribute', [epoch, batch, fees, outputHashes, shards]);
}

/** Goes on from `soFar` with the next shards; shards of the pass, or the next pass, must be left then. */
export async function distributePart(
  client: ChainClient,
  distribution: Distribution,
  soFar: DistributionProgress,
): Promise<{ readonly sent: Sent; readonly soFar: DistributionProgress }> {
  const { sent, value } = await sendFor(
    client,
    'distribute a part',
    'EpochSettlement',
    'distributePart',
    partArguments(client, distribution, soFar),
    'DistributionAdvanced',
    'soFar',
  );
  return { sent, soFar: progressOf(value) };
}

/** Pays the last shards, and everybody else. */
export function distributeLastPart(
  client: ChainClient,
  distribution: Distribution,
  soFar: DistributionProgress,
): Promise<Sent> {
  const args = partArguments(client, distribution, soFar);
  return send(client, 'distribute a part', 'EpochSettlement', 'distributePart', args);
}

function partArguments(
  client: ChainClient,
  distribution: Distribution,
  soFar: DistributionProgress,
): readonly unknown[] {
  const { epoch, batch, fees, outputHashes, shards } = calldataOf(client, distribution);
  return [epoch, batch, fees, outputHashes, soFar, shards];
}

function calldataOf(client: ChainClient, { epoch, batch, shards, ...receipts }: Distribution) {
  return {
    epoch,
    batch,
    ...padReceipts(receipts, client.deployment.instance.queries),
    shards: shards.map(({ contributors, sums }) => ({ contributors, packedSums: packSums(BigInt64Array.from(sums)) })),
  };
}

/** As many shards as fit one transaction; one at least. */
function fitting(shards: readonly ShardSums[], gas: PassGas, queries: number): readonly ShardSums[] {
  let used = 0;
  const end = shards.findIndex((shard, i) => {
    used += gasOf(gas, shard, queries);
    return used > PART_GAS && i > 0;
  });
  return end < 0 ? shards : shards.slice(0, end);
}

function gasOf({ contributor, receipt }: PassGas, { contributors }: ShardSums, queries: number): number {
  return SHARD_GAS + contributors.length * (contributor + receipt * queries);
}

async function lastProgress(client: ChainClient, { epoch, batch }: Distribution): Promise<DistributionProgress> {
  const { DistributionAdvanced } = await readEvents(client.account.provider, client.deployment);
  const last = DistributionAdvanced.findLast((event) => event.epoch === epoch && event.batch === batch);
  if (last !== undefined) return last.soFar;
  throw new MeedError(
    `The node does not show how far batch ${batch} of epoch ${epoch} is distributed`,
    'Use another node: this one leaves out logs',
  );
}
