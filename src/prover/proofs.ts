/**
 * The proofs of an epoch: one per (shard, batch), each bound by its challenge ρ to one settlement contract, chain, epoch
 * and place, and each verified before it is kept.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artefact, type Recipe, readArtefact, readJson, writeArtefact } from '../artefact/index.js';
import { MeedError } from '../foundation/index.js';
import type { AttributionIndex } from './attributionIndex.js';
import type { ProvingKey } from './devkey/index.js';
import type { Epoch } from './epoch.js';
import { type ChallengeInput, challenge, contributorsHash, evaluateScores } from './reference/index.js';
import { scoreMatrixInput } from './scoreMatrix.js';
import { type ProvingOptions, proveStatements, type Statement } from './service/index.js';
import { keyWords } from './verificationKey.js';

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
 * Proves every (shard, batch), on this machine or where `work` says. Each proof is verified before it is kept, wherever it
 * was made; with a `store` it is kept at once, and a second call proves only what is missing.
 * @returns the proofs, the seconds that they took together, and the most memory that this machine's provers had
 */
export async function proveEpoch(
  folder: string,
  index: AttributionIndex,
  epoch: Epoch,
  key: ProvingKey,
  addresses: readonly string[],
  target: SettlementTarget,
  work: ProvingOptions = {},
): Promise<Proofs & { readonly seconds: number; readonly proverBytes: number }> {
  const begun = performance.now();
  const places = [...epoch.shards.keys()].flatMap((shard) =>
    [...epoch.batches.keys()].map((batch) => ({ shard, batch })),
  );
  const statements = places.map(({ shard, batch }) =>
    scoreStatement(index, epoch, challengeInput(epoch, addresses, target, shard, batch)),
  );
  const { proofs: proven, proverBytes } = await proveStatements(key, statements, work);
  const proofs = places.map(({ shard, batch }, i): ShardProof => {
    const [, , rho, evaluation] = proven[i].publicSignals;
    return { shard, batch, rho, evaluation, words: proven[i].words };
  });
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
  return { artefact, proofs, seconds, proverBytes };
}

/** That the scores of one (shard, batch) are those of the committed vectors, at the challenge that binds them to their place. */
export function scoreStatement(
  index: Pick<AttributionIndex, 'options' | 'indexId'>,
  epoch: Pick<Epoch, 'shards' | 'batches'>,
  place: ChallengeInput,
): Statement {
  const { vectors: slots, salts: slotSalts } = epoch.shards[Number(place.shard)];
  const { vectors: queries, salt: batchSalt } = epoch.batches[Number(place.batch)];
  const { instance } = index.options;
  const rho = challenge(place);
  const { shardCommitment, queryBatchCommitment, scores } = place;
  return {
    name: `shard ${place.shard}, batch ${place.batch}`,
    publicSignals: [shardCommitment, queryBatchCommitment, rho, evaluateScores(scores, rho)],
    input: () =>
      scoreMatrixInput(place, { instance, indexId: index.indexId, slots, slotSalts, queries, batchSalt }, rho),
  };
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
