/**
 * The process that makes proofs (service/proverClient.ts asks it): one request, one answer, each with the most memory that
 * the process has had. A key is opened once and kept for the statements that follow. It ends, and its prover with it, when
 * nobody is connected any more, so an owner that is killed leaves nothing behind: neither the prover nor the folder of a
 * witness, which is removed before the process ends.
 */
import { availableParallelism } from 'node:os';
import { MeedError } from '../foundation/index.js';
import { CancelledError, type Failure, failureOf } from '../work/index.js';
import { compileCircuit } from './circuit.js';
import { developmentKey, type ProvingKey } from './devkey/index.js';
import type { ProveInput, Proven } from './prove.task.js';
import { type Backend, openBackend, type ProverChoice } from './service/backend.js';
import { receivedSignals } from './service/statement.js';
import { verificationKeyHash } from './verificationKey.js';

/** What the owner decides about its provers, and no statement depends on. */
export interface ProverSettings {
  /** Keys to be used where a statement asks for them; a development key is made for any other. */
  readonly keys?: readonly ProvingKey[];
  /** The embedded one unless told. */
  readonly prover?: ProverChoice;
  /** Cores of one proof; the statement says unless told. */
  readonly threads?: number;
  /** Folder for files that last as long as one proof. */
  readonly scratch?: string;
}

export type ProverRequest = { readonly prove: ProveInput; readonly settings: ProverSettings } | 'cancel';
export type ProverAnswer = { readonly peakBytes: number } & (
  | { readonly proven: Proven }
  | { readonly failure: Failure }
);

const EMBEDDED: ProverChoice = { name: 'embedded' };

let opened: { readonly name: string; readonly backend: Backend } | undefined;
let stop = new AbortController();
let proving: Promise<unknown> = Promise.resolve();

process.on('message', (request: ProverRequest) => {
  if (request === 'cancel') stop.abort();
  else proving = answer(request.prove, request.settings);
});
// an interrupt of the terminal is for the owner, which may want this proof finished
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
process.on('disconnect', () => {
  stop.abort();
  const leave = (): never => process.exit();
  proving.then(leave, leave);
});

async function answer(input: ProveInput, settings: ProverSettings): Promise<void> {
  stop = new AbortController();
  const { signal } = stop;
  const say = (message: { readonly proven: Proven } | { readonly failure: Failure }): void => {
    if (process.connected) process.send?.({ ...message, peakBytes: process.resourceUsage().maxRSS * 1024 });
  };
  try {
    const backend = await backendFor(input, settings);
    signal.throwIfAborted();
    const { words, publicSignals } = await backend.prove(receivedSignals(input.signals), signal);
    say({ proven: { words: words.map(String), publicSignals: publicSignals.map(String) } });
  } catch (error) {
    say({ failure: failureOf(signal.aborted ? new CancelledError('The proving') : error) });
  }
}

/** One key is open at a time: a budget counts one for each process. */
async function backendFor(input: ProveInput, settings: ProverSettings): Promise<Backend> {
  const threads = settings.threads ?? (input.threads === 'single' ? 1 : availableParallelism());
  const { prover = EMBEDDED, scratch } = settings;
  const name = [input.circuitHash, input.keyHash, threads, JSON.stringify(prover), scratch].join(' ');
  if (opened?.name === name) return opened.backend;
  const before = opened?.backend;
  opened = undefined;
  await before?.dispose();
  const key = await keyFor(input, settings.keys ?? []);
  const backend = await openBackend(prover, key, { threads, scratch });
  opened = { name, backend };
  return backend;
}

async function keyFor(input: ProveInput, given: readonly ProvingKey[]): Promise<ProvingKey> {
  const known = given.find(({ verificationKey }) => verificationKeyHash(verificationKey) === input.keyHash);
  const key = known ?? (await ownKey(input));
  const own = verificationKeyHash(key.verificationKey);
  if (own !== input.keyHash) {
    throw new MeedError(
      `This worker's key of the circuit is ${short(own)}, a proof with ${short(input.keyHash)} is asked for`,
      'Prove on the machine that has the key: only development keys are the same everywhere',
    );
  }
  if (key.circuit.circuitHash === input.circuitHash) return key;
  throw new MeedError(
    `The key is for the circuit ${short(key.circuit.circuitHash)}, a proof of ${short(input.circuitHash)} is asked for`,
    'Prove with the key of that circuit',
  );
}

async function ownKey({ template, parameters, circuitHash }: ProveInput): Promise<ProvingKey> {
  const circuit = await compileCircuit({ template, parameters });
  if (circuit.circuitHash === circuitHash) return developmentKey(circuit);
  throw new MeedError(
    `This worker compiles another circuit (${short(circuit.circuitHash)}) than the one asked for (${short(circuitHash)})`,
    'Install the same version of Meed on both sides',
  );
}

function short(hash: string): string {
  return `${hash.slice(0, 16)}…`;
}
