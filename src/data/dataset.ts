/**
 * What a data set is to Meed: rows of numbers with a class and an owner. The idea: contributors are part of the data,
 * not a column beside it, because everything downstream (slots, commitments, pay) is cut along them; so the rows of one
 * contributor are consecutive and in the order of `contributors`. The trap: held-out rows belong to nobody. They
 * calibrate and are explained, they are never trained on and never paid.
 */
import type { Progress } from '../foundation/index.js';

/** A file that a data set is made from, at its public origin. */
export interface DatasetFile {
  /** Below the data folder, forward slashes: "mnist/t10k-labels-idx1-ubyte.gz". */
  readonly path: string;
  readonly url: string;
  /** Size and SHA-256 of the file as its origin serves it. */
  readonly bytes: number;
  readonly sha256: string;
  /** Size and SHA-256 of what a gzip file unpacks to: any gzip of the same content is then accepted. */
  readonly unpacked?: { readonly bytes: number; readonly sha256: string };
  /** How a person gets a file that no program may fetch from `url`: behind a sign-in, or made from what is there. */
  readonly byHand?: string;
}

/** Measured value = feature × deviation + mean, one of each a column. */
export interface FeatureScale {
  readonly means: readonly number[];
  readonly deviations: readonly number[];
}

export interface DatasetCard {
  readonly name: string;
  readonly title: string;
  readonly licence: string;
  /** Where it was first published, or 'made by the project'. */
  readonly origin: string;
  /** What a contributor is, in the words of the data: "hospital". */
  readonly contributorColumn: string;
  /** Label k means classes[k]. */
  readonly classes: readonly string[];
  /** Shape of one row, e.g. [16, 16] or [13]; its product is the width. */
  readonly featureShape: readonly number[];
  readonly featureNames?: readonly string[];
  /** What the columns were standardised by, so that a person can be shown the values as they were measured. */
  readonly featureScale?: FeatureScale;
  readonly files: readonly DatasetFile[];
  readonly description: string;
}

export interface Split {
  /** rows × width, row-major. */
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  readonly width: number;
  /**
   * What a person reads of each row, where it has a text. Shown, never computed with; the artefact's file hash binds it, the
   * row hash does not.
   */
  readonly texts?: readonly string[];
}

export interface TrainSplit extends Split {
  /** Index into the data set's contributors, one a row, never decreasing. */
  readonly contributors: Int32Array;
}

/** What we know a contributor does wrong: knowledge for judging scores, never an input of them. */
export const PLANTED = ['flipped', 'copied', 'noise', 'mislabelled'] as const;
export type Planted = (typeof PLANTED)[number];

export interface Contributor {
  readonly name: string;
  readonly planted?: Planted;
  readonly note?: string;
}

export interface Dataset {
  readonly card: DatasetCard;
  readonly contributors: readonly Contributor[];
  readonly train: TrainSplit;
  readonly heldOut: Split;
}

export interface LoadOptions {
  /** Decides every random choice: drawing, splitting, assigning. */
  readonly seed: number;
  /** A folder that holds the card's files; MEED_DATASETS when absent. */
  readonly folder?: string;
  readonly progress: Progress;
}

/** One file of `datasets/` exports one of these. */
export interface DatasetSource {
  readonly card: DatasetCard;
  load(options: LoadOptions): Promise<Dataset>;
}

/** How many training rows each contributor has, in the order of `contributors`. */
export function rowsPerContributor(dataset: Dataset): number[] {
  const counts = dataset.contributors.map(() => 0);
  for (const contributor of dataset.train.contributors) counts[contributor]++;
  return counts;
}
