/**
 * rapidsnark's executable as a prover: `prover circuit.zkey witness.wtns proof.json public.json`, exit status 0 when it
 * has proven (github.com/iden3/rapidsnark). It works on files, so a witness lies on the disk for as long as its proof
 * takes, readable by this user alone.
 * The traps: the executable is somebody else's, so what it writes is read as hostile text and verified like any worker's
 * proof; it may never end, so it has a time; and it is a child of a child, so it is killed before its folder goes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainFileError, MeedError, systemCode } from '../../foundation/index.js';
import type { ProvingKey } from '../devkey/index.js';
import type { Groth16Proof } from '../groth16.js';
import { WitnessGenerator } from '../witnessCalculator.js';
import type { Backend, BackendOptions, ProverChoice } from './backend.js';
import { decimals } from './proofStore.js';

/** As it is installed, and as it is built. */
const EXECUTABLES = ['rapidsnark', 'prover'];
const TIMEOUT_MS = 600_000;
const MOST_LETTERS = 300;
const LAST_WORDS_MS = 500;
/** A proof has eight numbers of 78 digits at most, a circuit a handful of public signals. */
const MOST_BYTES = 1 << 20;
const REMEDY = 'Check the executable that --rapidsnark names, or prove with --prover embedded';

/**
 * Path of rapidsnark's executable: the one named, or the first on the PATH.
 * @throws MeedError (used wrongly) when there is none, or it may not be executed
 */
export async function findRapidsnark(named?: string): Promise<string> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const places =
    named === undefined ? EXECUTABLES.flatMap((name) => folders.map((folder) => join(folder, name))) : [named];
  for (const place of places) if (await isExecutable(place)) return place;
  throw new MeedError(
    named === undefined
      ? `Neither ${EXECUTABLES.join(' nor ')} is on the PATH`
      : `${named} is no file that may be executed`,
    "Name rapidsnark's executable with --rapidsnark, or prove with --prover embedded",
    { exitCode: 2 },
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}

export async function openRapidsnark(
  { path, timeoutMs = TIMEOUT_MS }: Extract<ProverChoice, { name: 'rapidsnark' }>,
  key: ProvingKey,
  { threads, scratch = tmpdir() }: BackendOptions,
): Promise<Backend> {
  const generator = await WitnessGenerator.open(key.circuit.wasmPath);
  return {
    async prove(input, signal) {
      const witness = await generator.calculate(input);
      const folder = await mkdtemp(join(scratch, 'meed-proof-'));
      try {
        const [wtns, proof, publicSignals] = ['witness.wtns', 'proof.json', 'public.json'].map((file) =>
          join(folder, file),
        );
        await writeFile(wtns, witness, { mode: 0o600 });
        await execute(path, [key.zkeyPath, wtns, proof, publicSignals], { signal, threads, timeoutMs });
        return readProof(path, await readOutput(path, proof), await readOutput(path, publicSignals));
      } catch (error) {
        throw explainFileError(error, folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    dispose: async () => {},
  };
}

interface Execution {
  readonly signal: AbortSignal;
  readonly threads: number;
  readonly timeoutMs: number;
}

async function execute(path: string, files: readonly string[], given: Execution): Promise<void> {
  const { signal, threads, timeoutMs } = given;
  signal.throwIfAborted();
  const child = spawn(path, files, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    // an interrupt of the terminal goes to the whole group and would come before the signal
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < MOST_LETTERS) said += chunk.toString();
  });
  let late = false;
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, timeoutMs);
  signal.addEventListener('abort', kill);
  try {
    const [status, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (late) throw new MeedError(`${path} gave no proof within ${timeoutMs / 1000} s`, REMEDY);
    if (status === 0) return;
    // what it has started may hold its standard error open after it has ended
    if (!child.stderr.closed) await Promise.race([once(child.stderr, 'close'), sleep(LAST_WORDS_MS)]);
    throw new MeedError(
      `${path} failed with ${status === null ? killedBy : `status ${status}`}${firstLine(said)}`,
      REMEDY,
    );
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof MeedError || signal.aborted || code === undefined) throw error;
    throw new MeedError(`${path} cannot be started (${code})`, REMEDY, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
    child.stderr.destroy();
  }
}

/** What a stranger's program says may hold escape sequences for the terminal. */
function firstLine(said: string): string {
  const line = said
    .trim()
    .split('\n')[0]
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, MOST_LETTERS);
  return line === '' ? '' : `: ${line}`;
}

async function readOutput(path: string, file: string): Promise<unknown> {
  try {
    if ((await stat(file)).size > MOST_BYTES) throw unreadable(path);
    // some versions end the text with a zero byte
    return JSON.parse((await readFile(file, 'utf8')).replace(/\0+$/, ''));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) throw unreadable(path, error);
    throw error;
  }
}

function unreadable(path: string, cause?: unknown): MeedError {
  return new MeedError(`What ${path} wrote is no proof`, REMEDY, { cause });
}

/** snarkjs' JSON form: affine coordinates with a third of 1, G2's real part first. */
function readProof(path: string, proof: unknown, publicSignals: unknown): Groth16Proof {
  if (typeof proof !== 'object' || proof === null) throw unreadable(path);
  const { pi_a, pi_b, pi_c } = proof as Partial<Record<string, unknown>>;
  const a = point(pi_a);
  const b = Array.isArray(pi_b) && pi_b.length >= 2 ? [point(pi_b[0]), point(pi_b[1])] : [];
  const c = point(pi_c);
  const signals = decimals(publicSignals);
  if (!a || !b[0] || !b[1] || !c || !signals) throw unreadable(path);
  return { words: [a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]], publicSignals: signals };
}

function point(list: unknown): bigint[] | undefined {
  const coordinates = decimals(Array.isArray(list) ? list.slice(0, 2) : list);
  return coordinates?.length === 2 ? coordinates : undefined;
}
