/**
 * The split of a fee (docs/protocol.md, "Fees"), in exact integers. Rounding is always down; what is left over is dust
 * and is named, so that Σ payouts + dust = fee holds to the last unit.
 */
import { MeedError } from '../../foundation/index.js';

/** Shares in basis points (1/10000). beta + gamma + delta = 10000. */
export interface FeePolicy {
  readonly platformBps: number;
  /** Model owner's part of the net fee. */
  readonly betaBps: number;
  /** Stakers' part of the net fee. */
  readonly gammaBps: number;
  /** Contributors' part of the net fee. */
  readonly deltaBps: number;
}

export const BASIS_POINTS = 10_000;

export interface FeeParts {
  readonly platform: bigint;
  readonly modelOwner: bigint;
  readonly stakers: bigint;
  /** What the contributors share. */
  readonly pool: bigint;
}

/** @throws MeedError when the policy's parts are not parts or do not sum to one */
export function splitFee(fee: bigint, policy: FeePolicy): FeeParts {
  const { platformBps, betaBps, gammaBps, deltaBps } = policy;
  const parts = [platformBps, betaBps, gammaBps, deltaBps];
  if (
    betaBps + gammaBps + deltaBps !== BASIS_POINTS ||
    parts.some((bps) => !Number.isInteger(bps) || bps < 0 || bps > BASIS_POINTS)
  ) {
    throw new MeedError(
      `The fee policy's platform part is ${platformBps} basis points and its β, γ, δ are ${betaBps}, ${gammaBps}, ${deltaBps}`,
      `Choose whole parts from 0 to ${BASIS_POINTS}, with β + γ + δ exactly ${BASIS_POINTS}`,
    );
  }
  const part = (amount: bigint, bps: number): bigint => (amount * BigInt(bps)) / BigInt(BASIS_POINTS);
  const platform = part(fee, policy.platformBps);
  const net = fee - platform;
  const modelOwner = part(net, policy.betaBps);
  const stakers = part(net, policy.gammaBps);
  return { platform, modelOwner, stakers, pool: net - modelOwner - stakers };
}

export interface PoolSplit {
  /** Aligned with the scores given. */
  readonly shares: bigint[];
  readonly dust: bigint;
}

/** share_c = pool · max(0, score_c) / Σ max(0, score), rounded down; nobody positive: the whole pool is dust. */
export function splitPool(pool: bigint, scores: readonly bigint[]): PoolSplit {
  const positive = scores.map((score) => (score > 0n ? score : 0n));
  const total = positive.reduce((sum, score) => sum + score, 0n);
  const shares = positive.map((score) => (total === 0n ? 0n : (pool * score) / total));
  return { shares, dust: pool - shares.reduce((sum, share) => sum + share, 0n) };
}

/**
 * Sums a score matrix over the slots of each contributor.
 * @param scores score[k·Q + q]
 * @param slotOwners contributor index of each slot, −1 for unused slots
 * @returns contributor × Q, row-major
 */
export function sumByContributor(
  scores: BigInt64Array,
  slotOwners: ArrayLike<number>,
  contributors: number,
  queries: number,
): BigInt64Array {
  const sums = new BigInt64Array(contributors * queries);
  for (let k = 0; k < slotOwners.length; k++) {
    if (slotOwners[k] < 0) continue;
    for (let q = 0; q < queries; q++) sums[slotOwners[k] * queries + q] += scores[k * queries + q];
  }
  return sums;
}

/** Quanta per thousand tokens in and out, and what every inference costs besides. */
export interface TokenRates {
  readonly input: bigint;
  readonly output: bigint;
  readonly platform: bigint;
}

/** Token units of a quantum, in which rates are given. */
export const FEE_QUANTUM = 10n ** 9n;
/** A fee is below so many quanta. */
const FEE_QUANTA_END = 2n ** 30n;

/**
 * (T_in / 1000)·R_in + (T_out / 1000)·R_out + platform, in token units; what is left of a quantum is not charged.
 * @throws RangeError when the fee is 2³⁰ quanta or more
 */
export function tokenFee({ input, output, platform }: TokenRates, tokensIn: bigint, tokensOut: bigint): bigint {
  const quanta = (tokensIn * input + tokensOut * output) / 1000n + platform;
  if (quanta >= FEE_QUANTA_END) throw new RangeError(`a fee of ${quanta} quanta is not below 2^30`);
  return quanta * FEE_QUANTUM;
}

/**
 * Shares of the pools of a whole batch: a contributor's claim is the positive part of Σ_q pool_q · score_q, and the pools
 * together are shared by claims, rounded down (contracts/policies/PooledPerBatch.sol).
 * @param pools  of each receipt, Q
 * @param totals contributors × Q, row by row
 */
export function splitPooled(pools: readonly bigint[], totals: readonly bigint[]): PoolSplit {
  const whole = pools.reduce((sum, pool) => sum + pool, 0n);
  const claims = Array.from({ length: totals.length / pools.length }, (_, c) => {
    const claim = pools.reduce((sum, pool, q) => sum + pool * totals[c * pools.length + q], 0n);
    return claim > 0n ? claim : 0n;
  });
  const all = claims.reduce((sum, claim) => sum + claim, 0n);
  const shares = claims.map((claim) => (all === 0n ? 0n : (whole * claim) / all));
  return { shares, dust: whole - shares.reduce((sum, share) => sum + share, 0n) };
}
