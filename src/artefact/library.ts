/**
 * Artefacts that lie anywhere below a folder, found by what they are: their kind and their id, never their path. Others
 * publish into it, so a folder is looked at again each time, and what is no whole artefact (one being copied, say) is
 * passed over until it is one.
 * The trap: a link may lead anywhere, or in circles; links are not followed.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, MeedError, systemCode } from '../foundation/index.js';
import { type Manifest, openManifest } from './artefact.js';

export interface Published {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What was found in a folder, by the folder. */
type Findings = Map<string, { readonly version: string; readonly published?: Published }>;

const MANIFEST = 'manifest.json';
/** Folders below the library's that are looked into. */
const DEEPEST = 8;

export class ArtefactLibrary {
  readonly folder: string;
  #known: Findings = new Map();
  #byId = new Map<string, Published>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Looks again. @throws MeedError when the folder cannot be read */
  async refresh(): Promise<void> {
    const known: Findings = new Map();
    await this.#look(this.folder, DEEPEST, known);
    this.#known = known;
    this.#byId = new Map();
    for (const { published } of known.values()) if (published) this.#byId.set(published.manifest.id, published);
  }

  byId(id: string): Published | undefined {
    return this.#byId.get(id);
  }

  ofKind(kind: string): Published[] {
    return [...this.#byId.values()].filter(({ manifest }) => manifest.kind === kind);
  }

  async #look(folder: string, deep: number, known: Findings): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT' && folder !== this.folder) return []; // gone since it was listed
      throw explainFileError(error, folder);
    });
    if (entries.some((entry) => entry.isFile() && entry.name === MANIFEST)) {
      known.set(folder, await this.#open(folder));
      return;
    }
    if (deep === 0) return;
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.includes('.partial-'))
        await this.#look(join(folder, entry.name), deep - 1, known);
    }
  }

  async #open(folder: string): Promise<{ readonly version: string; readonly published?: Published }> {
    try {
      const { mtimeMs, size, ino } = await stat(join(folder, MANIFEST));
      const version = `${mtimeMs} ${size} ${ino}`;
      const before = this.#known.get(folder);
      if (before?.version === version) return before;
      return { version, published: { folder, manifest: await openManifest(folder) } };
    } catch (error) {
      // half-written or not ours: as if it were not there, until it changes
      if (error instanceof MeedError || systemCode(error) === 'ENOENT') return { version: '' };
      throw error;
    }
  }
}
