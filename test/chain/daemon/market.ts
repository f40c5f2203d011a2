/**
 * A place where epochs happen, for the daemons: a node, the contracts with the development key of a small circuit, a real
 * model with its index registered, and a host who posts epoch after epoch and publishes what opens them. What every
 * account must be credited in the end is added up here by the integer reference, apart from everything that daemons do.
 */
import { spawnSync } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { factString } from '../../../src/artefact/index.js';
import { call } from '../../../src/chain/client.js';
import {
  Account,
  approveBonds,
  approveFees,
  type ChainClient,
  type ChainNode,
  closeEpoch,
  type Deployment,
  type DeployOptions,
  deploy,
  deploymentJson,
  developmentAddress,
  mintTokens,
  openClient,
  openEpoch,
  postBatch,
  publishDataset,
  registerIndex,
  registrationOf,
  startNode,
} from '../../../src/chain/index.js';
import { readDataset, type StoredDataset } from '../../../src/data/index.js';
import { cpuEngine } from '../../../src/engine/index.js';
import { packageRoot, Random } from '../../../src/foundation/index.js';
import { readModel } from '../../../src/models/index.js';
import {
  type AttributionIndex,
  type Batch,
  compileCircuit,
  cutBatches,
  developmentKey,
  indexShards,
  keyWords,
  makeReceipts,
  type ProvingKey,
  readIndex,
  type Shard,
  scoreMatrixCircuit,
} from '../../../src/prover/index.js';
import type { Instance } from '../../../src/prover/reference/index.js';
import { scoreMatrix, splitFee, splitPool, sumByContributor } from '../../../src/prover/reference/index.js';
import { csvLines, csvOptions } from '../../spine/support/rows.js';
import { deployOptions, POLICY, STAKERS, TREASURY } from '../world.js';

const HOST = 0;
const PAYER = 1;
const INSTANCE = { slots: 4, queries: 4, columns: 16 };
/** Receipts of the largest epoch: four batches, on two shards a part of eight places. */
const RECEIPTS_MAX = 16;
const WHOLE = 10n ** 18n;

export interface MarketEpoch {
  readonly epoch: bigint;
  readonly batches: number;
  readonly fees: bigint;
  /** Makes what opens it findable for the daemons; an epoch that is never published can only be refunded. */
  publish(): Promise<void>;
}

export interface Market {
  readonly node: ChainNode;
  readonly deployment: Deployment;
  readonly deploymentFile: string;
  /** The library that daemons watch. */
  readonly published: string;
  readonly key: ProvingKey;
  readonly host: ChainClient;
  readonly shards: number;
  /** Accounts of host and payer. */
  readonly hosts: ReadonlySet<string>;
  /** Epochs that were posted and are to be paid, paid or not. */
  readonly posted: readonly bigint[];
  /** Takes an epoch out of what is owed: its fees went back to their payer. */
  forgive(epoch: MarketEpoch): void;
  /** Epochs that were posted and are not paid to the last batch. */
  unpaid(): Promise<number>;
  /** Account → token units that it must be credited once every epoch that was posted is paid. */
  readonly owed: ReadonlyMap<string, bigint>;
  /** Opens, posts and closes an epoch of so many receipts. */
  newEpoch(receipts: number): Promise<MarketEpoch>;
  stop(): Promise<void>;
}

