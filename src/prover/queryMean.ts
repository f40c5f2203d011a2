/**
 * The end of a fold: the host's query in a batch is the rounded mean of its receipts, by the circuit QueryMean.
 * The trap: what the batch holds at the fold's position is committed with all other hosts' queries, so every host's fold is
 * done before any challenge exists.
 */
import { MeedError } from '../foundation/index.js';
import type { Fold } from './querySum.js';
import { offsetEntry, packWords, queryBatchCommitment } from './reference/commitments.js';
import { FIELD_MODULUS, type Instance } from './reference/constants.js';
import { evaluateVector, remainderCommitment } from './reference/folding.js';
import type { Hasher } from './reference/poseidon.js';
import type { CircuitInput } from './witnessCalculator.js';

/** The batch that a fold's query is part of, and what opens it. */
export interface FoldedBatch {
  readonly instance: Instance;
  readonly indexId: bigint;
  readonly batchSalt: bigint;
  /** Q × d, row-major, signed. */
  readonly queries: Int16Array;
  /** Of the fold's query in the batch. */
  readonly position: number;
  readonly remainderSalt: bigint;
}

/** Public signals of the end of a fold, but for γ. */
export interface QueryMeanStatement {
  readonly queryBatchCommitment: bigint;
  readonly position: bigint;
  readonly remainderCommitment: bigint;
  readonly divisor: bigint;
}

/** What is committed before γ exists. @throws MeedError when the batch does not hold the fold's query at its position */
export function queryMeanStatement(hasher: Hasher, fold: Fold, batch: FoldedBatch): QueryMeanStatement {
  const { instance, indexId, batchSalt, queries, position, remainderSalt } = batch;
  const held = queries.subarray(position * fold.columns, (position + 1) * fold.columns);
  if (instance.columns !== fold.columns || fold.quotients.some((entry, j) => held[j] !== entry)) {
    throw new MeedError(
      `Query ${position} of the batch is not what the ${fold.receipts.length} receipts fold to`,
      "Put the fold's quotients at its position",
    );
  }
  return {
    queryBatchCommitment: queryBatchCommitment(hasher, instance, indexId, batchSalt, queries),
    position: BigInt(position),
    remainderCommitment: remainderCommitment(hasher, remainderSalt, fold.remainders),
    divisor: fold.divisor,
  };
}

/** The input of QueryMean(Q, d). */
export function queryMeanInput(
  statement: QueryMeanStatement,
  fold: Fold,
  { instance, indexId, batchSalt, queries, remainderSalt }: FoldedBatch,
  gamma: bigint,
): CircuitInput {
  const { queries: Q, columns: d } = instance;
  return {
    ...statement,
    gamma,
    sumEvaluation: evaluateVector(fold.sums, gamma),
    indexId: indexId % FIELD_MODULUS,
    batchSalt,
    words: Array.from({ length: Q }, (_, q) => packWords(queries.subarray(q * d, (q + 1) * d))),
    entries: Array.from(fold.quotients, (entry) => BigInt(offsetEntry(entry))),
    remainders: Array.from(fold.remainders),
    remainderSalt,
  };
}
