/**
 * What opens the commitments on the chain, from a library of published artefacts: an index by its root, a batch by its
 * commitment. Nothing of an artefact is believed: shards and batches are committed to again, and only what the chain has
 * is used, so a wrong or hostile artefact is as good as none.
 */
import type { ArtefactLibrary } from '../../artefact/index.js';
import { readDataset, type StoredDataset } from '../../data/index.js';
import { MeedError } from '../../foundation/index.js';
import {
  type AttributionIndex,
  type Batch,
  type BatchHasher,
  cutBatches,
  indexShards,
  openBatchHasher,
  readIndex,
  readReceipts,
  type Shard,
} from '../../prover/index.js';

/** An index whose shards are those that were registered. */
export interface PublishedIndex {
  readonly index: AttributionIndex;
  readonly dataset: StoredDataset;
  readonly shards: readonly Shard[];
}

export interface RegisteredIndex {
  readonly indexRoot: bigint;
  readonly indexId: bigint;
  readonly shardCommitments: readonly bigint[];
}

/** Why something does not open; the sentence is told, and the artefact looked for again later. */
export class NotOpened extends Error {}

/** Receipts artefacts whose vectors are kept in memory. */
const RECEIPTS_KEPT = 16;

export class Openings {
  readonly #library: ArtefactLibrary;
  readonly #indexes = new Map<bigint, Promise<PublishedIndex>>();
  readonly #receipts = new Map<string, Promise<ReadonlyMap<bigint, Batch>>>();
  /** Which receipts artefact holds a batch, of all that were read. */
  readonly #places = new Map<bigint, string>();
  readonly #read = new Set<string>();
  /** One for all: each has a memory of its own, of which a process can hold some thousands. */
  #hasher: Promise<BatchHasher> | undefined;

  constructor(library: ArtefactLibrary) {
    this.#library = library;
  }

  /** Looks what was published since. */
  refresh(): Promise<void> {
    return this.#library.refresh();
  }

  /** @throws NotOpened when nothing that is published opens it */
  async index(registered: RegisteredIndex): Promise<PublishedIndex> {
    const known = this.#indexes.get(registered.indexRoot);
    if (known) return known;
    const opening = this.#open(registered);
    this.#indexes.set(registered.indexRoot, opening);
    try {
      return await opening;
    } catch (error) {
      this.#indexes.delete(registered.indexRoot);
      throw error;
    }
  }

  /** The batches with these commitments, in this order. @throws NotOpened when one is not published */
  async batches({ index }: PublishedIndex, commitments: readonly bigint[]): Promise<Batch[]> {
    const found: Batch[] = [];
    for (const [b, commitment] of commitments.entries()) {
      const batch = await this.#batch(index, commitment);
      if (!batch) throw new NotOpened(`no published receipts open its batch ${b}`);
      found.push(batch);
    }
    return found;
  }

  async close(): Promise<void> {
    await (await this.#hasher)?.close();
  }

  async #open({ indexRoot, indexId, shardCommitments }: RegisteredIndex): Promise<PublishedIndex> {
    const published = this.#library
      .ofKind('index')
      .filter(({ manifest: { facts } }) => facts.root === String(indexRoot) && facts.indexId === String(indexId));
    const problems: string[] = [];
    for (const { folder, manifest } of published) {
      const source = this.#library.byId(manifest.inputs.dataset);
      if (!source) {
        problems.push(`the data set ${manifest.inputs.dataset} of ${folder} is not published`);
        continue;
      }
      try {
        const index = await readIndex(folder);
        const shards = await indexShards(index);
        if (shards.map(({ commitment }) => commitment).join() === shardCommitments.join()) {
          return { index, dataset: await readDataset(source.folder), shards };
        }
        problems.push(`${folder} gives other shard commitments than were registered`);
      } catch (error) {
        if (!(error instanceof MeedError)) throw error;
        problems.push(error.message);
      }
    }
    throw new NotOpened(problems[0] ?? 'no published index opens its root');
  }

  async #batch(index: AttributionIndex, commitment: bigint): Promise<Batch | undefined> {
    const place = this.#places.get(commitment);
    if (place !== undefined) return (await this.#batchesOf(index, place)).get(commitment);
    const id = index.artefact.manifest.id;
    for (const { manifest } of this.#library.ofKind('receipts')) {
      if (manifest.inputs.index !== id || this.#read.has(manifest.id)) continue;
      const batch = (await this.#batchesOf(index, manifest.id)).get(commitment);
      if (batch) return batch;
    }
    return undefined;
  }

  async #batchesOf(index: AttributionIndex, id: string): Promise<ReadonlyMap<bigint, Batch>> {
    const known = this.#receipts.get(id);
    if (known) return known;
    const reading = this.#readBatches(index, id);
    this.#receipts.set(id, reading);
    const [oldest] = this.#receipts.keys();
    if (this.#receipts.size > RECEIPTS_KEPT && oldest !== undefined) this.#receipts.delete(oldest);
    const batches = await reading;
    for (const commitment of batches.keys()) this.#places.set(commitment, id);
    if (batches.size > 0) this.#read.add(id);
    return batches;
  }

  async #readBatches(index: AttributionIndex, id: string): Promise<ReadonlyMap<bigint, Batch>> {
    const published = this.#library.byId(id);
    if (!published) return new Map();
    try {
      const receipts = await readReceipts(published.folder);
      this.#hasher ??= openBatchHasher();
      const batches = await cutBatches(index.options.instance, index.indexId, receipts, await this.#hasher);
      return new Map(batches.map((batch) => [batch.commitment, batch]));
    } catch (error) {
      if (!(error instanceof MeedError)) throw error;
      return new Map(); // damaged, or still being written under its last name: as if it were not there
    }
  }
}
