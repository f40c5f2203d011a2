/**
 * The proving service: statements in, verified proofs out, in the order of the statements. What a store holds is verified
 * together and not proven again; what is missing is proven by processes of this machine, as many as the memory holds, or
 * wherever the caller says; each proof is verified before it is stored, and stored before the next is begun in its place.
 * Private signals are made a window at a time, so memory does not grow with the number of statements; nothing of a witness
 * is written to the disk by the embedded prover.
 * The trap: a proof from a worker, or from a folder, is a claim. Nothing leaves here unverified.
 */
import { rm } from 'node:fs/promises';
import { MeedError, type Progress, silent } from '../../foundation/index.js';
import { CancelledError, defaultMemory, formatBytes, type MapOptions, type Pool, runMap } from '../../work/index.js';
import { invalidProofs } from '../batchVerify.js';
import type { ProvingKey } from '../devkey/index.js';
import { type Groth16Proof, verify } from '../groth16.js';
import proveTask, { type ProveInput, type Proven } from '../prove.task.js';
import { verificationKeyHash } from '../verificationKey.js';
import type { ProverChoice } from './backend.js';
import { capacityWithin, proverBytes } from './capacity.js';
import { decimals, ProofStore } from './proofStore.js';
import { ProverPool } from './proverPool.js';
import { makeScratch } from './scratch.js';
import { type Statement, sentSignals } from './statement.js';

export interface ProvingOptions extends MapOptions {
  /** Number of provers, where the caller gives no pool; as many as there are cores, and as the memory holds, unless told. */
  readonly workers?: number;
  /** Bytes that the provers share, where the caller gives no pool; three quarters of the machine's unless told. */
  readonly memoryBytes?: number;
  /** What proves, where the caller gives no pool; the embedded prover unless told. */
  readonly prover?: ProverChoice;
}

export interface ProvenStatements {
  /** In the order of the statements. */
  readonly proofs: readonly Groth16Proof[];
  /** How many of them an earlier run had finished. */
  readonly found: number;
  /** Most memory that the provers of this machine had, all together; 0 where the caller gave the pool. */
  readonly proverBytes: number;
}

/** Statements whose private signals are in memory at once. */
const WINDOW = 256;
/** Stored proofs that are verified together. */
const TOGETHER = 64;

/**
 * Proves statements of one key.
 * @throws MeedError when an input does not satisfy the circuit, a prover fails, a proof does not verify or cannot be
 *   stored; CancelledError after the signal. What was finished before is kept in `store`
 */
