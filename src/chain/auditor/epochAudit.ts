/**
 * An epoch derived again from what its index's and its batches' commitments open to: the commitments, every score, the
 * challenge of every place, every proof, the contributors' sums, the split and the credits, all compared with the chain.
 * No published score, proof or sum is read: rows and queries are the only evidence, the calldata and events are the claim.
 * The trap: a settled epoch cannot pay by other scores, since they were proven. What can be wrong is that a batch was
 * never opened, so that nobody can say what its queries are, or that a node answers with another chain.
 */
import type { JsonRpcProvider } from 'ethers';
import { circuitId, openBatches, type VerificationKey } from '../../prover/index.js';
import { scoreMatrix } from '../../prover/reference/index.js';
import { commitShards } from '../../prover/rowCommitments.js';
import type { Deployment } from '../deploy.js';
import type { ChainEvents } from '../events.js';
import { epochTerms } from '../terms.js';
import { Difference, only, requireEqual, requireEqualLists } from './check.js';
import { requireCredits } from './credits.js';
import { type RegisteredIndex, registeredIndex } from './registered.js';
import { settledPlaces } from './settledPlaces.js';
import { type EpochIntegers, type EpochOnChain, placeStatements, requireProofs, requireSettled } from './statements.js';

/** Integers and the secret that opens their commitments, of an index or of receipts. */
export interface OpenedIntegers<T> {
  /** Row-major, d columns. */
  readonly values: T;
  readonly secret: string;
}

export interface EpochSource {
  readonly provider: JsonRpcProvider;
  readonly deployment: Deployment;
  readonly events: ChainEvents;
  readonly epoch: bigint;
  readonly key: VerificationKey;
  readonly rows: OpenedIntegers<Int8Array>;
  /** Each cut into batches from its beginning; they may be of other epochs too. */
  readonly receipts: readonly OpenedIntegers<Int16Array>[];
}

export type EpochFinding =
  | { readonly kind: 'batchNotOpened'; readonly batch: number; readonly commitment: bigint }
  | { readonly kind: 'differs'; readonly detail: string };

export interface EpochAudit {
  readonly findings: readonly EpochFinding[];
  /** Units of fees whose split was derived again; 0 when something was found before. */
  readonly fees: bigint;
}

export type EpochStep = 'commitments' | 'scores' | 'places' | 'proofs' | 'split';

/**
 * @param entering called as each step begins
 * @throws MeedError when the node does not answer, or answers what is no chain
 */
export async function auditEpoch(
  source: EpochSource,
  entering: (step: EpochStep) => void = () => undefined,
): Promise<EpochAudit> {
  try {
    return await derive(source, entering);
  } catch (error) {
    if (!(error instanceof Difference)) throw error;
    return { findings: [{ kind: 'differs', detail: error.message }], fees: 0n };
  }
}

async function derive(source: EpochSource, entering: (step: EpochStep) => void): Promise<EpochAudit> {
  const { provider, deployment, events, epoch, key } = source;
  const { index: indexKey } = only(
    'openings of the epoch',
    events.EpochOpened.filter((event) => event.epoch === epoch),
  );
  const index = registeredIndex(events, indexKey);
  entering('commitments');
  const opened = await openEpoch(source, index);
  if ('findings' in opened) return { findings: opened.findings, fees: 0n };
  entering('scores');
  const { instance } = deployment;
  const { shards, batches } = opened;
  const scores = shards.map((shard) => batches.map((batch) => scoreMatrix(instance, shard.vectors, batch.vectors)));
  const integers: EpochIntegers = { shards, batches, scores };
  entering('places');
  requireEqual('the circuit id on chain', deployment.circuitId, circuitId(instance, key));
  const { chainId, circuitId: circuit, addresses } = deployment;
  const target = { chainId, settlement: addresses.EpochSettlement, circuitId: circuit, epoch };
  const onChain: EpochOnChain = { instance, target, addresses: index.addresses, events };
  const settled = events.ShardSettled.filter((event) => event.epoch === epoch);
  const places = await settledPlaces(provider, deployment, settled);
  const statements = placeStatements(integers, onChain);
  requireEqual('the number of settled (shard, batch) pairs', settled.length, statements.length);
  requireSettled(integers, onChain, statements, places);
  entering('proofs');
  const proofAt = new Map(places.map(({ shard, batch, proof }) => [`${shard} ${batch}`, proof]));
  await requireProofs(
    key,
    statements,
    statements.map(({ shard, batch, publicSignals }) => ({
      publicSignals,
      words: proofAt.get(`${shard} ${batch}`) ?? [],
    })),
  );
  entering('split');
  const terms = await epochTerms(provider, deployment, epoch);
  requireEqual('the payout policy', terms.policy, addresses.PositivePart);
  return { findings: [], fees: requireCredits(integers, onChain, index.owner, terms) };
}

type OpenedEpoch = Omit<EpochIntegers, 'scores'> | { readonly findings: readonly EpochFinding[] };

/** The vectors behind the commitments on chain, or the batches that nothing opens. */
async function openEpoch(source: EpochSource, index: RegisteredIndex): Promise<OpenedEpoch> {
  const { deployment, events, epoch, rows, receipts } = source;
  const { instance } = deployment;
  const { indexId, slots } = index;
  requireEqual('the number of entries of the rows', rows.values.length, index.rows * instance.columns);
  const shards = await commitShards({ instance, indexId, rows: rows.values, slots, secret: rows.secret });
  requireEqualLists(
    'the commitment on chain of shard',
    index.shardCommitments,
    shards.map(({ commitment }) => commitment),
  );
  const candidates = await Promise.all(
    receipts.map(({ values, secret }) => openBatches(instance, indexId, { queries: values, secret })),
  );
  const byCommitment = new Map(candidates.flat().map((batch) => [batch.commitment, batch]));
  const posted = events.BatchPosted.filter((event) => event.epoch === epoch);
  const findings: EpochFinding[] = [];
  const batches: EpochIntegers['batches'][number][] = [];
  for (const [batch, { commitment, fees, outputHashes }] of posted.entries()) {
    const opened = byCommitment.get(commitment);
    if (opened) batches.push({ ...opened, receipts: [], fees, outputHashes });
    else findings.push({ kind: 'batchNotOpened', batch, commitment });
  }
  return findings.length === 0 ? { shards, batches } : { findings };
}
