/**
 * The figures of one method and one policy on one subject. The trials are made before; nothing here trains or scores, so
 * this is arithmetic on score matrices, the same on every machine that was given the same scores.
 */

import { bootstrapDraws, type Interval, pearson, percentileInterval, spearman } from '../influence/index.js';
import { queryReturns } from './chosenQueries.js';
import { type IdentityCurve, identityCurve, mergeGain, rowsInOrder } from './identities.js';
import { PLANTS, type Plant, type PlantedDataset } from './planted.js';
import type { Policy } from './policy.js';
import type { IncentiveRow } from './row.js';
import { countRows, type ReceiptScores, ScoredBatch } from './scoredBatch.js';
import type { Trial, TrialScores } from './trial.js';
import { type MeasuredValues, meanValues, type OutputValues } from './values.js';

/** A trial and one method's scores of all its outputs. */
export interface ScoredTrial {
  readonly trial: Trial;
  readonly scores: TrialScores;
  /** Of the seeds that it was measured for. */
  readonly values?: MeasuredValues;
}

export interface MeasureInput {
  readonly subject: string;
  readonly method: { readonly name: string; readonly additivity: 'complete' | 'relative' };
  readonly policy: Policy;
  /** One a seed, the data as they are. */
  readonly natural: readonly ScoredTrial[];
  /** The data with planted contributors, one seed. */
  readonly planted: ScoredTrial;
  readonly plants: PlantedDataset;
  readonly resamples: number;
  readonly seed: number;
}

export interface Measured {
  readonly row: IncentiveRow;
  readonly curves: readonly IdentityCurve[];
  /** Part of the fees of each contributor of the data as they are, mean over seeds. */
  readonly shares: Float64Array;
}

/** Fees of receipts: one, two or three units, as short and long answers would cost. */
export function feeOf(receipt: number): number {
  return 1 + (receipt % 3);
}

export function measure(input: MeasureInput): Measured {
  const { subject, method, policy, natural, planted, plants } = input;
  const [first] = natural;
  const batches = natural.map(({ trial, scores }) => receiptBatch(trial, scores.given));
  const shares = batches.map((batch) => sharesOf(policy, batch));
  const curves = splitCurves(policy, planted);
  const blind = curves.filter(({ dealing }) => dealing === 'blind');
  const worst = blind.reduce((most, curve) => (curve.gain > most.gain ? curve : most));
  const mean = meanOf(shares);
  const row: IncentiveRow = {
    dataset: subject,
    method: method.name,
    policy: policy.card.name,
    contributors: first.trial.contributors,
    rows: first.trial.owners.length,
    receipts: first.trial.receipts,
    ...(method.additivity === 'complete' ? { completeness: average(natural.map(completenessOf)) } : {}),
    coherence: average(natural.map(coherenceOf)) ?? 0,
    unpaid: average(shares.map((share) => 1 - share.reduce((sum, value) => sum + value, 0))) ?? 0,
    ...correlations(input, batches, shares),
    valueStability: pairwise(natural.flatMap(({ values }) => (values ? [meanValues(values.shapley)] : []))),
    stability: pairwise(shares),
    ...plantedFigures(policy, planted, plants, shares[0]),
    sybilGain: worst.gain,
    sybilContributor: plants.dataset.contributors[worst.contributor].name,
    sybilInformed: Math.max(...curves.map(({ gain }) => gain)),
    mergeGain: mergeGain(policy, receiptBatch(planted.trial, planted.scores.given)),
    ...returns(policy, first.trial, batches[0]),
  };
  return { row, curves, shares: mean };
}

/** Receipts have fees, the other outputs none, so that they do not count. */
export function receiptBatch({ receipts, owners, contributors }: Trial, scores: ReceiptScores): ScoredBatch {
  const fees = new Float64Array(scores.receipts);
  for (let q = 0; q < receipts; q++) fees[q] = feeOf(q);
  return new ScoredBatch(scores, fees, owners, contributors);
}

/** The receipts alone, by scores of other targets. */
function judgedBatch({ owners, contributors }: Trial, scores: ReceiptScores): ScoredBatch {
  return new ScoredBatch(
    scores,
    Float64Array.from({ length: scores.receipts }, (_, q) => feeOf(q)),
    owners,
    contributors,
  );
}

