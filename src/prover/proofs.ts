/**
 * The proofs of an epoch: one per (shard, batch), each bound by its challenge ρ to one settlement contract, chain, epoch
 * and place, and each verified before it is kept.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artefact, type Recipe, readArtefact, readJson, writeArtefact } from '../artefact/index.js';
import { MeedError, silent } from '../foundation/index.js';
import { type MapOptions, runMap } from '../work/index.js';
import type { AttributionIndex } from './attributionIndex.js';
import type { ProvingKey } from './devkey/index.js';
import type { Epoch } from './epoch.js';
import { type Groth16Proof, proveAll, verify } from './groth16.js';
import proveTask, { type ProveInput, type Proven } from './prove.task.js';
import { type ChallengeInput, challenge, contributorsHash } from './reference/index.js';
import { type ScoreMatrixWitness, scoreMatrixInput } from './scoreMatrix.js';
import { keyWords, verificationKeyHash } from './verificationKey.js';

/** Where proofs are to be settled. */
export interface SettlementTarget {
  readonly chainId: number;
  /** Address of the settlement contract. */
  readonly settlement: string;
  /** bytes32 hex */
  readonly circuitId: string;
  readonly epoch: bigint;
}

export interface ShardProof {
  readonly shard: number;
  readonly batch: number;
  readonly rho: bigint;
  readonly evaluation: bigint;
  /** Eight words in the EVM's order. */
  readonly words: readonly bigint[];
}

