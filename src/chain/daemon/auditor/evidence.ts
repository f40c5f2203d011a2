/**
 * Published artefacts that may open what is on the chain: found by the index root that they claim, read when they are
 * asked for. A claim is nothing yet; whoever uses one of them commits to everything again.
 */
import type { ArtefactLibrary, Published } from '../../../artefact/index.js';
import { readDataset } from '../../../data/index.js';
import { MeedError } from '../../../foundation/index.js';
import {
  type BatchHasher,
  type Instance,
  openBatches,
  openBatchHasher,
  readIndex,
  readReceipts,
  readWords,
  WORDS_KIND,
} from '../../../prover/index.js';
import type { OpenedIntegers } from '../../auditor/epochAudit.js';
import type { IntegerOpening, WordOpening } from '../../auditor/indexFindings.js';
import type { RegisteredIndex } from '../../auditor/registered.js';

export class Evidence {
  readonly #library: ArtefactLibrary;
  readonly #instance: Instance;
  /** Of each receipts artefact, by its id and the index: the commitments of its batches. Artefacts never change. */
  readonly #commitments = new Map<string, readonly bigint[]>();
  /** One for all: each has a memory of its own, of which a process can hold some thousands. */
  #hasher: Promise<BatchHasher> | undefined;

  constructor(library: ArtefactLibrary, instance: Instance) {
    this.#library = library;
    this.#instance = instance;
  }

  /** Looks what was published since. */
  refresh(): Promise<void> {
    return this.#library.refresh();
  }

  /** Ids of the artefacts that claim to open the index, and of the data sets that they need. */
  ofIndex({ indexRoot }: Pick<RegisteredIndex, 'indexRoot'>): string[] {
    return this.#claims(indexRoot).flatMap(({ manifest }) => {
      if (manifest.kind === WORDS_KIND) return manifest.id;
      return this.#library.byId(manifest.inputs.dataset) ? [manifest.id, manifest.inputs.dataset] : manifest.id;
    });
  }

  /** Ids of the artefacts that may open batches of an epoch of the index. */
  ofReceipts(registered: Pick<RegisteredIndex, 'indexRoot'>): string[] {
    return this.#receipts(registered).map(({ manifest }) => manifest.id);
  }

  /**
   * What the artefacts hold, one after another.
   * @param refused is told why one cannot be used
   */
  async *openings(
    { indexRoot }: Pick<RegisteredIndex, 'indexRoot'>,
    refused: (problem: string) => void,
  ): AsyncGenerator<IntegerOpening | WordOpening> {
    for (const { folder, manifest } of this.#claims(indexRoot)) {
      try {
        yield manifest.kind === WORDS_KIND
          ? { kind: 'words', ...(await readWords(folder, this.#instance)) }
          : await this.#integers(folder, manifest.inputs.dataset);
      } catch (error) {
        if (!(error instanceof MeedError)) throw error;
        refused(error.message);
      }
    }
  }

  /** Receipts of the index among whose batches is one of these commitments. */
  async receipts(registered: RegisteredIndex, wanted: readonly bigint[]): Promise<OpenedIntegers<Int16Array>[]> {
    const opened: OpenedIntegers<Int16Array>[] = [];
    for (const published of this.#receipts(registered)) {
      try {
        const commitments = await this.#batchesOf(published, registered.indexId);
        if (!wanted.some((commitment) => commitments.includes(commitment))) continue;
        const { queries, secret } = await readReceipts(published.folder);
        opened.push({ values: queries, secret });
      } catch (error) {
        // damaged, or still being written: as if it were not there, and its batches are told to be withheld
        if (!(error instanceof MeedError)) throw error;
      }
    }
    return opened;
  }

  async close(): Promise<void> {
    await (await this.#hasher)?.close();
  }

  async #batchesOf({ folder, manifest }: Published, indexId: bigint): Promise<readonly bigint[]> {
    const key = `${manifest.id} ${indexId}`;
    const known = this.#commitments.get(key);
    if (known) return known;
    this.#hasher ??= openBatchHasher();
    const batches = await openBatches(this.#instance, indexId, await readReceipts(folder), await this.#hasher);
    const commitments = batches.map(({ commitment }) => commitment);
    this.#commitments.set(key, commitments);
    return commitments;
  }

  async #integers(folder: string, dataset: string): Promise<IntegerOpening> {
    const source = this.#library.byId(dataset);
    if (!source) throw new MeedError(`The data set ${dataset} of ${folder} is not published`, 'Ask for it');
    const { rows, secret, indexId } = await readIndex(folder);
    const { rowHashes } = await readDataset(source.folder);
    return {
      kind: 'integers',
      indexId,
      rows,
      secret,
      rowHashes: rowHashes.map((hash) => Buffer.from(hash).toString('hex')),
    };
  }

  #claims(root: bigint): Published[] {
    return [...this.#library.ofKind('index'), ...this.#library.ofKind(WORDS_KIND)].filter(
      ({ manifest }) => manifest.facts.root === String(root),
    );
  }

  #receipts({ indexRoot }: Pick<RegisteredIndex, 'indexRoot'>): Published[] {
    const indexes = new Set(this.#claims(indexRoot).map(({ manifest }) => manifest.id));
    return this.#library.ofKind('receipts').filter(({ manifest }) => indexes.has(manifest.inputs.index));
  }
}
