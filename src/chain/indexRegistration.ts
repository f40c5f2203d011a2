/**
 * Registers an index, in as many transactions as it takes: the first opens the registration and pays the bond, each adds
 * whole shards, and the one whose slots reach the last row begins the window.
 * The trap: until then the index pays nothing and no epoch can be opened for it, so a registration that broke off is gone
 * on with (`finishIndex`) or given up (`abandonIndex`), which gives the bond back.
 */
import type { StoredDataset } from '../data/index.js';
import { MeedError } from '../foundation/index.js';
import type { AttributionIndex } from '../prover/index.js';
import type { Sent } from './account.js';
import { type ChainClient, call, send, sendFor } from './client.js';
import { bytes32, count } from './values.js';

export interface IndexRegistration extends IndexPart {
  readonly datasetId: string;
  /** Field element inside every commitment of the index. */
  readonly indexId: bigint;
  /** 0x hex, 32 bytes. */
  readonly modelId: string;
  readonly encoderHash: string;
  readonly indexRoot: bigint;
  readonly rows: number;
}

/** Slots with the shards that they fill. */
export interface IndexPart {
  /**
   * Slot k covers rows [end of slot k−1, end). Contributors come in the order in which the data set approved them, each in
   * one run of slots.
   */
  readonly slots: readonly { readonly end: number; readonly contributor: string }[];
  /** One for every `instance.slots` slots. */
  readonly shardCommitments: readonly bigint[];
}

/** What is registered of an index artefact. @param stored the data set that it was made from */
export function registrationOf(
  index: AttributionIndex,
  { dataset, addresses }: StoredDataset,
  datasetId: string,
): IndexRegistration {
  return {
    datasetId,
    indexId: index.indexId,
    modelId: `0x${index.artefact.manifest.inputs.model}`,
    encoderHash: `0x${index.encoderHash}`,
    indexRoot: index.root,
    rows: dataset.train.rows,
    slots: index.slots.map(({ end, contributor }) => ({ end, contributor: addresses[contributor] })),
    shardCommitments: index.shardCommitments,
  };
}

/** A shard of S slots costs at most 85,000 + 8,000·S; a part stays well below what one transaction may use. */
const PART_GAS = 13_000_000;
const SHARD_GAS = 85_000;
const SLOT_GAS = 8_000;

/** @returns the index, and every transaction that it took */
export async function registerIndex(
  client: ChainClient,
  registration: IndexRegistration,
): Promise<{ readonly index: string; readonly sent: readonly Sent[] }> {
  const tiled = registration.slots.at(-1)?.end ?? 0;
  if (tiled < registration.rows) {
    throw new MeedError(`The slots end at row ${tiled} of ${registration.rows}`, 'Cut the slots again with cutSlots');
  }
  const { slots, shardCommitments } = partOf(client, registration, 0);
  const opened = await openIndex(client, { ...registration, slots, shardCommitments });
  const rest = await goOn(client, opened.index, registration, shardCommitments.length);
  return { index: opened.index, sent: [opened, ...rest] };
}

/** Adds what is missing of a registration that broke off. */
export async function finishIndex(
  client: ChainClient,
  index: string,
  registration: IndexPart,
): Promise<readonly Sent[]> {
  const entry = await call(client, 'IndexRegistry', 'indexOf', [index]);
  const shards = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'shards') : undefined;
  return goOn(client, index, registration, count(shards, 'shards'));
}

/** Opens a registration with its first part; what it says of rows is of the whole index. */
export async function openIndex(
  client: ChainClient,
  registration: IndexRegistration,
): Promise<Sent & { readonly index: string }> {
  const tuple = { ...registration, slotsPerShard: client.deployment.instance.slots, slots: pairs(registration) };
  const args = [tuple];
  const { sent, value } = await sendFor(
    client,
    'register',
    'IndexRegistry',
    'register',
    args,
    'IndexRegistered',
    'index',
  );
  return { ...sent, index: bytes32(value, 'index') };
}

/** Adds the next part; only the index's owner may. */
export function addShards(client: ChainClient, index: string, part: IndexPart): Promise<Sent> {
  return send(client, 'add shards', 'IndexRegistry', 'addShards', [index, pairs(part), part.shardCommitments]);
}

/** Gives an unfinished registration up, and gets its bond back; only its owner may. */
export function abandonIndex(client: ChainClient, index: string): Promise<Sent> {
  return send(client, 'abandon', 'IndexRegistry', 'abandon', [index]);
}

async function goOn(client: ChainClient, index: string, whole: IndexPart, from: number): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  for (let first = from; first < whole.shardCommitments.length; ) {
    const part = partOf(client, whole, first);
    sent.push(await addShards(client, index, part));
    first += part.shardCommitments.length;
  }
  return sent;
}

/** As many shards as fit one transaction; one at least. */
function partOf(client: ChainClient, { slots, shardCommitments }: IndexPart, first: number): IndexPart {
  const S = client.deployment.instance.slots;
  const end = first + Math.max(1, Math.floor(PART_GAS / (SHARD_GAS + SLOT_GAS * S)));
  return { slots: slots.slice(first * S, end * S), shardCommitments: shardCommitments.slice(first, end) };
}

function pairs({ slots }: IndexPart) {
  return slots.map(({ end, contributor }) => ({ end, contributor }));
}
