/**
 * Published artefacts that may open what is on the chain: found by the index root that they claim, read when they are
 * asked for. A claim is nothing yet; whoever uses one of them commits to everything again.
 */
import type { ArtefactLibrary, Published } from '../../../artefact/index.js';
import { readDataset } from '../../../data/index.js';
import { MeedError } from '../../../foundation/index.js';
import { type Instance, readIndex, readReceipts, readWords, WORDS_KIND } from '../../../prover/index.js';
import type { OpenedIntegers } from '../../auditor/epochAudit.js';
import type { IntegerOpening, WordOpening } from '../../auditor/indexFindings.js';
import type { RegisteredIndex } from '../../auditor/registered.js';

export class Evidence {
  readonly #library: ArtefactLibrary;
  readonly #instance: Instance;

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

  /** Of all receipts of the index that can be read. */
  async receipts(registered: Pick<RegisteredIndex, 'indexRoot'>): Promise<OpenedIntegers<Int16Array>[]> {
    const opened: OpenedIntegers<Int16Array>[] = [];
    for (const { folder } of this.#receipts(registered)) {
      try {
        const { queries, secret } = await readReceipts(folder);
        opened.push({ values: queries, secret });
      } catch (error) {
        // damaged, or still being written: as if it were not there, and its batches are told to be withheld
        if (!(error instanceof MeedError)) throw error;
      }
    }
    return opened;
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
