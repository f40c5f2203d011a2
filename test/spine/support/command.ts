/**
 * The built command line as a child process. Every child and all that it starts carry a mark of this test file in
 * their environment, so that processes left behind can be found without guessing by name.
 * The trap: two test files may start at once, so compiling happens under a lock; the second finds nothing to do.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { packageRoot, systemCode } from '../../../src/foundation/index.js';

const MARK = `MEED_SPINE_TEST=${randomUUID()}`;
const LOCK = join(tmpdir(), 'meed-spine-setup.lock');
const LOCK_STALE_MS = 180_000;
const LOCK_POLL_MS = 200;
const PIPES_MS = 300;

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Brings dist up to date with the sources, as `npm start` does. */
export async function buildCommand(): Promise<void> {
  await takeLock();
  try {
    const { status, stderr } = spawnSync(process.execPath, [join(packageRoot, 'scripts', 'setup.mjs')], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`scripts/setup.mjs failed:\n${stderr}`);
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

async function takeLock(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const { mtimeMs } = statSync(LOCK, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > LOCK_STALE_MS) rmSync(LOCK, { recursive: true, force: true });
    await sleep(LOCK_POLL_MS);
  }
}

/** Runs `meed …args` to its end. */
export function meed(...args: string[]): Promise<Finished> {
  return meedWatched(args, () => {});
}

/** The same, with a look at the process and its standard error while it runs. */
export function meedWatched(
  args: readonly string[],
  watch: (child: ChildProcess, stderr: string) => void,
): Promise<Finished> {
  const [name, value] = MARK.split('=');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'meed.js'), ...args], {
      env: { ...process.env, [name]: value },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      watch(child, stderr);
    });
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      const done = (): void => resolve({ status, signal, stdout, stderr });
      child.once('close', done);
      // what a killed process started may hold its pipes a little longer: that is for leftBehind to find
      if (signal !== null) setTimeout(done, PIPES_MS).unref();
    });
  });
}

/** Command lines of processes that this file's commands started and that still run. Linux only; elsewhere none. */
export function leftBehind(): string[] {
  if (process.platform !== 'linux') return [];
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      const marked = readFileSync(`/proc/${id}/environ`, 'utf8').split('\0').includes(MARK);
      return marked ? [readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)] : [];
    } catch (error) {
      // it ended while we looked, or belongs to somebody else
      if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return [];
      throw error;
    }
  });
}

/** Waits until nothing is left behind. @returns what still is after the time given */
export async function afterwards(milliseconds: number): Promise<string[]> {
  const end = Date.now() + milliseconds;
  while (leftBehind().length > 0 && Date.now() < end) await sleep(100);
  return leftBehind();
}

/** A folder that goes with the file's last test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'meed-spine-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
