/**
 * What this machine has verified: a note in the cache for each finished ceremony whose key was derived from phase 1 and
 * its contributions again, here. A deployment to a real chain asks for the note of the exact key. Verifications of others
 * count for nothing: the notes never travel with a key.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, explainFileError, systemCode } from '../../foundation/index.js';
import type { KeySeal } from '../provingKey.js';

export async function noteVerified(seal: KeySeal): Promise<void> {
  const path = noteOf(seal);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.partial`, `${JSON.stringify(seal, null, 2)}\n`);
    await rename(`${path}.partial`, path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** The note for exactly this key, circuit and transcript, or undefined. */
export async function findVerified(seal: KeySeal): Promise<KeySeal | undefined> {
  const path = noteOf(seal);
  try {
    const note = JSON.parse(await readFile(path, 'utf8')) as Partial<KeySeal> | null;
    return note !== null && sameSeal(note, seal) ? seal : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw explainFileError(error, path);
  }
}

export function sameSeal(a: Partial<KeySeal>, b: KeySeal): boolean {
  return a.circuitHash === b.circuitHash && a.keyHash === b.keyHash && a.transcriptHash === b.transcriptHash;
}

function noteOf({ transcriptHash }: KeySeal): string {
  return join(cacheFolder(), 'ceremonies', `${transcriptHash}.json`);
}
