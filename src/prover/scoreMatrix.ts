/**
 * A statement of ScoreMatrix as the circuit wants it: commitments, signals and their nesting, from signed entries.
 * The trap: entries enter the circuit with their offset of 32768 added; a caller that forgets it commits to other values.
 */
import { offsetEntry, queryBatchCommitment, shardCommitment, vectorCommitment } from './reference/commitments.js';
import { FIELD_MODULUS, type Instance } from './reference/constants.js';
import type { Hasher } from './reference/poseidon.js';
import { evaluateScores, scoreMatrix } from './reference/scores.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface ScoreMatrixWitness {
  readonly instance: Instance;
  readonly indexId: bigint;
  /** S × d, row-major, signed. */
  readonly slots: Int16Array;
  readonly slotSalts: readonly bigint[];
  /** Q × d, row-major, signed. */
  readonly queries: Int16Array;
  readonly batchSalt: bigint;
}

export interface ScoreMatrixStatement {
  readonly shardCommitment: bigint;
  readonly queryBatchCommitment: bigint;
  readonly scores: BigInt64Array;
}

/** What the values commit to and which scores they give: all that goes into the challenge ρ. */
export function scoreMatrixStatement(hasher: Hasher, values: ScoreMatrixWitness): ScoreMatrixStatement {
  const { instance, indexId, slots, slotSalts, queries, batchSalt } = values;
  const slotCommitments = rows(slots, instance.columns).map((row, k) => vectorCommitment(hasher, slotSalts[k], row));
  return {
    shardCommitment: shardCommitment(hasher, instance, indexId, slotCommitments),
    queryBatchCommitment: queryBatchCommitment(hasher, instance, indexId, batchSalt, queries),
    scores: scoreMatrix(instance, slots, queries),
  };
}

/** The circuit's input for the statement at the challenge ρ. */
export function scoreMatrixInput(
  statement: ScoreMatrixStatement,
  values: ScoreMatrixWitness,
  rho: bigint,
): CircuitInput {
  const offset = (entries: Int16Array): bigint[][] =>
    rows(entries, values.instance.columns).map((row) => Array.from(row, (entry) => BigInt(offsetEntry(entry))));
  return {
    shardCommitment: statement.shardCommitment,
    queryBatchCommitment: statement.queryBatchCommitment,
    rho,
    evaluation: evaluateScores(statement.scores, rho),
    indexId: values.indexId % FIELD_MODULUS,
    slots: offset(values.slots),
    slotSalts: values.slotSalts,
    queries: offset(values.queries),
    batchSalt: values.batchSalt,
  };
}

function rows(entries: Int16Array, columns: number): Int16Array[] {
  return Array.from({ length: entries.length / columns }, (_, i) => entries.subarray(i * columns, (i + 1) * columns));
}
