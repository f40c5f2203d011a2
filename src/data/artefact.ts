/**
 * The data-set artefact: tables with the rows, their owners and their hashes, and the root that names them all. Reading
 * derives every row hash and the root again, so a folder whose manifest was rewritten around changed rows is refused too.
 * The trap: what we planted (who flips, who copies) must not reach a scorer, so those marks lie in `evaluation.json`,
 * which `readDataset` never opens; only a report asks for them, with `readEvaluation`.
 */
import { join } from 'node:path';
import {
  type Artefact,
  factString,
  matrix,
  numbers,
  type Recipe,
  readArtefact,
  readJson,
  readTable,
  strings,
  writeArtefact,
  writeJson,
  writeTable,
} from '../artefact/index.js';
import { type JsonObject, MeedError } from '../foundation/index.js';
import { checkAddresses } from './addresses.js';
import { cardToJson, parseCard } from './card.js';
import { type Contributor, type Dataset, type DatasetCard, PLANTED, rowsPerContributor } from './dataset.js';
import { rowHashes, rowTree } from './rows.js';
import { validateDataset } from './validate.js';

export const DATASET_KIND = 'dataset';

const TRAIN = 'train.arrow';
const HELD_OUT = 'heldout.arrow';
const CONTRIBUTORS = 'contributors.arrow';
/** The column of the rows' texts, where the data set has any. */
const TEXT = 'text';
const CARD = 'card.json';
const EVALUATION = 'evaluation.json';

const DISTRUST = 'Do not trust this artefact: fetch or make it again';

export interface DatasetChoices {
  readonly seed: number;
  /** One account a contributor, in their order: who is paid for their rows. */
  readonly payoutAddresses: readonly string[];
}

export interface StoredDataset {
  readonly artefact: Artefact;
  /** Without what was planted. */
  readonly dataset: Dataset;
  /** Payout accounts in the order of the contributors. */
  readonly addresses: readonly string[];
  /** The hash of every training row, the leaves of the root. */
  readonly rowHashes: readonly Uint8Array[];
}

/** What the artefact is made from: known before the data are loaded, so that a finished one can be found again. */
export function datasetRecipe(card: DatasetCard, { seed, payoutAddresses }: DatasetChoices): Recipe {
  return {
    kind: DATASET_KIND,
    inputs: {},
    parameters: {
      dataset: card.name,
      seed,
      payoutAddresses,
      files: card.files.map((file) => file.unpacked?.sha256 ?? file.sha256),
    },
  };
}

/** @throws MeedError when the data set or an address is not valid, or the folder cannot be written */
export async function writeDataset(folder: string, dataset: Dataset, choices: DatasetChoices): Promise<Artefact> {
  validateDataset(dataset);
  checkAddresses(dataset.contributors, choices.payoutAddresses);
  const { card, contributors, train, heldOut } = dataset;
  const hashes = rowHashes(dataset);
  return writeArtefact(folder, datasetRecipe(card, choices), async (staging) => {
    await writeTable(join(staging, TRAIN), {
      id: rowIds('row', train.rows),
      contributor: Array.from(train.contributors, (index) => contributors[index].name),
      contributorIndex: train.contributors,
      label: train.labels,
      features: { values: train.features, width: train.width },
      rowHash: hashes.map(hex),
      ...(train.texts && { [TEXT]: train.texts }),
    });
    await writeTable(join(staging, HELD_OUT), {
      id: rowIds('heldout', heldOut.rows),
      label: heldOut.labels,
      features: { values: heldOut.features, width: heldOut.width },
      ...(heldOut.texts && { [TEXT]: heldOut.texts }),
    });
    await writeTable(join(staging, CONTRIBUTORS), {
      name: contributors.map(({ name }) => name),
      address: [...choices.payoutAddresses],
      rows: Int32Array.from(rowsPerContributor(dataset)),
    });
    await writeJson(join(staging, CARD), cardToJson(card));
    await writeJson(join(staging, EVALUATION), evaluationToJson(contributors));
    return {
      name: card.name,
      root: rowTree(hashes).root,
      rows: train.rows,
      heldOutRows: heldOut.rows,
      width: train.width,
      classes: card.classes,
      contributors: contributors.length,
    };
  });
}

/**
 * Opens a data-set artefact and checks it whole: file hashes, the rules of `validateDataset`, each row hash, the root.
 * @throws MeedError naming the first thing that does not fit
 */