/** @param folder a fresh one. @param changes of the deployment. The command line must be built. */
export async function openMarket(folder: string, changes: Partial<DeployOptions> = {}): Promise<Market> {
  const published = join(folder, 'published');
  const run = join(published, 'run');
  makeRun(folder, run);
  const stored = await readDataset(join(run, 'dataset'));
  const trained = await readModel(join(run, 'model'));
  const index = await readIndex(join(run, 'index'));
  const shards = await indexShards(index);
  const engine = cpuEngine();
  const key = await developmentKey(await compileCircuit(scoreMatrixCircuit(INSTANCE)));
  const node = await startNode();
  const account = await Account.connect(node.url, node.chainId, { development: HOST });
  const words = keyWords(key.verificationKey);
  const options = { ...deployOptions(INSTANCE, { words }), ...changes };
  const { deployment } = await deploy(account, options);
  const deploymentFile = join(folder, 'deployment.json');
  await writeFile(deploymentFile, JSON.stringify(deploymentJson(deployment)));
  const host = await openClient(account, deployment);
  const payer = await openClient(await account.as({ development: PAYER }), deployment);
  const budget = 10n ** 6n * WHOLE;
  for (const client of [host, payer]) await mintTokens(host, client.account.address, budget);
  await approveBonds(host, budget);
  await approveFees(payer, budget);
  const registered = await register(host, stored, index);
  const owed = new Map<string, bigint>();
  const due = new Map<bigint, ReadonlyMap<string, bigint>>();
  const posted: bigint[] = [];
  let seed = 0;
  let waiting: MarketEpoch[] = [];
  return {
    node,
    deployment,
    deploymentFile,
    published,
    key,
    host,
    shards: shards.length,
    owed,
    posted,
    hosts: new Set([host.account.address, payer.account.address]),
    forgive: ({ epoch }) => {
      waiting = waiting.filter((one) => one.epoch !== epoch);
      posted.splice(posted.indexOf(epoch), 1);
      for (const [account, amount] of due.get(epoch) ?? []) owed.set(account, (owed.get(account) ?? 0n) - amount);
    },
    unpaid: async () => {
      const open: MarketEpoch[] = [];
      for (const one of waiting) if (!(await isPaid(host, one))) open.push(one);
      waiting = open;
      return open.length;
    },
    newEpoch: async (receipts) => {
      const name = `receipts-${seed++}`;
      const fees = feesOf(receipts, seed);
      const staging = join(folder, 'unpublished', name);
      const made = await makeReceipts(staging, engine, stored, trained, index, {
        count: receipts,
        fees: fees.map(String),
      });
      const batches = await cutBatches(INSTANCE, index.indexId, made);
      const { epoch } = await openEpoch(host, { index: registered, payers: [payer.account.address] });
      for (const { commitment, outputHashes, fees: paid } of batches) {
        await postBatch(payer, {
          epoch,
          commitment,
          outputHashes: outputHashes.map((hash) => `0x${hash}`),
          fees: paid,
        });
      }
      await closeEpoch(host, epoch);
      const amounts = dueOf(shards, batches, stored.addresses);
      due.set(epoch, amounts);
      for (const [account, amount] of amounts) owed.set(account, (owed.get(account) ?? 0n) + amount);
      const posting: MarketEpoch = {
        epoch,
        batches: batches.length,
        fees: fees.reduce((sum, fee) => sum + fee, 0n),
        publish: () => rename(staging, join(published, name)),
      };
      posted.push(epoch);
      waiting.push(posting);
      return posting;
    },
    stop: async () => {
      account.close();
      await node.stop();
    },
  };
}

async function isPaid(host: ChainClient, { epoch, batches }: MarketEpoch): Promise<boolean> {
  for (let batch = 0; batch < batches; batch++) {
    if ((await call(host, 'EpochSettlement', 'isPaidOut', [epoch, batch])) !== true) return false;
  }
  return true;
}

/** Five contributors, a slot or two each: data set, model and index by the command line. */
function makeRun(folder: string, run: string): void {
  const stages = {
    data: csvOptions(folder, 'rows.csv', csvLines({ contributors: 5, rows: 180 })),
    train: ['--epochs', '4'],
    index: ['--instance', shapeText(INSTANCE), '--receipts', String(RECEIPTS_MAX)],
  };
  for (const [stage, options] of Object.entries(stages)) {
    const command = [join(packageRoot, 'bin', 'meed.js'), stage, ...options, '--out', run];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`meed ${stage} failed:\n${stderr}`);
  }
}

function shapeText({ slots, queries, columns }: Instance): string {
  return `${slots},${queries},${columns}`;
}

async function register(host: ChainClient, stored: StoredDataset, index: AttributionIndex): Promise<string> {
  const { manifest } = stored.artefact;
  const { datasetId } = await publishDataset(host, {
    root: `0x${factString(manifest, 'root')}`,
    manifestHash: `0x${manifest.id}`,
    rows: stored.dataset.train.rows,
    licence: stored.dataset.card.licence,
    contributors: stored.addresses,
  });
  const registered = await registerIndex(host, registrationOf(index, stored, datasetId));
  return registered.index;
}

/** Fees of all sizes: a unit, odd numbers of units, whole tokens, and nothing at all. */
function feesOf(receipts: number, seed: number): bigint[] {
  const random = new Random(seed);
  const scales = [0n, 1n, 997n, 10n ** 9n + 7n, WHOLE];
  return Array.from({ length: receipts }, () => scales[random.below(scales.length)] * BigInt(1 + random.below(5)));
}

/** What each account must get of every receipt, by the reference. */
function dueOf(shards: readonly Shard[], batches: readonly Batch[], addresses: readonly string[]): Map<string, bigint> {
  const owed = new Map<string, bigint>();
  const add = (account: string, amount: bigint): void => {
    owed.set(account, (owed.get(account) ?? 0n) + amount);
  };
  const { queries } = INSTANCE;
  for (const { vectors, fees } of batches) {
    const totals = new BigInt64Array(addresses.length * queries);
    for (const shard of shards) {
      const scores = scoreMatrix(INSTANCE, shard.vectors, vectors);
      const sums = sumByContributor(scores, shard.owners, addresses.length, queries);
      for (const [i, sum] of sums.entries()) totals[i] += sum;
    }
    for (const [q, fee] of fees.entries()) {
      const parts = splitFee(fee, POLICY);
      const { shares, dust } = splitPool(
        parts.pool,
        addresses.map((_, c) => totals[c * queries + q]),
      );
      for (const [c, share] of shares.entries()) add(addresses[c], share);
      add(developmentAddress(HOST), parts.modelOwner);
      add(STAKERS, parts.stakers);
      add(TREASURY, parts.platform + dust);
    }
  }
  return owed;
}
