/** Small batches with scores that are known, and a float64 reading of the rules with explicit loops. */
import { Random } from '../../src/foundation/index.js';
import { ReceiptScores, ScoredBatch } from '../../src/incentives/index.js';

export interface World {
  readonly receipts: number;
  readonly rows: number;
  readonly owners: number;
  readonly seed?: number;
}

/** Random scores of both signs, fees of 1 to 3, rows dealt to owners at random. */
export function randomBatch({ receipts, rows, owners, seed = 1 }: World): ScoredBatch {
  const random = new Random(seed);
  const values = Float32Array.from({ length: receipts * rows }, () => random.normal() + 0.1);
  const fees = Float64Array.from({ length: receipts }, (_, q) => 1 + (q % 3));
  const dealt = Int32Array.from({ length: rows }, (_, i) => (i < owners ? i : random.below(owners)));
  return new ScoredBatch(new ReceiptScores(values, receipts, rows), fees, dealt, owners);
}

export function batchOf(
  scores: readonly (readonly number[])[],
  owners: readonly number[],
  fees = scores.map(() => 1),
): ScoredBatch {
  const values = new ReceiptScores(Float32Array.from(scores.flat()), scores.length, owners.length);
  return new ScoredBatch(values, Float64Array.from(fees), Int32Array.from(owners), Math.max(...owners) + 1);
}

export function total(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}
