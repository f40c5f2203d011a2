/**
 * What an epoch must show on chain, by its integers: for each (shard, batch) the statement that was proven, and for each
 * contributor the sums that were recorded.
 */
import {
  challengeInput,
  type Epoch,
  type Groth16Proof,
  invalidProofs,
  type SettlementTarget,
  type VerificationKey,
  verifyBatch,
} from '../../prover/index.js';
import { challenge, evaluateScores, type Instance, sumByContributor } from '../../prover/reference/index.js';
import type { ChainEvents } from '../events.js';
import { differs, only, requireEqual, requireEqualLists } from './check.js';
import type { SettledPlace } from './settledPlaces.js';

/** The integers that a payout follows from. */
export type EpochIntegers = Pick<Epoch, 'shards' | 'batches' | 'scores'>;

export interface EpochOnChain {
  readonly instance: Instance;
  readonly target: SettlementTarget;
  /** Contributors, by the numbers that the shards' owners name. */
  readonly addresses: readonly string[];
  readonly events: ChainEvents;
}

export interface PlaceStatement {
  readonly shard: number;
  readonly batch: number;
  /** shardCommitment, queryBatchCommitment, ρ, evaluation */
  readonly publicSignals: readonly [bigint, bigint, bigint, bigint];
}

export const placeName = ({ shard, batch }: Pick<PlaceStatement, 'shard' | 'batch'>): string =>
  `shard ${shard}, batch ${batch}`;

/** Of every (shard, batch), shard by shard. */
export function placeStatements(
  epoch: EpochIntegers,
  { addresses, target }: Pick<EpochOnChain, 'addresses' | 'target'>,
): PlaceStatement[] {
  return [...epoch.shards.keys()].flatMap((shard) =>
    [...epoch.batches.keys()].map((batch) => {
      const place = challengeInput(epoch, addresses, target, shard, batch);
      const rho = challenge(place);
      const evaluation = evaluateScores(place.scores, rho);
      return {
        shard,
        batch,
        publicSignals: [place.shardCommitment, place.queryBatchCommitment, rho, evaluation] as const,
      };
    }),
  );
}

/** Events of a list by the place that they name; a place may be there more than once, which `only` then tells. */
export function byPlace<T extends { readonly shard: bigint; readonly batch: bigint }>(
  events: readonly T[],
): (place: Pick<PlaceStatement, 'shard' | 'batch'>) => readonly T[] {
  const places = new Map<string, T[]>();
  for (const event of events) {
    const key = `${event.shard} ${event.batch}`;
    places.set(key, [...(places.get(key) ?? []), event]);
  }
  return ({ shard, batch }) => places.get(`${shard} ${batch}`) ?? [];
}

/** @throws MeedError when a place's ρ, scores or sums are not those of the integers */
export function requireSettled(
  epoch: EpochIntegers,
  { instance, addresses, target, events }: EpochOnChain,
  statements: readonly PlaceStatement[],
  places: readonly SettledPlace[],
): void {
  const settled = byPlace(events.ShardSettled.filter((event) => event.epoch === target.epoch));
  const given = byPlace(places);
  const Q = instance.queries;
  for (const statement of statements) {
    const name = placeName(statement);
    const event = only(`settlements of ${name}`, settled(statement));
    const [, , rho] = statement.publicSignals;
    requireEqual(`ρ of ${name}`, event.rho, rho);
    const { owners } = epoch.shards[statement.shard];
    const scores = epoch.scores[statement.shard][statement.batch];
    const present = [...new Set(owners.filter((owner) => owner >= 0))];
    const sums = sumByContributor(scores, owners, addresses.length, Q);
    requireEqualLists(
      `the contributors of ${name},`,
      event.contributors,
      present.map((owner) => addresses[owner]),
    );
    requireEqualLists(
      `the sums of ${name},`,
      event.sums,
      present.flatMap((owner) => Array.from(sums.subarray(owner * Q, (owner + 1) * Q))),
    );
    const [place] = given(statement);
    requireEqualLists(`the score on chain of ${name},`, Array.from(place?.scores ?? []), Array.from(scores));
  }
}

/**
 * All proofs by one product of pairings; only when it fails are the false ones searched for.
 * @param proofs one for each statement, in order
 * @throws MeedError naming the first place whose proof does not hold
 */
export async function requireProofs(
  key: VerificationKey,
  statements: readonly PlaceStatement[],
  proofs: readonly Groth16Proof[],
): Promise<void> {
  if (await verifyBatch(key, proofs)) return;
  const [first] = await invalidProofs(key, proofs);
  const place = statements[first];
  throw differs(`the proof of ${place === undefined ? 'no place' : placeName(place)}`, 'not valid', 'a valid one');
}