function sharesOf(policy: Policy, batch: ScoredBatch): Float64Array {
  const total = batch.totalFee();
  return policy.pay(batch).map((pay) => pay / total);
}

function completenessOf({ trial, scores }: ScoredTrial): number | undefined {
  let sum = 0;
  for (let q = 0; q < trial.receipts; q++) sum += scores.given.of(q).reduce((total, score) => total + score, 0);
  return trial.fall === 0 ? undefined : sum / trial.fall;
}

function coherenceOf({ trial, scores }: ScoredTrial): number {
  let mean = 0;
  for (let q = 0; q < trial.receipts; q++) {
    const own = scores.given.of(q);
    const size = own.reduce((sum, score) => sum + Math.abs(score), 0);
    if (size > 0) mean += Math.abs(own.reduce((sum, score) => sum + score, 0)) / size / trial.receipts;
  }
  return mean;
}

type Correlations = Pick<
  IncentiveRow,
  | 'pearson'
  | 'pearsonInterval'
  | 'spearman'
  | 'spearmanInterval'
  | 'pearsonPerRow'
  | 'pearsonLeaveOneOut'
  | 'spearmanLeaveOneOut'
  | 'pearsonAnswers'
  | 'pearsonJudged'
>;

type Side = Float64Array;

/** Over the seeds whose value was measured; receipts and value outputs are drawn again together for all of them. */
function correlations(
  { policy, natural, resamples, seed }: MeasureInput,
  batches: readonly ScoredBatch[],
  shares: readonly Float64Array[],
): Correlations {
  const valued = natural.flatMap(({ values, trial, scores }, at) =>
    values ? [{ values, trial, scores, batch: batches[at], share: shares[at] }] : [],
  );
  if (valued.length === 0) return {};
  type Valued = (typeof valued)[number];
  const [{ trial }] = valued;
  const counts = countRows(trial.owners, trial.contributors);
  const perRow = (side: Side): Side => side.map((value, c) => value / Math.max(1, counts[c]));
  const over = (figure: (at: Valued) => number | undefined): number | undefined => average(valued.map(figure));
  const against = (of: (values: MeasuredValues) => OutputValues) => (at: Valued) =>
    correlation(pearson, at.share, meanValues(of(at.values)));
  const drawn =
    resamples === 0
      ? []
      : bootstrapDraws(
          [trial.receipts, trial.valueOutputs.rows],
          (receipts, outputs) => {
            const sides = valued.map(({ values, batch }) => ({
              pay: policy.pay(batch.withFees(batch.fees.map((fee, q) => fee * (receipts[q] ?? 0)))),
              value: meanValues(values.shapley, outputs),
            }));
            return {
              pearson: average(sides.map(({ pay, value }) => correlation(pearson, pay, value))),
              spearman: average(sides.map(({ pay, value }) => correlation(spearman, pay, value))),
            };
          },
          { replicates: resamples, seed },
        );
  return {
    pearson: over(against(({ shapley }) => shapley)),
    pearsonInterval: intervalOf(drawn.map((figures) => figures.pearson)),
    spearman: over(({ share, values }) => correlation(spearman, share, meanValues(values.shapley))),
    spearmanInterval: intervalOf(drawn.map((figures) => figures.spearman)),
    pearsonPerRow: over(({ share, values }) => correlation(pearson, perRow(share), perRow(meanValues(values.shapley)))),
    pearsonLeaveOneOut: over(against(({ leaveOneOut }) => leaveOneOut)),
    spearmanLeaveOneOut: over(({ share, values }) => correlation(spearman, share, meanValues(values.leaveOneOut))),
    pearsonAnswers: over(against(({ answers }) => answers)),
    pearsonJudged: over(({ trial: own, scores, values }) =>
      correlation(pearson, policy.pay(judgedBatch(own, scores.judged)), meanValues(values.shapley)),
    ),
  };
}

/** @returns undefined when fewer than half of the draws have a figure */
function intervalOf(figures: readonly (number | undefined)[]): Interval | undefined {
  const found = figures.filter((figure) => figure !== undefined);
  return found.length === 0 || found.length < figures.length / 2
    ? undefined
    : percentileInterval(Float64Array.from(found));
}

/** A correlation, where there is one: a side that is constant but for rounding has none. */
function correlation(of: typeof pearson, x: Side, y: Side): number | undefined {
  if (isConstant(x) || isConstant(y)) return undefined;
  const figure = of(x, y);
  return Number.isNaN(figure) ? undefined : figure;
}

