/**
 * The bundle of a settled epoch: one JSON file with everything public about it, which the off-chain verifier
 * (packages/verifier) judges without this program. What stands on chain is taken from its events, so the bundle claims
 * what was really credited; scores and proofs come from the published artefacts.
 * The trap: JSON numbers are doubles. Whatever may exceed 2^53 is a decimal string; a score never does.
 */
import { ZeroAddress } from 'ethers';
import { type JsonObject, MeedError } from '../foundation/index.js';
import { BASIS_POINTS, ENTRY_MAX, type FeePolicy, FIELD_MODULUS } from '../prover/reference/index.js';
import { BASE_FIELD_MODULUS } from '../prover/verificationKey.js';
import type { Deployment } from './deploy.js';
import type { ChainEvents } from './events.js';
import type { KeyWords } from './verifyingKey.js';

export const BUNDLE_FORMAT = 'meed-epoch-bundle/1';

/** How the epoch's fees are split. */
export type SettlementPolicy = FeePolicy & { readonly treasury: string; readonly stakers: string };

export interface SettledProof {
  readonly shard: number;
  readonly batch: number;
  /** S × Q, score[k·Q + q]. */
  readonly scores: BigInt64Array;
  readonly rho: bigint;
  readonly evaluation: bigint;
  /** Eight words in the EVM's order. */
  readonly words: readonly bigint[];
}

export interface BundleSource {
  readonly deployment: Deployment;
  readonly epoch: bigint;
  readonly events: ChainEvents;
  readonly policy: SettlementPolicy;
  readonly keyWords: KeyWords;
  readonly proofs: readonly SettledProof[];
}

/** @throws MeedError when the epoch is not on chain, its fees have not been split, or a proof is of no place of it */
export function epochBundle({ deployment, epoch, events, policy, keyWords, proofs }: BundleSource): JsonObject {
  const opened = events.EpochOpened.find((event) => event.epoch === epoch);
  const closed = events.EpochClosed.find((event) => event.epoch === epoch);
  const index = events.IndexRegistered.find((event) => event.index === opened?.index);
  const parts = events.SlotsRegistered.filter((event) => event.index === opened?.index);
  const slots = parts.flatMap((part) => part.slots);
  const shardCommitments = parts.flatMap((part) => part.shardCommitments);
  const credits = events.Credited.filter((event) => event.epoch === epoch && event.role !== 'refund');
  if (!closed || !index || credits.length === 0) {
    throw new MeedError(`The fees of epoch ${epoch} have not been split`, 'Run `meed settle` first');
  }
  const { slots: S } = deployment.instance;
  const batches = events.BatchPosted.filter((event) => event.epoch === epoch);
  const stray = proofs.find(({ shard, batch }) => !(shard in shardCommitments) || !(batch in batches));
  if (stray !== undefined) {
    throw new MeedError(
      `A proof is of shard ${stray.shard}, batch ${stray.batch}, which epoch ${epoch} has not`,
      'Prove again with `meed prove`',
    );
  }
  return {
    format: BUNDLE_FORMAT,
    protocol: {
      scalarModulus: String(FIELD_MODULUS),
      baseModulus: String(BASE_FIELD_MODULUS),
      entryMax: ENTRY_MAX,
      basisPoints: BASIS_POINTS,
    },
    shape: { ...deployment.instance },
    key: keyWords.map(String),
    chainId: String(deployment.chainId),
    settlement: deployment.addresses.EpochSettlement.toLowerCase(),
    circuitId: deployment.circuitId,
    epoch: String(epoch),
    accumulator: closed.accumulator,
    policy: {
      platformBps: policy.platformBps,
      betaBps: policy.betaBps,
      gammaBps: policy.gammaBps,
      deltaBps: policy.deltaBps,
      modelOwner: index.owner.toLowerCase(),
      stakers: policy.stakers.toLowerCase(),
      treasury: policy.treasury.toLowerCase(),
    },
    shards: shardCommitments.map((commitment, shard) => ({
      commitment: String(commitment),
      contributors: Array.from({ length: S }, (_, k) =>
        (slots[shard * S + k]?.contributor ?? ZeroAddress).toLowerCase(),
      ),
    })),
    batches: batches.map(({ commitment, payer, fees, outputHashes }) => ({
      commitment: String(commitment),
      payer: payer.toLowerCase(),
      fees: fees.map(String),
      outputHashes: [...outputHashes],
    })),
    proofs: proofs.map(({ shard, batch, scores, rho, evaluation, words }) => ({
      shard,
      batch,
      scores: Array.from(scores, Number),
      signals: [shardCommitments[shard], batches[batch].commitment, rho, evaluation].map(String),
      words: words.map(String),
    })),
    credits: credits.map(({ batch, role, account, amount }) => ({
      batch: Number(batch),
      role,
      account: account.toLowerCase(),
      amount: String(amount),
    })),
  };
}
