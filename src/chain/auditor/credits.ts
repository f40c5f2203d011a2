/** The split of every fee and what each account was credited for it, to the unit, from the integers of an epoch. */
import { splitFee, splitPool, sumByContributor } from '../../prover/reference/index.js';
import type { ChainEvent } from '../events.js';
import type { ProtocolTerms } from '../terms.js';
import { only, requireEqual } from './check.js';
import type { EpochIntegers, EpochOnChain } from './statements.js';

/**
 * @param owner of the index
 * @param terms that held when the epoch was opened
 * @returns the fees that were split
 * @throws MeedError when a receipt's parts or anybody's credit differ
 */
export function requireCredits(
  epoch: EpochIntegers,
  { instance, target, addresses, events }: EpochOnChain,
  owner: string,
  terms: ProtocolTerms,
): bigint {
  const Q = instance.queries;
  const paid = paidReceipts(events.ReceiptPaid.filter((event) => event.epoch === target.epoch));
  const batchesPaid = events.BatchPaid.filter((event) => event.epoch === target.epoch);
  const expected = new Map<string, bigint>();
  const credit = (batch: number, role: string, account: string, amount: bigint): void =>
    add(expected, `${batch} ${role} ${account}`, amount);
  let fees = 0n;
  for (const [b, batch] of epoch.batches.entries()) {
    const sums = totalSums(
      epoch.shards.map((shard, s) => sumByContributor(epoch.scores[s][b], shard.owners, addresses.length, Q)),
    );
    let left = 0n;
    for (const [q, fee] of batch.fees.entries()) {
      if (fee === 0n) continue;
      const parts = splitFee(fee, terms);
      const { shares, dust } = splitPool(
        parts.pool,
        addresses.map((_, c) => sums[c * Q + q]),
      );
      for (const [c, share] of shares.entries()) credit(b, 'contributor', addresses[c], share);
      credit(b, 'modelOwner', owner, parts.modelOwner);
      credit(b, 'stakers', terms.stakers, parts.stakers);
      credit(b, 'treasury', terms.treasury, parts.platform + dust);
      const event = only(`payments of receipt ${q} of batch ${b}`, paid.get(`${b} ${q}`) ?? []);
      requireEqual(`the pool of receipt ${q}`, event.pool, parts.pool);
      left += dust;
      requireEqual(`the fee of receipt ${q}`, event.fee, fee);
      fees += fee;
    }
    const whole = only(
      `payments of batch ${b}`,
      batchesPaid.filter((event) => event.batch === BigInt(b)),
    );
    requireEqual(`the dust of batch ${b}`, whole.dust, left);
  }
  const credited = new Map<string, bigint>();
  for (const { batch, role, account, amount, epoch: of } of events.Credited) {
    if (of === target.epoch) add(credited, `${batch} ${role} ${account}`, amount);
  }
  for (const id of new Set([...expected.keys(), ...credited.keys()])) {
    requireEqual(`the credit "${id}"`, credited.get(id) ?? 0n, expected.get(id) ?? 0n);
  }
  const total = [...credited.values()].reduce((sum, amount) => sum + amount, 0n);
  requireEqual('Σ credits', total, fees);
  return fees;
}

function add(amounts: Map<string, bigint>, id: string, amount: bigint): void {
  amounts.set(id, (amounts.get(id) ?? 0n) + amount);
}

function paidReceipts(events: readonly ChainEvent<'ReceiptPaid'>[]): Map<string, ChainEvent<'ReceiptPaid'>[]> {
  const paid = new Map<string, ChainEvent<'ReceiptPaid'>[]>();
  for (const event of events) {
    const id = `${event.batch} ${event.receipt}`;
    paid.set(id, [...(paid.get(id) ?? []), event]);
  }
  return paid;
}

function totalSums(shards: readonly BigInt64Array[]): BigInt64Array {
  const total = new BigInt64Array(shards[0].length);
  for (const sums of shards) for (const [i, sum] of sums.entries()) total[i] += sum;
  return total;
}