/** What sums in another order may differ by, relative to the largest. */
const ROUNDING = 1e-9;

function isConstant(side: Side): boolean {
  const [low, high] = [Math.min(...side), Math.max(...side)];
  return high - low <= ROUNDING * Math.max(Math.abs(low), Math.abs(high));
}

function splitCurves(policy: Policy, { trial, scores }: ScoredTrial): IdentityCurve[] {
  const batch = receiptBatch(trial, scores.given);
  // what attackers know is an earlier batch, not the one that pays
  const earlier = batch
    .withFees(batch.fees.map((_, q) => (q >= trial.receipts && q < trial.receipts + trial.earlier ? 1 : 0)))
    .pooled();
  batch.pooled();
  return Array.from({ length: trial.contributors }, (_, c) => c).flatMap((c) => [
    identityCurve(policy, batch, c, rowsInOrder(trial.owners, c), 'blind'),
    identityCurve(policy, batch, c, rowsInOrder(trial.owners, c, earlier), 'informed'),
  ]);
}

function plantedFigures(
  policy: Policy,
  { trial, scores }: ScoredTrial,
  { plants, victim, honest }: PlantedDataset,
  before: Float64Array,
): Pick<IncentiveRow, 'planted' | 'copyGain'> {
  const shares = sharesOf(policy, receiptBatch(trial, scores.given));
  const counts = countRows(trial.owners, trial.contributors);
  let [pay, rows] = [0, 0];
  for (const [c, share] of shares.entries()) {
    if (!honest[c]) continue;
    pay += share;
    rows += counts[c];
  }
  const perRow = (c: number): number | undefined => ratio(shares[c] / counts[c], pay / rows);
  const entries = PLANTS.map((kind): [Plant, number | undefined] => [kind, perRow(plants[kind])]);
  // among the contributors that are in both trainings and the copiers, so that other plants' pay does not count
  const common = Array.from(before.keys());
  const [together, all] = [
    shares[victim] + shares[plants.copied] + shares[plants['near-copied']],
    common.reduce((sum, c) => sum + shares[c], 0) + shares[plants.copied] + shares[plants['near-copied']],
  ];
  const alone = ratio(
    before[victim],
    before.reduce((sum, share) => sum + share, 0),
  );
  const after = ratio(together, all);
  return {
    planted: Object.fromEntries(entries) as Record<Plant, number | undefined>,
    copyGain: alone === undefined || after === undefined ? undefined : ratio(after, alone),
  };
}

function returns(policy: Policy, trial: Trial, batch: ScoredBatch): Pick<IncentiveRow, 'selfReturn' | 'hostReturn'> {
  const own = trial.receipts + trial.earlier;
  const hosts = Array.from({ length: trial.outputs.rows - trial.receipts }, (_, k) => trial.receipts + k);
  const selfish = queryReturns(policy, batch, (c) =>
    Array.from(trial.askers.keys())
      .filter((k) => trial.askers[k] === c)
      .map((k) => own + k),
  );
  return { selfReturn: most(selfish), hostReturn: most(queryReturns(policy, batch, () => hosts)) };
}

function most(returns: readonly { readonly return: number }[]): number | undefined {
  return returns.length === 0 ? undefined : Math.max(...returns.map((one) => one.return));
}

/** Mean correlation of every two. */
function pairwise(sides: readonly Side[]): number | undefined {
  const found: (number | undefined)[] = [];
  for (let a = 0; a < sides.length; a++)
    for (let b = a + 1; b < sides.length; b++) found.push(correlation(pearson, sides[a], sides[b]));
  return average(found);
}

/** Of those that there are. */
function average(figures: readonly (number | undefined)[]): number | undefined {
  const found = figures.filter((figure) => figure !== undefined);
  return found.length === 0 ? undefined : found.reduce((sum, figure) => sum + figure, 0) / found.length;
}

function meanOf(sides: readonly Side[]): Side {
  return sides[0].map((_, c) => sides.reduce((sum, side) => sum + side[c], 0) / sides.length);
}

/** @returns undefined where there is nothing to compare with */
function ratio(value: number, base: number): number | undefined {
  return base > 0 && Number.isFinite(value) ? value / base : undefined;
}