export async function proveStatements(
  key: ProvingKey,
  statements: readonly Statement[],
  options: ProvingOptions = {},
): Promise<ProvenStatements> {
  const { unit = 'proofs', progress = silent, notice = () => {} } = options;
  const keyHash = verificationKeyHash(key.verificationKey);
  const store = options.store === undefined ? undefined : await ProofStore.open(options.store);
  const proofs = store ? await findProofs(key, keyHash, statements, store, notice) : new Map<number, Groth16Proof>();
  const found = proofs.size;
  progress(found, statements.length, unit);
  const missing = [...statements.keys()].filter((i) => !proofs.has(i));
  if (missing.length === 0) return { proofs: inOrder(proofs, statements.length), found, proverBytes: 0 };

  const scratch = await makeScratch(options.store);
  const own = options.where ? undefined : await ownProvers(key, missing.length, scratch, options);
  try {
    const where = options.where ?? own;
    // decided by the epoch alone: a job's name does not depend on who works
    const threads = statements.length === 1 ? 'all' : 'single';
    for (let first = 0; first < missing.length; first += WINDOW) {
      const window = missing.slice(first, first + WINDOW);
      const asked = new Map<unknown, number>();
      const inputs = window.map((i): ProveInput => {
        const input = proveInput(key, keyHash, statements[i], threads);
        asked.set(input, i);
        return input;
      });
      const accept = async (input: unknown, given: unknown): Promise<void> => {
        const i = asked.get(input);
        if (i === undefined) throw new Error('a pool answered a job that it was not given');
        const proof = await verified(key, statements[i], given, options);
        await store?.write(keyHash, proof);
        proofs.set(i, proof);
      };
      const before = found + first;
      const told: Progress = (done) => progress(before + done, statements.length, unit);
      await runMap(proveTask, inputs, {
        where: where && accepting(where, accept),
        progress: told,
        unit,
        signal: options.signal,
        notice,
      });
    }
    return { proofs: inOrder(proofs, statements.length), found, proverBytes: own?.peakBytes ?? 0 };
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError(
      `The work on ${unit} (${proofs.size} of ${statements.length} done)`,
      store ? 'Run the same command again; what is finished is kept' : undefined,
    );
  } finally {
    await own?.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function ownProvers(
  key: ProvingKey,
  statements: number,
  scratch: string,
  { workers, memoryBytes = defaultMemory(), prover, notice }: ProvingOptions,
): Promise<ProverPool> {
  const each = await proverBytes(key);
  const { provers, threads } = capacityWithin(memoryBytes, each, { statements, asked: workers });
  notice?.(
    `${provers} prover(s) with ${threads} core(s) each, ${formatBytes(each)} of memory each at most, of ${formatBytes(memoryBytes)}`,
  );
  return new ProverPool(provers, { keys: [key], prover, threads, scratch });
}

/** Verified proofs of an earlier run, by position. */
async function findProofs(
  key: ProvingKey,
  keyHash: string,
  statements: readonly Statement[],
  store: ProofStore,
  notice: (sentence: string) => void,
): Promise<Map<number, Groth16Proof>> {
  const good = new Map<number, Groth16Proof>();
  let damaged = 0;
  for (let first = 0; first < statements.length; first += TOGETHER) {
    const found: (readonly [number, Groth16Proof])[] = [];
    for (const [i, { publicSignals }] of statements.slice(first, first + TOGETHER).entries()) {
      const stored = await store.read(keyHash, publicSignals);
      if (stored.state === 'found') found.push([first + i, stored.proof]);
      if (stored.state === 'damaged') damaged++;
    }
    const invalid = await invalidProofs(
      key.verificationKey,
      found.map(([, proof]) => proof),
    );
    damaged += invalid.length;
    for (const [position, [i, proof]] of found.entries()) if (!invalid.includes(position)) good.set(i, proof);
  }
  if (good.size > 0) notice(`${good.size} of ${statements.length} proofs were found finished in ${store.folder}`);
  if (damaged > 0) notice(`${damaged} proofs in ${store.folder} are damaged and are made again`);
  return good;
}

function proveInput(
  { circuit }: ProvingKey,
  keyHash: string,
  statement: Statement,
  threads: ProveInput['threads'],
): ProveInput {
  const { template, parameters } = circuit.instance;
  return {
    template,
    parameters,
    circuitHash: circuit.circuitHash,
    keyHash,
    signals: sentSignals(statement.input()),
    threads,
  };
}

/** The same pool, whose every output is accepted, or refused, before the job counts as done. */
function accepting(where: Pool, accept: (input: unknown, output: unknown) => Promise<void>): Pool {
  return {
    name: where.name,
    slots: where.slots,
    async run(job, watch) {
      const output = await where.run(job, watch);
      await accept(job.input, output);
      return output;
    },
    close: () => where.close(),
  };
}

/** What a worker gave is no proof until it was looked at; anything malformed does not verify. */
async function verified(
  { verificationKey }: ProvingKey,
  { name, publicSignals }: Statement,
  given: unknown,
  { where, prover }: ProvingOptions,
): Promise<Groth16Proof> {
  const proven = typeof given === 'object' && given !== null ? (given as Partial<Record<keyof Proven, unknown>>) : {};
  const words = decimals(proven.words) ?? [];
  const stated = decimals(proven.publicSignals) ?? [];
  const own = stated.length === publicSignals.length && stated.every((signal, s) => signal === publicSignals[s]);
  if (own && (await verify(verificationKey, publicSignals, words))) return { words, publicSignals };
  const remedy = where
    ? 'Prove again with workers that you trust'
    : prover?.name === 'rapidsnark'
      ? `Check ${prover.path}, or prove with --prover embedded`
      : 'Delete the keys in the cache folder and prove again';
  throw new MeedError(`The proof of ${name} does not verify`, remedy);
}

function inOrder(proofs: ReadonlyMap<number, Groth16Proof>, count: number): Groth16Proof[] {
  return Array.from({ length: count }, (_, i) => {
    const proof = proofs.get(i);
    if (!proof) throw new Error(`statement ${i} has no proof`);
    return proof;
  });
}
