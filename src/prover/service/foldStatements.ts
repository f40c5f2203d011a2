/**
 * The statements of a folded batch: one of QuerySum for every step of a host's receipts, and one of QueryMean that their
 * mean is the host's query. They are independent once γ is known, so any prover takes any of them.
 */
import { type FoldedBatch, type QueryMeanStatement, queryMeanInput } from '../queryMean.js';
import { type Fold, type FoldStep, foldSteps, querySumInput, querySumStatement } from '../querySum.js';
import { evaluateVector } from '../reference/folding.js';
import type { Statement } from './statement.js';

/**
 * @param receiptsPerStep n of the circuit QuerySum(n, d)
 * @param part receipts that are folded together, from one posted link to another; all unless told
 */
export function querySumStatements(fold: Fold, receiptsPerStep: number, gamma: bigint, part?: FoldStep): Statement[] {
  return foldSteps(fold, receiptsPerStep, part).map((step) => {
    const { linkIn, linkOut, receiptsEvaluation, sumEvaluation } = querySumStatement(fold, step, gamma);
    return {
      name: `receipts ${step.start} to ${step.end - 1}`,
      publicSignals: [linkIn, linkOut, gamma, receiptsEvaluation, sumEvaluation],
      input: () => querySumInput(fold, step, receiptsPerStep, gamma),
    };
  });
}

/** @param ending what was committed before γ existed: `queryMeanStatement` */
export function queryMeanStatementOf(
  ending: QueryMeanStatement,
  fold: Fold,
  batch: FoldedBatch,
  gamma: bigint,
): Statement {
  const { queryBatchCommitment, position, remainderCommitment, divisor } = ending;
  const sumEvaluation = evaluateVector(fold.sums, gamma);
  return {
    name: `the mean of ${fold.receipts.length} receipts`,
    publicSignals: [queryBatchCommitment, position, remainderCommitment, divisor, gamma, sumEvaluation],
    input: () => queryMeanInput(ending, fold, batch, gamma),
  };
}
