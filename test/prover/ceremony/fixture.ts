/** A whole ceremony of a tiny circuit on the real phase-1 file of 2^11, held once for a test file. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../../src/foundation/index.js';
import { type KeySeal, scoreMatrixCircuit } from '../../../src/prover/index.js';
import { TINY } from '../support/statements.js';

export const CIRCUIT = scoreMatrixCircuit(TINY);
export const NOON = new Date('2031-05-23T12:00:00.000Z');
export const BEACON_VALUE = '5e'.repeat(32);
export const ANNOUNCEMENT = {
  source: 'the hash of the block 900000 of a chain',
  publicFrom: NOON,
  iterations: 10,
};
/** The steps compute for seconds, and others may be at work on the machine. */
export const PATIENCE = 900_000;

/** A clock that says so many minutes before noon, which is when the beacon is public; after it when negative. */
export function beforeNoon(minutes: number): () => Date {
  return () => new Date(NOON.getTime() - minutes * 60_000);
}

export const PHASE1 =
  process.env.MEED_DATASETS === undefined
    ? undefined
    : join(process.env.MEED_DATASETS, 'ptau', 'powersOfTau28_hez_final_11.ptau');

const made: string[] = [];

export async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-ceremony-test-'));
  made.push(folder);
  return folder;
}

/** A copy that a test may spoil. */
export async function copyOf(folder: string): Promise<string> {
  const copy = join(await temporary(), 'copy');
  await cp(folder, copy, { recursive: true });
  return copy;
}

export async function removeTemporary(): Promise<void> {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** Takes away what this machine noted when it verified a ceremony. */
export async function forgetVerified({ transcriptHash }: KeySeal): Promise<void> {
  await rm(join(cacheFolder(), 'ceremonies', `${transcriptHash}.json`), { force: true });
}
