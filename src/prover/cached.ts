/**
 * Folders in the cache that are made once: filled under a name of their own and renamed when whole, so that a reader
 * never sees half a folder and makers at the same time (threads, processes) do no harm; the first rename wins, and all
 * makers produce the same bytes. Within a process, callers at the same time share one making.
 * The trap: a folder must also be *checked* when it is found, since a disk can fill up or a file be cut short, so every
 * folder ends with a list of its files' hashes.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, explainFileError, sha256File, systemCode } from '../foundation/index.js';

const HASHES = 'hashes.json';
const making = new Map<string, Promise<string>>();

/**
 * @param name path below the cache folder; it must contain the hash of everything that the content depends on
 * @param fill writes the content into an empty staging folder
 * @returns the folder's path
 */
export function cachedFolder(name: string, fill: (staging: string) => Promise<void>): Promise<string> {
  const target = join(cacheFolder(), name);
  const running = making.get(target);
  if (running !== undefined) return running;
  const made = findOrMake(target, fill).finally(() => making.delete(target));
  making.set(target, made);
  return made;
}

async function findOrMake(target: string, fill: (staging: string) => Promise<void>): Promise<string> {
  if (await isWhole(target)) return target;
  let staging: string;
  try {
    await mkdir(dirname(target), { recursive: true });
    staging = await mkdtemp(`${target}.partial-`);
  } catch (error) {
    throw explainFileError(error, target);
  }
  try {
    await fill(staging);
    const hashes: Record<string, string> = {};
    for (const file of (await readdir(staging)).sort()) hashes[file] = await sha256File(join(staging, file));
    await writeFile(join(staging, HASHES), JSON.stringify(hashes));
    await moveInto(staging, target);
  } catch (error) {
    throw explainFileError(error, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return target;
}

async function moveInto(staging: string, target: string): Promise<void> {
  for (;;) {
    try {
      await rename(staging, target);
      return;
    } catch (error) {
      const code = systemCode(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    // Somebody else was first, or what lies there is damaged.
    if (await isWhole(target)) return;
    await rm(target, { recursive: true, force: true });
  }
}

async function isWhole(folder: string): Promise<boolean> {
  try {
    const hashes: unknown = JSON.parse(await readFile(join(folder, HASHES), 'utf8'));
    if (typeof hashes !== 'object' || hashes === null) return false;
    for (const [file, hash] of Object.entries(hashes)) {
      if ((await sha256File(join(folder, file))) !== hash) return false;
    }
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return false;
    throw error;
  }
}
