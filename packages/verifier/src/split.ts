/**
 * The split of every fee, from proven scores to credits, in exact integers: docs/protocol.md, "Fees". Every division
 * rounds down; what is left over goes to the treasury, so the credits of a batch sum to its fees to the last unit.
 */
import type { Bundle, BundleCredit, BundleProof, Policy, Role } from './bundle.js';
import { BASIS_POINTS } from './constants.js';
import { Refusal } from './reader.js';

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`;

/** @throws Refusal when β, γ and δ are not one together */
export function requirePolicy({ betaBps, gammaBps, deltaBps }: Policy): void {
  const parts = betaBps + gammaBps + deltaBps;
  if (parts !== BASIS_POINTS)
    throw new Refusal(`The policy's parts sum to ${parts} basis points, not ${BASIS_POINTS}.`);
}

/** Σ score of each account, over the slots of all shards: account → Q sums. */
function sumsOf({ shape, shards }: Bundle, proofs: readonly BundleProof[]): Map<string, bigint[]> {
  const sums = new Map<string, bigint[]>();
  for (const { shard, scores } of proofs) {
    for (const [k, account] of shards[shard].contributors.entries()) {
      if (account === ZERO_ADDRESS) continue;
      const own = sums.get(account) ?? Array<bigint>(shape.queries).fill(0n);
      sums.set(account, own);
      for (let q = 0; q < shape.queries; q++) own[q] += BigInt(scores[k * shape.queries + q]);
    }
  }
  return sums;
}

/**
 * The credits that the bundle's scores and policy give, those of zero left out.
 * @param bundle with each (shard, batch) proven exactly once
 */
export function deriveCredits(bundle: Bundle): BundleCredit[] {
  const credits: BundleCredit[] = [];
  for (const [batch, { fees }] of bundle.batches.entries()) {
    const amounts = new Map<string, { readonly role: Role; readonly account: string; amount: bigint }>();
    const credit = (role: Role, account: string, amount: bigint): void => {
      const entry = amounts.get(`${role} ${account}`) ?? { role, account, amount: 0n };
      entry.amount += amount;
      amounts.set(`${role} ${account}`, entry);
    };
    const sums = sumsOf(
      bundle,
      bundle.proofs.filter((proof) => proof.batch === batch),
    );
    for (const [q, fee] of fees.entries()) splitReceipt(bundle.policy, fee, q, sums, credit);
    for (const entry of amounts.values()) if (entry.amount > 0n) credits.push({ batch, ...entry });
  }
  return credits;
}

function splitReceipt(
  { platformBps, betaBps, gammaBps, modelOwner, stakers, treasury }: Policy,
  fee: bigint,
  q: number,
  sums: ReadonlyMap<string, readonly bigint[]>,
  credit: (role: Role, account: string, amount: bigint) => void,
): void {
  const part = (amount: bigint, bps: number): bigint => (amount * BigInt(bps)) / BigInt(BASIS_POINTS);
  const platform = part(fee, platformBps);
  const net = fee - platform;
  const owner = part(net, betaBps);
  const stake = part(net, gammaBps);
  const pool = net - owner - stake;
  const positive = [...sums].map(([account, own]): [string, bigint] => [account, own[q] > 0n ? own[q] : 0n]);
  const total = positive.reduce((sum, [, score]) => sum + score, 0n);
  let left = pool;
  for (const [account, score] of positive) {
    const share = total === 0n ? 0n : (pool * score) / total;
    left -= share;
    credit('contributor', account, share);
  }
  credit('modelOwner', modelOwner, owner);
  credit('stakers', stakers, stake);
  credit('treasury', treasury, platform + left);
}
