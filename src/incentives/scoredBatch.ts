/**
 * What a payout policy is given: the scores of some paid outputs over all training rows, what each output paid, and under
 * which identity each row stands. Identities are not contributors: one contributor may appear under several names, and
 * the curves of pay against identities give the same scores to other owners.
 *
 * Pooling adds the receipts of one batch to one score a row, each receipt brought to unit length and weighed by its fee,
 * as the batch vector of the protocol is (design.md, section 5, "Scale").
 * The trap: a receipt whose scores are all zero has no direction; it pools as nothing instead of as NaN.
 */
import { MeedError } from '../foundation/index.js';

/** The scores of a batch's receipts, checked once and shared by every batch that is made of them. */
export class ReceiptScores {
  /** receipts × rows, row-major. Positive: the row helped the output. */
  readonly values: Float32Array;
  readonly receipts: number;
  readonly rows: number;
  /** 1 / ‖score(q, ·)‖, or 0 where there is nothing to divide. */
  readonly inverseLengths: Float64Array;

  /** @throws MeedError when the numbers are not as many as receipts × rows, or one is not finite */
  constructor(values: Float32Array, receipts: number, rows: number) {
    if (rows < 1 || receipts < 1 || values.length !== receipts * rows) {
      throw new MeedError(
        `${values.length} scores were given for ${receipts} receipts and ${rows} rows`,
        'Give one score for each receipt and row, of at least one of both',
      );
    }
    const stray = values.findIndex((score) => !Number.isFinite(score));
    if (stray >= 0) {
      throw new MeedError(
        `The score of receipt ${Math.floor(stray / rows)} and row ${stray % rows} is ${values[stray]}`,
        'Use a method that gives finite scores on this model',
      );
    }
    this.values = values;
    this.receipts = receipts;
    this.rows = rows;
    this.inverseLengths = Float64Array.from({ length: receipts }, (_, q) => {
      const squares = this.of(q).reduce((sum, score) => sum + score * score, 0);
      return squares > 0 ? 1 / Math.sqrt(squares) : 0;
    });
  }

  /** Scores of one receipt, one a row. */
  of(receipt: number): Float32Array {
    return this.values.subarray(receipt * this.rows, (receipt + 1) * this.rows);
  }
}

export class ScoredBatch {
  readonly scores: ReceiptScores;
  /** Of each receipt, in any unit; pay is in the same. */
  readonly fees: Float64Array;
  /** Identity of each row, from 0. */
  readonly owners: Int32Array;
  readonly identities: number;
  #pooled: Float64Array | undefined;

  /** @throws MeedError when fees or owners do not fit the scores */
  constructor(scores: ReceiptScores, fees: Float64Array, owners: Int32Array, identities: number) {
    if (fees.length !== scores.receipts || fees.some((fee) => !(fee >= 0 && fee < Number.POSITIVE_INFINITY))) {
      throw new MeedError(
        `The fees of ${scores.receipts} receipts are ${fees.length} numbers, not all of them finite and at least 0`,
        'Give each receipt a fee of at least 0',
      );
    }
    const stray = owners.findIndex((owner) => !(owner >= 0 && owner < identities));
    if (owners.length !== scores.rows || stray >= 0) {
      throw new MeedError(
        `${scores.rows} rows were given ${owners.length} owners${stray < 0 ? '' : `, among them ${owners[stray]}`}`,
        `Give each row an identity from 0 to ${identities - 1}`,
      );
    }
    this.scores = scores;
    this.fees = fees;
    this.owners = owners;
    this.identities = identities;
  }

  /** The same scores, each receipt paying another fee. A resample of receipts is such a change: fee × times drawn. */
  withFees(fees: Float64Array): ScoredBatch {
    return new ScoredBatch(this.scores, fees, this.owners, this.identities);
  }

  /** The same receipts, the rows under other names. */
  withOwners(owners: Int32Array, identities: number): ScoredBatch {
    const other = new ScoredBatch(this.scores, this.fees, owners, identities);
    other.#pooled = this.#pooled;
    return other;
  }

  /** One score a row: Σ_q fee_q · score(q, row) / ‖score(q, ·)‖. Not to be written to. */
  pooled(): Float64Array {
    if (this.#pooled) return this.#pooled;
    const pooled = new Float64Array(this.scores.rows);
    for (let q = 0; q < this.scores.receipts; q++) {
      const weight = this.fees[q] * this.scores.inverseLengths[q];
      if (weight === 0) continue;
      const scores = this.scores.of(q);
      for (let i = 0; i < pooled.length; i++) pooled[i] += weight * scores[i];
    }
    this.#pooled = pooled;
    return pooled;
  }

  totalFee(): number {
    return this.fees.reduce((sum, fee) => sum + fee, 0);
  }
}

/** How many rows each identity has. */
export function countRows(owners: Int32Array, identities: number): Int32Array {
  const counts = new Int32Array(identities);
  for (const owner of owners) counts[owner]++;
  return counts;
}

/** Σ of the rows' scores by identity. */
export function sumByIdentity(scores: ArrayLike<number>, owners: Int32Array, identities: number): Float64Array {
  const sums = new Float64Array(identities);
  for (let i = 0; i < owners.length; i++) sums[owners[i]] += scores[i];
  return sums;
}
