/**
 * What an audit reads: the published folders and the chain, each opened once and only when a check asks for it. Opening
 * verifies hashes and formats, so a damaged folder fails the first check that needs it and says so.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonRpcProvider } from 'ethers';
import { type Artefact, readArtefact } from '../../artefact/index.js';
import { readDataset, type StoredDataset } from '../../data/index.js';
import type { Engine } from '../../engine/index.js';
import { type Progress, Random } from '../../foundation/index.js';
import { readModel, type TrainedModel } from '../../models/index.js';
import {
  type AttributionIndex,
  type Epoch,
  type Proofs,
  type Receipts,
  readEpoch,
  readIndex,
  readProofs,
  readReceipts,
} from '../../prover/index.js';
import { type ChainEvents, readEvents } from '../events.js';
import { type Registration, readRegistration } from '../validator/index.js';

export interface Evidence {
  readonly engine: Engine;
  /** How many rows, receipts and training segments are drawn for the checks that sample. */
  readonly samples: number;
  readonly segments: number;
  readonly random: Random;
  readonly provider: JsonRpcProvider;
  readonly progress: Progress;
  dataset(): Promise<StoredDataset>;
  model(): Promise<TrainedModel>;
  index(): Promise<AttributionIndex>;
  receipts(): Promise<Receipts>;
  epoch(): Promise<Epoch>;
  proofs(): Promise<Proofs>;
  registration(): Promise<Registration>;
  /** Undefined while the stage has not been run. */
  settlement(): Promise<Artefact | undefined>;
  payout(): Promise<Artefact | undefined>;
  events(): Promise<ChainEvents>;
}

export interface AuditOptions {
  readonly samples: number;
  readonly segments: number;
  /** Decides what is drawn: a validator must not be able to foresee it. */
  readonly seed: number;
}

/** Names of the folders below an output folder. */
export const FOLDERS = {
  dataset: 'dataset',
  model: 'model',
  index: 'index',
  receipts: 'receipts',
  epoch: 'epoch',
  chain: 'chain',
  proofs: 'proofs',
  settlement: 'settlement',
  payout: 'payout',
} as const;

export function openEvidence(
  folder: string,
  engine: Engine,
  provider: JsonRpcProvider,
  options: AuditOptions,
  progress: Progress,
): Evidence {
  const at = (stage: keyof typeof FOLDERS): string => join(folder, FOLDERS[stage]);
  const dataset = once(() => readDataset(at('dataset')));
  const model = once(() => readModel(at('model')));
  const index = once(() => readIndex(at('index')));
  const receipts = once(() => readReceipts(at('receipts')));
  const epoch = once(async () => readEpoch(at('epoch'), await index(), await receipts()));
  const proofs = once(() => readProofs(at('proofs')));
  const registration = once(() => readRegistration(at('chain')));
  const settlement = once(() => readIfThere(at('settlement'), 'settlement'));
  const payout = once(() => readIfThere(at('payout'), 'payout'));
  const events = once(async () => readEvents(provider, (await registration()).deployment));
  return {
    engine,
    samples: options.samples,
    segments: options.segments,
    random: new Random(options.seed),
    provider,
    progress,
    dataset,
    model,
    index,
    receipts,
    epoch,
    proofs,
    registration,
    settlement,
    payout,
    events,
  };
}

async function readIfThere(folder: string, kind: string): Promise<Artefact | undefined> {
  return existsSync(folder) ? readArtefact(folder, kind) : undefined;
}

function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}
