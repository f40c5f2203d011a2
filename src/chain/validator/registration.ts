/**
 * The chain stage: deploys the contracts, publishes the data-set version, registers the index with its slots and shard
 * commitments, and posts the epoch's receipt batches with their fees. Afterwards everything that ρ is derived from is
 * fixed on chain, so proofs can be made.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artefact, factString, type Recipe, readArtefact, writeArtefact } from '../../artefact/index.js';
import type { StoredDataset } from '../../data/index.js';
import { type JsonObject, MeedError, type Progress, silent } from '../../foundation/index.js';
import {
  type AttributionIndex,
  type Epoch,
  keyWords,
  type ProvingKey,
  type SettlementTarget,
} from '../../prover/index.js';
import type { FeePolicy } from '../../prover/reference/index.js';
import type { Sent } from '../account.js';
import { developmentAddress } from '../account.js';
import { approveFees, closeEpoch, mintTokens, openClient, openEpoch, postBatch, publishDataset } from '../client.js';
import { type Deployment, deploy, deploymentJson, parseDeployment } from '../deploy.js';
import { registerIndex, registrationOf } from '../indexRegistration.js';
import { DEVELOPMENT_CHAIN_ID } from '../node.js';
import { type ChainLocation, fundDevelopment, ROLE_ACCOUNT, withSession } from './session.js';
import { type Transaction, writeTransactions } from './transactions.js';

/** 5% platform; of the rest 20% model owner, 10% stakers, 70% contributors. */
export const DEFAULT_POLICY: FeePolicy = { platformBps: 500, betaBps: 2000, gammaBps: 1000, deltaBps: 7000 };
const TOKEN_CAP = 10n ** 27n;
const DAY_SECONDS = 86_400;
/** The transcript of the ceremony that made the deployed key, beside the manifest that names it. */
export const CEREMONY_FILE = 'ceremony.json';

export interface Registration {
  readonly artefact: Artefact;
  readonly deployment: Deployment;
  /** On-chain id of the registered index, bytes32 hex. */
  readonly index: string;
  readonly datasetId: string;
  readonly epoch: bigint;
  readonly target: SettlementTarget;
}

export function registrationRecipe(
  epoch: Epoch,
  index: AttributionIndex,
  key: ProvingKey,
  location: ChainLocation,
): Recipe {
  return {
    kind: 'chain',
    inputs: { epoch: epoch.artefact.manifest.id, index: index.artefact.manifest.id },
    parameters: {
      chainId: location.chainId ?? DEVELOPMENT_CHAIN_ID,
      rpc: location.rpc ?? 'own node',
      policy: { ...DEFAULT_POLICY },
      circuitHash: key.circuit.circuitHash,
      ...(key.ceremony && { transcriptHash: key.ceremony.seal.transcriptHash }),
    },
  };
}

/** Of a deployment on a development chain; on another one the roles and the window differ. */
export const DEFAULT_DEPLOYMENT = {
  policy: {
    ...DEFAULT_POLICY,
    treasury: developmentAddress(ROLE_ACCOUNT.treasury),
    stakers: developmentAddress(ROLE_ACCOUNT.stakers),
  },
  challengeWindow: 0,
  refundTimeout: 7 * DAY_SECONDS,
  longestOpen: 7 * DAY_SECONDS,
  tokenCap: TOKEN_CAP,
};

export async function registerOnChain(
  folder: string,
  stored: StoredDataset,
  index: AttributionIndex,
  epoch: Epoch,
  key: ProvingKey,
  location: ChainLocation,
  progress: Progress = silent,
): Promise<Registration> {
  return withSession(location, async (session) => {
    const transactions: Transaction[] = [];
    const total = 7 + epoch.batches.length;
    const record = <T extends Sent>(what: string, sent: T): T => {
      transactions.push({ what, hash: sent.hash, gas: Number(sent.gasUsed) });
      progress(transactions.length, Math.max(total, transactions.length), what);
      return sent;
    };
    const host = await session.account('host');
    const payer = await session.account('payer');
    const development = session.chainId === DEVELOPMENT_CHAIN_ID;
    const roleAddress = (role: 'stakers' | 'treasury'): string =>
      development ? developmentAddress(ROLE_ACCOUNT[role]) : host.address;
    const { deployment, gas } = await deploy(host, {
      instance: index.options.instance,
      key: keyWords(key.verificationKey),
      ceremony: key.ceremony,
      ...DEFAULT_DEPLOYMENT,
      policy: { ...DEFAULT_POLICY, treasury: roleAddress('treasury'), stakers: roleAddress('stakers') },
      challengeWindow: development ? 0 : DAY_SECONDS,
    });
    for (const [name, used] of Object.entries(gas))
      transactions.push({ what: `deploy ${name}`, hash: '', gas: Number(used) });
    const hostClient = await openClient(host, deployment);
    const payerClient = await openClient(payer, deployment);
    const { manifest } = stored.artefact;
    const { datasetId } = record(
      'publish data set',
      await publishDataset(hostClient, {
        root: `0x${factString(manifest, 'root')}`,
        manifestHash: `0x${manifest.id}`,
        rows: stored.dataset.train.rows,
        licence: stored.dataset.card.licence,
        contributors: stored.addresses,
      }),
    );
    const { index: indexKey, sent: registered } = await registerIndex(
      hostClient,
      registrationOf(index, stored, datasetId),
    );
    for (const one of registered) record('register index', one);
    const fees = epoch.batches.flatMap((batch) => batch.fees).reduce((sum, fee) => sum + fee, 0n);
    if (development) record('mint tokens', await mintTokens(hostClient, payer.address, fees));
    record('approve fees', await approveFees(payerClient, fees));
    const opened = record('open epoch', await openEpoch(hostClient, { index: indexKey, payers: [payer.address] }));
    for (const [b, batch] of epoch.batches.entries()) {
      const outputHashes = batch.outputHashes.map((hash) => `0x${hash}`);
      const posted = await postBatch(payerClient, {
        epoch: opened.epoch,
        commitment: batch.commitment,
        outputHashes,
        fees: batch.fees,
      });
      record('post receipts', posted);
      if (posted.batch !== BigInt(b))
        throw new MeedError(`Batch ${b} was booked as ${posted.batch}`, 'Open a new epoch');
    }
    record('close epoch', await closeEpoch(hostClient, opened.epoch));
    await fundDevelopment(host, stored.addresses);
    const recipe = registrationRecipe(epoch, index, key, location);
    const facts: JsonObject = {
      deployment: deploymentJson(deployment),
      datasetId,
      index: indexKey,
      epoch: String(opened.epoch),
      policy: { ...DEFAULT_POLICY },
    };
    const artefact = await writeArtefact(folder, recipe, async (staging) => {
      await session.save(staging);
      if (key.ceremony) await copyFile(key.ceremony.transcriptPath, join(staging, CEREMONY_FILE));
      await writeTransactions(staging, transactions);
      return facts;
    });
    return stageOf(artefact);
  });
}

export async function readRegistration(folder: string): Promise<Registration> {
  return stageOf(await readArtefact(folder, 'chain'));
}

function stageOf(artefact: Artefact): Registration {
  const { manifest } = artefact;
  const deployment = parseDeployment(manifest.facts.deployment);
  const epoch = BigInt(factString(manifest, 'epoch'));
  return {
    artefact,
    deployment,
    index: factString(manifest, 'index'),
    datasetId: factString(manifest, 'datasetId'),
    epoch,
    target: {
      chainId: deployment.chainId,
      settlement: deployment.addresses.EpochSettlement,
      circuitId: deployment.circuitId,
      epoch,
    },
  };
}
