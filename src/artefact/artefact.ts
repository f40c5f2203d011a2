/**
 * A content-addressed artefact: a folder with its data files and a `manifest.json` that names every file with its hash,
 * the artefacts it was made from, and the parameters. Its id is the hash of the manifest, so equal ids mean equal bytes.
 * The idea that makes resumption safe: a folder is filled under a `.partial-…` name and renamed when it is whole, and
 * reading checks every hash, so a half-written artefact is never taken for a finished one.
 * The trap: nothing that varies between two equal runs (times, paths, host names) may enter a manifest.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, win32 } from 'node:path';
import {
  explainFileError,
  type Json,
  type JsonObject,
  MeedError,
  sha256File,
  sha256Json,
  systemCode,
} from '../foundation/index.js';

export interface ArtefactFile {
  /** Relative to the artefact's folder, forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 'meed/1';
  readonly kind: string;
  /** SHA-256 of the canonical JSON of all other fields. */
  readonly id: string;
  /** Role → id of each artefact this one was made from. */
  readonly inputs: Readonly<Record<string, string>>;
  /** What the maker chose. */
  readonly parameters: JsonObject;
  /** What the stage found out and later stages read: small figures and hashes. */
  readonly facts: JsonObject;
  readonly files: readonly ArtefactFile[];
}

export interface Recipe {
  readonly kind: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly parameters: JsonObject;
}

export interface Artefact {
  readonly folder: string;
  readonly manifest: Manifest;
}

const MANIFEST = 'manifest.json';
/** Temporary folders are private; what is published may be read by everybody. */
const PUBLISHED_MODE = 0o755;

/**
 * Makes the artefact at `folder`: calls `fill` with an empty staging folder, hashes what it wrote, writes the manifest
 * and renames the whole into place, replacing what was there.
 * @throws MeedError when the folder cannot be written
 */
export async function writeArtefact(
  folder: string,
  recipe: Recipe,
  fill: (staging: string) => Promise<JsonObject>,
): Promise<Artefact> {
  const target = resolve(folder);
  const staging = await fileAccess(target, async () => {
    await makeFolder(dirname(target));
    await removeStale(target);
    return mkdtemp(`${target}.partial-`);
  });
  try {
    const facts = await fill(staging);
    const files = await hashFiles(staging);
    const manifest = withId({ format: 'meed/1', ...recipe, facts, files });
    await writeFile(join(staging, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(target, { recursive: true, force: true });
    await chmod(staging, PUBLISHED_MODE);
    await rename(staging, target);
    return { folder: target, manifest };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw explainFileError(error, target);
  }
}

/**
 * Opens an artefact and checks it whole: manifest id, and every file's hash (which decides its size).
 * @throws MeedError naming the first file that is missing or differs
 */
export async function readArtefact(folder: string, kind: string): Promise<Artefact> {
  const manifest = await readManifest(folder, kind);
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    const found = await fileAccess(path, () => sha256File(path));
    if (found !== file.sha256) {
      throw new MeedError(
        `${path} has SHA-256 ${found}, its manifest says ${file.sha256}`,
        `Delete ${folder} and run the stage again, or fetch an intact copy`,
      );
    }
  }
  return { folder: resolve(folder), manifest };
}

/** The manifest alone, of whatever kind: its id checked, its files not. */
export async function openManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  return parseManifest(await fileAccess(path, () => readFile(path, 'utf8')), path);
}

/** The same, of this kind. */
export async function readManifest(folder: string, kind: string): Promise<Manifest> {
  const manifest = await openManifest(folder);
  if (manifest.kind !== kind) {
    throw new MeedError(
      `${folder} holds a ${manifest.kind} artefact, a ${kind} was expected`,
      'Check which folder each option names',
    );
  }
  return manifest;
}

/**
 * The artefact at `folder` if it is whole and was made by exactly this recipe, else undefined. Staging folders that a
 * killed run left beside it are removed.
 */
