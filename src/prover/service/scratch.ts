/**
 * A folder for files that last as long as one proof. It lies beside the finished proofs where there is a store and bears the
 * id of its process, so that what a killed command left there is removed by the next one, and two commands on one store
 * leave each other's alone; private, since witnesses open commitments.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainFileError, systemCode } from '../../foundation/index.js';

const PRIVATE = 0o700;

/** @throws MeedError when it cannot be made */
export async function makeScratch(store: string | undefined): Promise<string> {
  const place = store ?? tmpdir();
  try {
    if (store === undefined) return await mkdtemp(join(place, 'meed-proof-'));
    await removeStale(store);
    const scratch = join(store, `scratch-${process.pid}`);
    await mkdir(scratch, { mode: PRIVATE, recursive: true });
    return scratch;
  } catch (error) {
    throw explainFileError(error, place);
  }
}

async function removeStale(store: string): Promise<void> {
  for (const name of await readdir(store)) {
    const [, id] = /^scratch-(\d+)$/.exec(name) ?? [];
    if (id !== undefined && !isRunning(Number(id))) await rm(join(store, name), { recursive: true, force: true });
  }
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's process
    return systemCode(error) !== 'ESRCH';
  }
}