export interface Proofs {
  readonly artefact: Artefact;
  readonly proofs: readonly ShardProof[];
}

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`;
const PROOFS = 'proofs.json';

export function proofsRecipe(epoch: Epoch, key: ProvingKey, target: SettlementTarget): Recipe {
  return {
    kind: 'proofs',
    inputs: { epoch: epoch.artefact.manifest.id },
    parameters: {
      chainId: target.chainId,
      settlement: target.settlement,
      circuitId: target.circuitId,
      epoch: String(target.epoch),
      circuitHash: key.circuit.circuitHash,
    },
  };
}

/** Payout address of each slot of a shard, the zero address at unused slots. */
export function slotAddresses(owners: readonly number[], addresses: readonly string[]): string[] {
  return owners.map((owner) => (owner < 0 ? ZERO_ADDRESS : addresses[owner]));
}

/** What ρ of one (shard, batch) is derived from. */
export function challengeInput(
  epoch: Pick<Epoch, 'shards' | 'batches' | 'scores'>,
  addresses: readonly string[],
  target: SettlementTarget,
  shard: number,
  batch: number,
): ChallengeInput {
  return {
    chainId: BigInt(target.chainId),
    settlement: target.settlement,
    circuitId: target.circuitId,
    epoch: target.epoch,
    shard: BigInt(shard),
    batch: BigInt(batch),
    shardCommitment: epoch.shards[shard].commitment,
    queryBatchCommitment: epoch.batches[batch].commitment,
    contributorsHash: contributorsHash(slotAddresses(epoch.shards[shard].owners, addresses)),
    scores: epoch.scores[shard][batch],
  };
}

/**
 * Proves on this machine's cores, or where `work` says; every proof is verified here, wherever it was made.
 * @returns the proofs and the seconds that they took together
 */
export async function proveEpoch(
  folder: string,
  index: AttributionIndex,
  epoch: Epoch,
  key: ProvingKey,
  addresses: readonly string[],
  target: SettlementTarget,
  work: MapOptions = {},
): Promise<Proofs & { readonly seconds: number }> {
  const begun = performance.now();
  const places = [...epoch.shards.keys()].flatMap((shard) =>
    [...epoch.batches.keys()].map((batch) => ({ shard, batch })),
  );
  const statements = places.map(({ shard, batch }): Statement => {
    const place = challengeInput(epoch, addresses, target, shard, batch);
    return {
      place,
      values: {
        instance: index.options.instance,
        indexId: index.indexId,
        slots: epoch.shards[shard].vectors,
        slotSalts: epoch.shards[shard].salts,
        queries: epoch.batches[batch].vectors,
        querySalts: epoch.batches[batch].salts,
      },
      rho: challenge(place),
    };
  });
  const proven = await (work.where === undefined ? proveHere : proveThere)(key, statements, work);
  const proofs: ShardProof[] = [];
  for (const [i, { shard, batch }] of places.entries()) {
    const { words, publicSignals } = proven[i];
    const { place, values, rho } = statements[i];
    const stated = scoreMatrixInput(place, values, rho);
    const expected = [stated.shardCommitment, stated.queryBatchCommitment, stated.rho, stated.evaluation];
    const own = publicSignals.length === expected.length && expected.every((signal, s) => signal === publicSignals[s]);
    if (!own || !(await verify(key.verificationKey, publicSignals, words))) {
      throw new MeedError(
        `The proof of shard ${shard}, batch ${batch} does not verify`,
        work.store === undefined
          ? 'Delete the keys in the cache folder and prove again'
          : `Delete ${work.store}, which keeps what the workers gave, and prove again with workers that you trust`,
      );
    }
    proofs.push({ shard, batch, rho: publicSignals[2], evaluation: publicSignals[3], words });
  }
  const seconds = (performance.now() - begun) / 1000;
  const artefact = await writeArtefact(folder, proofsRecipe(epoch, key, target), async (staging) => {
    await writeFile(
      join(staging, PROOFS),
      `${JSON.stringify(
        proofs.map((proof) => ({
          shard: proof.shard,
          batch: proof.batch,
          rho: String(proof.rho),
          evaluation: String(proof.evaluation),
          words: proof.words.map(String),
        })),
        null,
        1,
      )}\n`,
    );
    await writeFile(join(staging, 'verification_key.json'), JSON.stringify(key.verificationKey, null, 1));
    return {
      proofs: proofs.length,
      constraints: key.circuit.constraints,
      forgeable: key.forgeable,
      keyWords: keyWords(key.verificationKey).map(String),
    };
  });
  return { artefact, proofs, seconds };
}

interface Statement {
  readonly place: ChallengeInput;
  readonly values: ScoreMatrixWitness;
  readonly rho: bigint;
}

/** As many provers as there are cores, each with one thread. */
async function proveHere(
  key: ProvingKey,
  statements: readonly Statement[],
  { progress = silent }: MapOptions,
): Promise<Groth16Proof[]> {
  const inputs = statements.map(({ place, values, rho }) => scoreMatrixInput(place, values, rho));
  progress(0, inputs.length, 'proofs');
  return proveAll(key, inputs, (finished) => progress(finished, inputs.length, 'proofs'));
}

async function proveThere(
  key: ProvingKey,
  statements: readonly Statement[],
  work: MapOptions,
): Promise<Groth16Proof[]> {
  // decided by the epoch alone: a job's name, and so its stored result, does not depend on who works
  const threads = statements.length === 1 ? 'all' : 'single';
  const keyHash = verificationKeyHash(key.verificationKey);
  const inputs = statements.map(
    ({ place, values, rho }): ProveInput => ({
      instance: { ...values.instance },
      circuitHash: key.circuit.circuitHash,
      keyHash,
      indexId: String(values.indexId),
      shardCommitment: String(place.shardCommitment),
      queryBatchCommitment: String(place.queryBatchCommitment),
      rho: String(rho),
      slots: values.slots,
      queries: values.queries,
      slotSalts: values.slotSalts.map(String),
      querySalts: values.querySalts.map(String),
      scores: place.scores,
      threads,
    }),
  );
  const proven: readonly unknown[] = await runMap(proveTask, inputs, { ...work, unit: 'proofs' });
  return proven.map((given) => ({
    words: numbersOf(given, 'words'),
    publicSignals: numbersOf(given, 'publicSignals'),
  }));
}

/** What a worker gave is no proof until it was looked at; anything malformed is none, and so does not verify. */
function numbersOf(given: unknown, name: keyof Proven): bigint[] {
  if (typeof given !== 'object' || given === null) return [];
  const list = (given as Partial<Record<keyof Proven, unknown>>)[name];
  return Array.isArray(list) && list.every(isDecimal) ? list.map(BigInt) : [];
}

function isDecimal(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9]{1,78}$/.test(text);
}

/** @throws MeedError when a file is missing, changed or malformed */
export async function readProofs(folder: string): Promise<Proofs> {
  const artefact = await readArtefact(folder, 'proofs');
  const list: unknown = await readJson(join(folder, PROOFS));
  if (!Array.isArray(list)) throw new MeedError(`${folder}/${PROOFS} is not a list`, 'Prove again with `meed prove`');
  return { artefact, proofs: list.map((entry: unknown, i) => parseProof(entry, `${folder}/${PROOFS}, entry ${i}`)) };
}

function parseProof(value: unknown, where: string): ShardProof {
  if (typeof value === 'object' && value !== null) {
    const { shard, batch, rho, evaluation, words } = value as Partial<Record<keyof ShardProof, unknown>>;
    if (
      typeof shard === 'number' &&
      typeof batch === 'number' &&
      isDecimal(rho) &&
      isDecimal(evaluation) &&
      Array.isArray(words) &&
      words.length === 8 &&
      words.every(isDecimal)
    ) {
      return { shard, batch, rho: BigInt(rho), evaluation: BigInt(evaluation), words: words.map(BigInt) };
    }
  }
  throw new MeedError(`${where} is not a proof`, 'Prove again with `meed prove`');
}
