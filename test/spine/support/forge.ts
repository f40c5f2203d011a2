/**
 * What a forger does who knows the format: changes the data of one artefact, writes its manifest anew around them (file
 * sizes, hashes, id) and names the new id in every artefact that was made from it. No hash of a file and no lineage is
 * then wrong, so what an audit finds, its own derivations or the chain found.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtefactFile,
  type Column,
  type Manifest,
  matrix,
  numbers,
  readTable,
  strings,
  writeTable,
} from '../../../src/artefact/index.js';
import { FOLDERS } from '../../../src/chain/auditor/index.js';
import { type JsonObject, sha256File, sha256Json } from '../../../src/foundation/index.js';

export type StageName = keyof typeof FOLDERS;
const SPINE = Object.keys(FOLDERS) as StageName[];

/** Fields of a manifest that a forger chooses. */
export type Claim = Partial<Pick<Manifest, 'inputs' | 'parameters' | 'facts'>>;

/** Changes files of the artefact in `folder`, then its manifest: what `change` claims, and hashes and id recomputed. */
export async function forgeManifest(
  folder: string,
  change: (manifest: Manifest) => Promise<Claim | undefined>,
): Promise<{ before: string; after: string }> {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  const claim = await change(manifest);
  const files: ArtefactFile[] = [];
  for (const file of manifest.files) {
    const at = join(folder, file.path);
    files.push({ path: file.path, bytes: (await stat(at)).size, sha256: await sha256File(at) });
  }
  const { format, kind, inputs, parameters, facts } = { ...manifest, ...claim };
  const body = { format, kind, inputs, parameters, facts, files };
  const id = sha256Json({ ...body, files: files.map((file) => ({ ...file })) });
  await writeFile(path, `${JSON.stringify({ ...body, id }, null, 2)}\n`);
  return { before: manifest.id, after: id };
}

/** Forges one stage of a run and makes every later stage name the new ids. */
export async function forge(
  run: string,
  stage: StageName,
  change: (folder: string, manifest: Manifest) => Promise<Claim | undefined>,
): Promise<void> {
  const folder = join(run, FOLDERS[stage]);
  const { before, after } = await forgeManifest(folder, (manifest) => change(folder, manifest));
  await renameInputs(run, stage, new Map([[before, after]]));
}

/** After a stage was made anew: names its new id, and those that follow from it, in the later stages. */
export async function renameInputs(run: string, stage: StageName, renamed: Map<string, string>): Promise<void> {
  for (const later of SPINE.slice(SPINE.indexOf(stage) + 1)) {
    const { before, after } = await forgeManifest(join(run, FOLDERS[later]), async ({ inputs }) => ({
      inputs: Object.fromEntries(Object.entries(inputs).map(([role, id]) => [role, renamed.get(id) ?? id])),
    }));
    renamed.set(before, after);
  }
}

export async function manifestOf(run: string, stage: StageName): Promise<Manifest> {
  return JSON.parse(await readFile(join(run, FOLDERS[stage], 'manifest.json'), 'utf8')) as Manifest;
}

/** Facts or parameters with some replaced. */
export function claiming(object: JsonObject, changes: JsonObject): JsonObject {
  return { ...object, ...changes };
}

type NumberType =
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | Int8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor;

/** Every column type that Meed's tables have, told by name. */
export type Layout = Readonly<Record<string, 'text' | 'int64' | NumberType | readonly [NumberType]>>;

type Editable = Record<string, string[] | BigInt64Array | EditableNumbers | EditableMatrix>;
type EditableNumbers = InstanceType<NumberType>;
interface EditableMatrix {
  readonly values: EditableNumbers;
  readonly width: number;
}

/** An Arrow file, open for forging. */
export class ForgedTable {
  readonly #path: string;
  readonly #columns: Editable;

  private constructor(path: string, columns: Editable) {
    this.#path = path;
    this.#columns = columns;
  }

