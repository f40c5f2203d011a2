/**
 * The process that makes proofs for a worker (see prove.task.ts): one request, one answer. It ends, and its prover with it,
 * when nobody is connected any more, so a worker that is killed leaves nothing behind: neither the prover nor the folder of
 * its witness, which is removed before the process ends.
 */
import { MeedError } from '../foundation/index.js';
import { CancelledError, type Failure, failureOf } from '../work/index.js';
import { compileCircuit } from './circuit.js';
import { developmentKey, type ProvingKey } from './devkey/index.js';
import { prove } from './groth16.js';
import type { ProveInput, Proven } from './prove.task.js';
import { type ScoreMatrixWitness, scoreMatrixInput } from './scoreMatrix.js';
import { scoreMatrixCircuit } from './templates.js';
import { verificationKeyHash } from './verificationKey.js';
import type { CircuitInput } from './witnessCalculator.js';

export type ProverRequest = { readonly prove: ProveInput } | 'cancel';
export type ProverAnswer = { readonly proven: Proven } | { readonly failure: Failure };

const keys = new Map<string, Promise<ProvingKey>>();
let stop = new AbortController();
let proving: Promise<unknown> = Promise.resolve();

process.on('message', (request: ProverRequest) => {
  if (request === 'cancel') stop.abort();
  else void answer(request.prove);
});
// an interrupt of the terminal is for the worker, which may want this proof finished
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
process.on('disconnect', () => {
  stop.abort();
  const leave = (): never => process.exit();
  proving.then(leave, leave);
});

async function answer(input: ProveInput): Promise<void> {
  stop = new AbortController();
  const say = (message: ProverAnswer): void => {
    if (process.connected) process.send?.(message);
  };
  try {
    const { words, publicSignals } = await proveWithOwnKey(input, stop.signal);
    say({ proven: { words: words.map(String), publicSignals: publicSignals.map(String) } });
  } catch (error) {
    say({ failure: failureOf(stop.signal.aborted ? new CancelledError('The proving') : error) });
  }
}

async function proveWithOwnKey(input: ProveInput, signal: AbortSignal) {
  const key = await ownKey(input);
  const own = verificationKeyHash(key.verificationKey);
  if (own !== input.keyHash) {
    throw new MeedError(
      `This worker's key of the circuit is ${short(own)}, a proof with ${short(input.keyHash)} is asked for`,
      'Prove on the machine that has the key: only development keys are the same everywhere',
    );
  }
  const proof = prove(key, circuitInput(input), { threads: input.threads, signal });
  proving = proof;
  return proof;
}

function ownKey({ instance, circuitHash }: ProveInput): Promise<ProvingKey> {
  const known = keys.get(circuitHash);
  if (known) return known;
  const made = compileCircuit(scoreMatrixCircuit(instance)).then((circuit) => {
    if (circuit.circuitHash === circuitHash) return developmentKey(circuit);
    throw new MeedError(
      `This worker compiles another circuit (${short(circuit.circuitHash)}) than the one asked for (${short(circuitHash)})`,
      'Install the same version of Meed on both sides',
    );
  });
  keys.set(circuitHash, made);
  made.catch(() => keys.delete(circuitHash));
  return made;
}

function circuitInput(input: ProveInput): CircuitInput {
  const statement = {
    shardCommitment: BigInt(input.shardCommitment),
    queryBatchCommitment: BigInt(input.queryBatchCommitment),
    scores: input.scores,
  };
  const values: ScoreMatrixWitness = {
    instance: input.instance,
    indexId: BigInt(input.indexId),
    slots: input.slots,
    queries: input.queries,
    slotSalts: input.slotSalts.map(BigInt),
    querySalts: input.querySalts.map(BigInt),
  };
  return scoreMatrixInput(statement, values, BigInt(input.rho));
}

function short(hash: string): string {
  return `${hash.slice(0, 16)}…`;
}