export async function readDataset(folder: string): Promise<StoredDataset> {
  const artefact = await readArtefact(folder, DATASET_KIND);
  checkListed(artefact, [TRAIN, HELD_OUT, CONTRIBUTORS, CARD]);
  const card = parseCard(await readJson(join(folder, CARD)), join(folder, CARD));
  const owners = await readTable(join(folder, CONTRIBUTORS));
  const rows = await readTable(join(folder, TRAIN));
  const outputs = await readTable(join(folder, HELD_OUT));
  const train = matrix(rows, 'features', Float32Array);
  const heldOut = matrix(outputs, 'features', Float32Array);
  const dataset: Dataset = {
    card,
    contributors: strings(owners, 'name').map((name) => ({ name })),
    train: {
      features: train.values,
      labels: numbers(rows, 'label', Int32Array),
      contributors: numbers(rows, 'contributorIndex', Int32Array),
      rows: rows.numRows,
      width: train.width,
      ...textsOf(rows),
    },
    heldOut: {
      features: heldOut.values,
      labels: numbers(outputs, 'label', Int32Array),
      rows: outputs.numRows,
      width: heldOut.width,
      ...textsOf(outputs),
    },
  };
  validateDataset(dataset);
  const addresses = strings(owners, 'address');
  checkAddresses(dataset.contributors, addresses);
  checkOwners(dataset, strings(rows, 'contributor'), join(folder, TRAIN));
  const hashes = rowHashes(dataset);
  checkHashes(hashes, strings(rows, 'rowHash'), join(folder, TRAIN));
  checkRoot(hashes, artefact);
  return { artefact, dataset, addresses, rowHashes: hashes };
}

/** What was planted in each contributor's rows, for reports that judge scores by it. No other stage may read it. */
export async function readEvaluation(folder: string): Promise<Contributor[]> {
  checkListed(await readArtefact(folder, DATASET_KIND), [EVALUATION]);
  const path = join(folder, EVALUATION);
  const parsed = await readJson(path);
  if (Array.isArray(parsed) && parsed.every(isContributor)) return parsed;
  throw new MeedError(`${path} is not a list of contributors`, 'Make the data set again with this version');
}

/** A file that the manifest does not list has not been checked by its hash. */
function checkListed({ folder, manifest }: Artefact, names: readonly string[]): void {
  const missing = names.find((name) => !manifest.files.some(({ path }) => path === name));
  if (missing !== undefined) {
    throw new MeedError(`The manifest of ${folder} does not list ${missing}`, DISTRUST);
  }
}

/** Names and indices say the same thing twice, for readers of the table alone: they must agree. */
function checkOwners({ contributors, train }: Dataset, names: readonly string[], path: string): void {
  const differs = names.findIndex((name, row) => name !== contributors[train.contributors[row]].name);
  if (differs >= 0) {
    throw new MeedError(
      `${path}, row ${differs}: names the contributor "${names[differs]}", its index means "${contributors[train.contributors[differs]].name}"`,
      DISTRUST,
    );
  }
}

function checkHashes(hashes: readonly Uint8Array[], stored: readonly string[], path: string): void {
  const differs = hashes.findIndex((hash, row) => hex(hash) !== stored[row]);
  if (differs >= 0) {
    throw new MeedError(
      `${path}, row ${differs}: the row hashes to ${hex(hashes[differs])}, its column says ${stored[differs]}`,
      DISTRUST,
    );
  }
}

function checkRoot(hashes: readonly Uint8Array[], { folder, manifest }: Artefact): void {
  const { root } = rowTree(hashes);
  const claimed = factString(manifest, 'root');
  if (root === claimed) return;
  throw new MeedError(`The rows of ${folder} have the root ${root}, its manifest says ${claimed}`, DISTRUST);
}

function textsOf(table: Awaited<ReturnType<typeof readTable>>): { readonly texts?: readonly string[] } {
  return table.schema.names.includes(TEXT) ? { texts: strings(table, TEXT) } : {};
}

function rowIds(prefix: string, rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => `${prefix}-${String(row).padStart(6, '0')}`);
}

function evaluationToJson(contributors: readonly Contributor[]): JsonObject[] {
  return contributors.map(({ name, planted, note }) => ({
    name,
    ...(planted !== undefined && { planted }),
    ...(note !== undefined && { note }),
  }));
}

function isContributor(value: unknown): value is Contributor {
  if (typeof value !== 'object' || value === null) return false;
  const { name, planted, note } = value as Partial<Record<keyof Contributor, unknown>>;
  return (
    typeof name === 'string' &&
    (planted === undefined || PLANTED.some((kind) => kind === planted)) &&
    (note === undefined || typeof note === 'string')
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