  static async open(path: string, layout: Layout): Promise<ForgedTable> {
    const table = await readTable(path);
    const columns: Editable = {};
    for (const [name, type] of Object.entries(layout)) {
      if (type === 'text') columns[name] = strings(table, name);
      else if (type === 'int64') columns[name] = numbers(table, name, BigInt64Array).slice();
      else if (typeof type === 'function') columns[name] = numbers<EditableNumbers>(table, name, type).slice();
      else columns[name] = matrix<EditableNumbers>(table, name, type[0]);
    }
    return new ForgedTable(path, columns);
  }

  text(name: string): string[] {
    const column = this.#columns[name];
    if (Array.isArray(column)) return column;
    throw new Error(`${name} is no text`);
  }

  int64(name: string): BigInt64Array {
    const column = this.#columns[name];
    if (column instanceof BigInt64Array) return column;
    throw new Error(`${name} is no int64`);
  }

  numbers(name: string): EditableNumbers {
    const column = this.#columns[name];
    if (ArrayBuffer.isView(column) && !(column instanceof BigInt64Array)) return column;
    throw new Error(`${name} holds no numbers`);
  }

  matrix(name: string): EditableMatrix {
    const column = this.#columns[name];
    if (!Array.isArray(column) && !ArrayBuffer.isView(column)) return column;
    throw new Error(`${name} is no matrix`);
  }

  /** @param order positions of the rows to keep, in their new order; rows may repeat */
  async write(order?: readonly number[]): Promise<void> {
    const columns: Record<string, Column> = {};
    for (const [name, column] of Object.entries(this.#columns)) {
      columns[name] = order === undefined ? column : gather(column, order);
    }
    await writeTable(this.#path, columns);
  }
}

function gather(column: Editable[string], order: readonly number[]): Column {
  if (Array.isArray(column)) return order.map((i) => column[i]);
  if (column instanceof BigInt64Array) return BigInt64Array.from(order, (i) => column[i]);
  if (ArrayBuffer.isView(column)) return gatherNumbers(column, order, 1);
  return { values: gatherNumbers(column.values, order, column.width), width: column.width };
}

function gatherNumbers(values: EditableNumbers, order: readonly number[], width: number): EditableNumbers {
  const gathered = values.slice(0, 0);
  const all = order.flatMap((i) => Array.from(values.subarray(i * width, (i + 1) * width)));
  const type = gathered.constructor as NumberType;
  return new type(all);
}

export const TABLES = {
  train: {
    id: 'text',
    contributor: 'text',
    contributorIndex: Int32Array,
    label: Int32Array,
    features: [Float32Array],
    rowHash: 'text',
  },
  contributors: { name: 'text', address: 'text', rows: Int32Array },
  states: { step: Int32Array, random: [Uint32Array], parameters: [Float32Array], velocity: [Float32Array] },
  calibration: { target: Int32Array, features: [Float32Array] },
  basis: { basis: [Float32Array] },
  columns: { singularValue: Float64Array, scale: Float64Array },
  sketches: { sketch: [Int8Array], rowCommitment: 'text', prefixCommitment: 'text', leaf: 'text' },
  slots: { start: Int32Array, end: Int32Array, contributor: Int32Array },
  receipts: {
    heldOutRow: Int32Array,
    predictedClass: Int32Array,
    confidence: Float64Array,
    initialLoss: Float64Array,
    trainedLoss: Float64Array,
    scoreSum: Float64Array,
    scoreMagnitude: Float64Array,
    norm: Float64Array,
    outputHash: 'text',
    fee: 'text',
    query: [Int16Array],
  },
  scores: { shard: Int32Array, batch: Int32Array, score: 'int64' },
} as const satisfies Readonly<Record<string, Layout>>;

/** Opens `<name>.arrow` of an artefact, changes it and writes it back. */
export async function editTable(
  folder: string,
  name: keyof typeof TABLES,
  edit: (table: ForgedTable) => readonly number[] | undefined,
): Promise<void> {
  const table = await ForgedTable.open(join(folder, `${name}.arrow`), TABLES[name]);
  await table.write(edit(table));
}

/** Changes a JSON file of an artefact. */
export async function editJson<T>(path: string, edit: (value: T) => T): Promise<void> {
  await writeFile(path, `${JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')) as T))}\n`);
}
