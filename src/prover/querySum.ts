/**
 * Folding a host's receipts into one query: first `foldReceipts`, which needs no challenge and says what is to be committed;
 * then, at the challenge γ, one input of the circuit QuerySum for every step, and one of QueryMean (queryMean.ts) at the end.
 * Steps are independent of one another once γ is known, so they are proven in any order, in parallel, each when it suits.
 * The trap: γ binds only what was fixed before it, so the folded query and its remainders are committed first.
 */
import { MeedError } from '../foundation/index.js';
import { offsetEntry } from './reference/commitments.js';
import {
  checkReceipt,
  evaluateReceipts,
  evaluateVector,
  type FoldedReceipt,
  type RoundedMean,
  receiptLink,
  roundedMean,
  type WeightedSum,
  weightedSum,
} from './reference/folding.js';
import { fieldOfHash } from './reference/indexTree.js';
import type { Hasher } from './reference/poseidon.js';
import type { CircuitInput } from './witnessCalculator.js';

/** One host's receipts of an epoch, folded. */
export interface Fold extends WeightedSum, RoundedMean {
  readonly columns: number;
  readonly receipts: readonly FoldedReceipt[];
  /** The host's chain: links[0] before the first receipt, links[i] after receipt i − 1, the last one after all. */
  readonly links: readonly bigint[];
}

/**
 * Folds receipts in the order of the book.
 * @param firstLink the link before the first receipt: `firstLink` of the reference
 * @returns the chain, Σ fee · vector, and its rounded mean: `quotients` is the host's query in a batch
 * @throws MeedError when a receipt is out of range, or the fees are too large together
 */
export function foldReceipts(
  hasher: Hasher,
  firstLink: bigint,
  columns: number,
  receipts: readonly FoldedReceipt[],
): Fold {
  const links = [firstLink];
  for (const [i, receipt] of receipts.entries()) {
    checkReceipt(receipt, columns, i);
    links.push(receiptLink(hasher, links[i], receipt));
  }
  const sum = weightedSum(receipts, columns);
  return { columns, receipts, links, ...sum, ...roundedMean(sum) };
}

/** Receipts [start, end) of a fold. */
export interface FoldStep {
  readonly start: number;
  readonly end: number;
}

/** Steps of at most n receipts that cover the fold, or a part of it. */
export function foldSteps(
  fold: Pick<Fold, 'receipts'>,
  n: number,
  { start, end }: FoldStep = { start: 0, end: fold.receipts.length },
): FoldStep[] {
  return Array.from({ length: Math.ceil((end - start) / n) }, (_, s) => ({
    start: start + s * n,
    end: Math.min(start + (s + 1) * n, end),
  }));
}

/** Public signals of a step. */
export interface QuerySumStatement {
  readonly linkIn: bigint;
  readonly linkOut: bigint;
  /** Of the book's list of the step's receipts: the contract's to compute. */
  readonly receiptsEvaluation: bigint;
  /** Of the step's part of the weighted sum: the steps' add up, modulo r, to that of the whole. */
  readonly sumEvaluation: bigint;
}

export function querySumStatement(fold: Fold, { start, end }: FoldStep, gamma: bigint): QuerySumStatement {
  const receipts = fold.receipts.slice(start, end);
  return {
    linkIn: fold.links[start],
    linkOut: fold.links[end],
    receiptsEvaluation: evaluateReceipts(receipts, gamma),
    sumEvaluation: evaluateVector(weightedSum(receipts, fold.columns).sums, gamma),
  };
}

/**
 * The input of QuerySum(n, d) for a step; places that the step leaves are inactive.
 * @throws MeedError when the step has more than n receipts or is none of the fold's
 */
export function querySumInput(fold: Fold, step: FoldStep, n: number, gamma: bigint): CircuitInput {
  const { start, end } = step;
  if (!(start >= 0 && start <= end && end <= fold.receipts.length && end - start <= n)) {
    throw new MeedError(
      `A step over receipts ${start} to ${end} of ${fold.receipts.length} does not fit a circuit for ${n}`,
      'Cut the steps with foldSteps',
    );
  }
  const receipts = fold.receipts.slice(start, end);
  const each = <T>(of: (receipt: FoldedReceipt) => T, unused: T): T[] =>
    Array.from({ length: n }, (_, i) => (i < receipts.length ? of(receipts[i]) : unused));
  const offset = (vector: Int16Array): bigint[] => Array.from(vector, (entry) => BigInt(offsetEntry(entry)));
  return {
    ...querySumStatement(fold, step, gamma),
    gamma,
    active: each(() => 1n, 0n),
    fees: each(({ fee }) => BigInt(fee), 0n),
    outputHashes: each(({ outputHash }) => fieldOfHash(outputHash), 0n),
    salts: each(({ salt }) => salt, 0n),
    vectors: each(({ vector }) => offset(vector), offset(new Int16Array(fold.columns))),
  };
}
