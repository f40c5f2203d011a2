/**
 * Queries that are asked for the pay they bring: a contributor that pays a fee to itself asks about its own rows; with the
 * host on its side it asks about anything that the host has seen. The figure is the return: how much more the contributor
 * is paid ÷ the fees that it paid for it. Up to 1 somebody else is the richer for it; above 1 others' fees are moved.
 * Fees here are the contributors' part alone, so a real asker also loses platform, model owner's and stakers' parts.
 */
import type { Policy } from './policy.js';
import { shareOut } from './policy.js';
import type { ScoredBatch } from './scoredBatch.js';
import { sumByIdentity } from './scoredBatch.js';

export interface QueryReturn {
  readonly contributor: number;
  readonly return: number;
}

/** Outputs tried for each contributor, the best by its own share. */
const TRIED = 6;

/**
 * The best return of each contributor over the outputs it may choose, each asked once and as often as there are receipts.
 * @param batch     of which the receipts that were posted anyway have fees, all other outputs none
 * @param available outputs that the contributor may ask for
 */
export function queryReturns(
  policy: Policy,
  batch: ScoredBatch,
  available: (contributor: number) => readonly number[],
): QueryReturn[] {
  const posted = batch.fees.reduce((count, fee) => count + Number(fee > 0), 0);
  const fee = batch.totalFee() / posted;
  const before = policy.pay(batch);
  const returns: QueryReturn[] = [];
  for (const contributor of before.keys()) {
    const tried = [...available(contributor)]
      .map((output) => ({ output, share: ownShare(batch, output, contributor) }))
      .sort((a, b) => b.share - a.share || a.output - b.output)
      .slice(0, TRIED);
    const gains = tried.flatMap(({ output }) =>
      [...new Set([1, posted])].map((copies) => {
        const fees = batch.fees.slice();
        fees[output] += copies * fee;
        return (policy.pay(batch.withFees(fees))[contributor] - before[contributor]) / (copies * fee);
      }),
    );
    if (gains.length > 0) returns.push({ contributor, return: Math.max(...gains) });
  }
  return returns;
}

/** What the contributor gets of one output's fee by the positive part per contributor: what an attacker reckons with. */
function ownShare({ scores, owners, identities }: ScoredBatch, output: number, contributor: number): number {
  const pay = new Float64Array(identities);
  shareOut(pay, 1, sumByIdentity(scores.of(output), owners, identities));
  return pay[contributor];
}
