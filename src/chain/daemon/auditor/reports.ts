/**
 * What an auditor found, one artefact a subject: what it looked at, by which evidence, and its verdict. The subject is
 * named with all that the chain says about it, so a reorganisation that puts another index in the place of one makes its
 * report one about something else, and it is looked at again.
 */
import { join } from 'node:path';
import { type Manifest, readManifest, writeArtefact } from '../../../artefact/index.js';
import { type JsonObject, MeedError, sha256Json } from '../../../foundation/index.js';

/** `opened`: everything agrees. `withheld`: nothing published opens it. Others: what to do about it. */
export const VERDICTS = ['opened', 'withheld', 'disputable', 'committee', 'differs'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Subject {
  /** The report's folder. */
  readonly name: string;
  /** As it is on the chain. */
  readonly content: JsonObject;
  /** Ids of the artefacts that were looked at. */
  readonly evidence: readonly string[];
}

export interface Report {
  readonly verdict: Verdict;
  /** What the verdict rests on, in JSON; a dispute or a committee is told its hash. */
  readonly grounds: JsonObject;
}

const KIND = 'audit-report';

export class Reports {
  readonly #folder: string;
  readonly #known = new Map<string, Manifest>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The report about exactly this, unless it was withheld and there is new evidence. */
  async find({ name, content, evidence }: Subject): Promise<Report | undefined> {
    const manifest = this.#known.get(name) ?? (await this.#read(name));
    if (manifest === undefined) return undefined;
    this.#known.set(name, manifest);
    const { verdict, grounds } = manifest.facts;
    const found = VERDICTS.find((one) => one === verdict);
    if (found === undefined || sha256Json(manifest.parameters) !== sha256Json(content)) return undefined;
    if (found === 'withheld' && sha256Json(manifest.inputs) !== sha256Json(inputsOf(evidence))) return undefined;
    return { verdict: found, grounds: isObject(grounds) ? grounds : {} };
  }

  async write({ name, content, evidence }: Subject, { verdict, grounds }: Report): Promise<void> {
    const recipe = { kind: KIND, inputs: inputsOf(evidence), parameters: content };
    const { manifest } = await writeArtefact(join(this.#folder, name), recipe, async () => ({ verdict, grounds }));
    this.#known.set(name, manifest);
  }

  async #read(name: string): Promise<Manifest | undefined> {
    try {
      return await readManifest(join(this.#folder, name), KIND);
    } catch (error) {
      if (error instanceof MeedError) return undefined; // none yet, or cut short: it is written again
      throw error;
    }
  }
}

function inputsOf(evidence: readonly string[]): Record<string, string> {
  return Object.fromEntries(evidence.toSorted().map((id, i) => [`evidence ${i}`, id]));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