export async function findCurrent(folder: string, recipe: Recipe): Promise<Artefact | undefined> {
  try {
    const artefact = await readArtefact(folder, recipe.kind);
    await fileAccess(folder, () => removeStale(artefact.folder));
    const { inputs, parameters } = artefact.manifest;
    return sha256Json({ inputs, parameters }) === sha256Json({ inputs: recipe.inputs, parameters: recipe.parameters })
      ? artefact
      : undefined;
  } catch (error) {
    if (error instanceof MeedError) return undefined;
    throw error;
  }
}

/** A fact of a manifest that must be a string (id, hash, address). */
export function factString(manifest: Manifest, key: string): string {
  return expectType(manifest, key, (value): value is string => typeof value === 'string');
}

/** A fact of a manifest that must be a number. */
export function factNumber(manifest: Manifest, key: string): number {
  return expectType(manifest, key, (value): value is number => typeof value === 'number');
}

function expectType<T extends Json>(manifest: Manifest, key: string, is: (value: Json | undefined) => value is T): T {
  const value: Json | undefined = manifest.facts[key];
  if (is(value)) return value;
  throw new MeedError(
    `The ${manifest.kind} manifest has no usable fact "${key}"`,
    'Make the artefact again with this version',
  );
}

function withId(body: Omit<Manifest, 'id'>): Manifest {
  return { ...body, id: manifestId(body) };
}

function manifestId({ format, kind, inputs, parameters, facts, files }: Omit<Manifest, 'id'>): string {
  return sha256Json({ format, kind, inputs, parameters, facts, files: files.map((file) => ({ ...file })) });
}

function parseManifest(text: string, path: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MeedError(`${path} is not JSON`, 'Delete the folder and run the stage again', { cause });
  }
  if (!isManifest(parsed)) {
    throw new MeedError(`${path} is not a Meed manifest`, 'Delete the folder and run the stage again');
  }
  for (const file of parsed.files) {
    if (leavesFolder(file.path)) {
      throw new MeedError(`${path} names the file ${file.path}, outside its folder`, 'Do not trust this artefact');
    }
  }
  const id = manifestId(parsed);
  if (id !== parsed.id) {
    throw new MeedError(
      `${path} claims the id ${parsed.id}, its content hashes to ${id}`,
      'Do not trust this artefact: fetch or make it again',
    );
  }
  return parsed;
}

/** By the rules of every system, as a manifest may come from any. */
function leavesFolder(path: string): boolean {
  return path.split(/[\\/]/).includes('..') || win32.isAbsolute(path) || /^[a-z]:/i.test(path);
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const m = value as Partial<Record<keyof Manifest, unknown>>;
  return (
    m.format === 'meed/1' &&
    typeof m.kind === 'string' &&
    typeof m.id === 'string' &&
    isObject(m.inputs) &&
    isObject(m.parameters) &&
    isObject(m.facts) &&
    Array.isArray(m.files) &&
    m.files.every(
      (f) => isObject(f) && typeof f.path === 'string' && typeof f.bytes === 'number' && typeof f.sha256 === 'string',
    )
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function hashFiles(folder: string): Promise<ArtefactFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Promise.all(
    paths.map(async (path) => ({
      path: path.slice(folder.length + 1).replaceAll('\\', '/'),
      bytes: (await stat(path)).size,
      sha256: await sha256File(path),
    })),
  );
}

/**
 * Makes a folder and those above it. Node's own recursive mkdir never returns where a folder exists but refuses new ones
 * by ENOENT, as below /proc.
 * @throws MeedError when that cannot be
 */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  if (existsSync(path) || above === path) return;
  await makeFolder(above);
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    if (systemCode(error) !== 'ENOENT') throw explainFileError(error, path);
    throw new MeedError(`${path} cannot be made: ${above} takes no folders`, 'Choose another folder with --out', {
      cause: error,
    });
  }
}

/** Removes staging folders that a killed run left beside the target. */
async function removeStale(target: string): Promise<void> {
  const prefix = `${basename(target)}.partial-`;
  const names = await readdir(dirname(target)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names.filter((n) => n.startsWith(prefix))) {
    await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

async function fileAccess<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw explainFileError(error, path);
  }
}
