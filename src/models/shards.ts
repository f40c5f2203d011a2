/**
 * Weights that the hub stores in one `model.safetensors`, or in several files and `model.safetensors.index.json`, whose
 * `weight_map` says which file holds which tensor.
 * The trap: the index is a stranger's. A file that it names is believed only as a plain name beside the index, and is
 * judged after links are resolved; every tensor must lie in the file that is named for it, once, and nothing else may.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explainFileError, MeedError, messageOf, systemCode } from '../foundation/index.js';
import { readSafetensors, type StoredTensor } from './safetensors.js';

export interface StoredWeights {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Of all files together. */
  readonly bytes: number;
}

const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** A buffer of Node holds less. */
const FILE_LIMIT = 2 ** 31 - 1;
/** Fewer than 2³¹ weights of eight bytes at most. */
const TOTAL_LIMIT = 2 ** 34;
/** A name and a file for each tensor: a hundred thousand tensors fit. */
const INDEX_LIMIT = 2 ** 24;
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/;
const REMEDY = 'Get the folder again, whole, from where it was published';

/** @throws MeedError when neither form is there, or the files and their index do not agree */
export async function readStoredWeights(folder: string): Promise<StoredWeights> {
  const whole = await sizeIfThere(join(folder, WHOLE));
  // as transformers does where both are there
  if (whole !== undefined) {
    const bytes = await bounded(join(folder, WHOLE), FILE_LIMIT);
    return { tensors: readSafetensors(bytes), bytes: bytes.length };
  }
  if ((await sizeIfThere(join(folder, INDEX))) === undefined)
    throw new MeedError(`${folder} holds neither ${WHOLE} nor ${INDEX}`, 'Give the folder of a model with its weights');
  return readShards(folder, parseIndex(await bounded(join(folder, INDEX), INDEX_LIMIT)));
}

/** The file that holds each tensor. */
type WeightMap = ReadonlyMap<string, string>;

function parseIndex(bytes: Uint8Array): WeightMap {
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new MeedError(`${INDEX} is no JSON: ${messageOf(error)}`, REMEDY, { cause: error });
  }
  const map = isObject(index) ? index.weight_map : undefined;
  if (!isObject(map) || Object.keys(map).length === 0) throw new MeedError(`${INDEX} has no weight_map`, REMEDY);
  return new Map(
    Object.entries(map).map(([tensor, file]) => {
      if (typeof file === 'string' && PLAIN_NAME.test(file)) return [tensor, file];
      throw new MeedError(
        `${INDEX} says that the tensor "${tensor}" is in ${JSON.stringify(file)}, which is no name of a file beside it`,
        'Only load models whose files lie in one folder; do not trust this one',
      );
    }),
  );
}

async function readShards(folder: string, map: WeightMap): Promise<StoredWeights> {
  const files = [...new Set(map.values())].sort();
  let bytes = 0;
  for (const file of files) bytes += await shardSize(folder, file);
  if (bytes > TOTAL_LIMIT)
    throw new MeedError(`The files of ${folder} have ${bytes} bytes`, `Give at most ${TOTAL_LIMIT}`);
  const tensors = new Map<string, StoredTensor>();
  const holder = new Map<string, string>();
  for (const file of files) {
    for (const tensor of readSafetensors(await bounded(join(folder, file), FILE_LIMIT)).values()) {
      const other = holder.get(tensor.name);
      if (other !== undefined)
        throw new MeedError(`The tensor "${tensor.name}" is stored twice, in ${other} and in ${file}`, REMEDY);
      const meant = map.get(tensor.name);
      if (meant !== file) {
        throw new MeedError(
          `${file} holds the tensor "${tensor.name}", which ${INDEX} ${meant === undefined ? 'does not name' : `says is in ${meant}`}`,
          REMEDY,
        );
      }
      holder.set(tensor.name, file);
      tensors.set(tensor.name, tensor);
    }
  }
  const missing = [...map.keys()].find((name) => !tensors.has(name));
  if (missing !== undefined) {
    throw new MeedError(
      `${map.get(missing)} does not hold the tensor "${missing}" that ${INDEX} says is in it`,
      REMEDY,
    );
  }
  return { tensors, bytes };
}

async function shardSize(folder: string, file: string): Promise<number> {
  const path = join(folder, file);
  try {
    const found = await realpath(path);
    if (dirname(found) !== (await realpath(folder))) {
      throw new MeedError(
        `${path} is a link to ${found}, outside the folder`,
        'Copy the files themselves into one folder',
      );
    }
    return (await stat(found)).size;
  } catch (error) {
    throw explainFileError(error, path);
  }
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw explainFileError(error, path);
  }
}

/** @throws MeedError when the file cannot be read or is larger than `limit` bytes */
export async function bounded(path: string, limit: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > limit) throw new MeedError(`${path} has ${size} bytes`, `Give a file of at most ${limit}`);
    return await readFile(path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
