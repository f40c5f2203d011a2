/**
 * One line of the table: a data set, a method and a policy, and what the three do together. Every figure says what 1 or 0
 * means; a figure that is not there (a constant has no correlation) is undefined, never 0.
 */
import type { Interval } from '../influence/index.js';
import type { Plant } from './planted.js';

export interface IncentiveRow {
  readonly dataset: string;
  readonly method: string;
  readonly policy: string;
  readonly contributors: number;
  readonly rows: number;
  readonly receipts: number;
  /** Σ score over receipts and rows ÷ what the receipts' losses fell by in training; 1 is complete. Of complete methods only. */
  readonly completeness?: number;
  /** |Σ score| ÷ Σ |score|, mean over receipts: how little cancels. */
  readonly coherence: number;
  /** Part of the fees that nobody is paid. */
  readonly unpaid: number;
  /** Correlation over contributors of pay with Shapley's value, mean over seeds, and its interval over outputs. */
  readonly pearson?: number;
  readonly pearsonInterval?: Interval;
  readonly spearman?: number;
  readonly spearmanInterval?: Interval;
  /** The same of pay and value a row, where size no longer helps. */
  readonly pearsonPerRow?: number;
  /** Correlation of pay with the fall of the value when the contributor alone is left out. */
  readonly pearsonLeaveOneOut?: number;
  readonly spearmanLeaveOneOut?: number;
  /** Of pay with Shapley's value of the very answers that were paid for, true or not. */
  readonly pearsonAnswers?: number;
  /** Of pay with the value of true labels, had receipts explained the true labels: what not knowing them costs. */
  readonly pearsonJudged?: number;
  /** Correlation of Shapley's values of one seed with another's: what pay cannot exceed by much. */
  readonly valueStability?: number;
  /** Mean correlation of one seed's pay with another's. */
  readonly stability?: number;
  /** Pay a row of each planted contributor ÷ that of honest ones. */
  readonly planted: Readonly<Record<Plant, number | undefined>>;
  /** Pay of the copied contributor and its copier together, relative to its pay without copies; 1 is no gain. */
  readonly copyGain?: number;
  /** Most that any contributor gains by splitting blindly, and informed; pay after ÷ before. */
  readonly sybilGain: number;
  readonly sybilContributor: string;
  readonly sybilInformed: number;
  /** Most that two contributors gain by merging; pay after ÷ before. */
  readonly mergeGain: number;
  /** Best return on a fee paid to oneself, asking about own rows; above 1 it pays. */
  readonly selfReturn?: number;
  /** Best return on fees with the host's choice of queries. */
  readonly hostReturn?: number;
}
