/**
 * One output explained: what the method claims, what the model said, the rows that helped and harmed most, and what each
 * contributor's rows add up to. A plain object; `text.ts`, `json.ts` and `page.ts` show it. The trap: a list of a few rows is
 * a small part of the sum, so both signs' totals stand beside it.
 */
import type { StoredDataset } from '../../data/index.js';
import { MeedError } from '../../foundation/index.js';
import { type ContributorScore, explainReceipt, METHODS, type RowScore } from '../../influence/index.js';
import type { AttributionIndex } from '../../prover/attributionIndex.js';
import type { Receipts } from '../../prover/receipts.js';
import type { ReportData } from '../data.js';
import { type ShownRow, shownRow } from '../shownRow.js';

/** What the scores of a method mean. */
export interface Claim {
  readonly method: string;
  /** One sentence. */
  readonly sentence: string;
  /** One unit of a score. */
  readonly scale: string;
  readonly additivity: string;
}

export type ExplainedRow = RowScore & ShownRow;

export interface OutputExplanation extends ShownRow {
  readonly receipt: number;
  readonly predictedClass: number;
  readonly confidence: number;
  readonly outputHash: string;
  /** Known of held-out rows only; nobody has it when the model is used. */
  readonly trueLabel: number;
  readonly claim: Claim;
  /** By how much training lowered the output's loss, in nats: what complete scores add up to. */
  readonly lossFall: number;
  readonly helpful: readonly ExplainedRow[];
  readonly harmful: readonly ExplainedRow[];
  readonly contributors: readonly ContributorScore[];
  /** Over all contributors. */
  readonly total: Omit<ContributorScore, 'contributor'>;
  readonly dataset: Pick<ReportData, 'classes' | 'featureShape' | 'featureNames'> & {
    readonly title: string;
    readonly contributorNoun: string;
  };
}

export interface ExplanationSources {
  readonly stored: Pick<StoredDataset, 'dataset'>;
  readonly index: {
    readonly options: Pick<AttributionIndex['options'], 'scorer'>;
    readonly artefact: { readonly manifest: Pick<AttributionIndex['artefact']['manifest'], 'facts'> };
  };
  readonly receipts: Pick<Receipts, 'receipts' | 'scoresPath'>;
}

/**
 * @param count rows of each sign, at most
 * @throws MeedError when there is no such receipt, or the scores name rows that the data set does not have
 */
export async function explainOutput(
  { stored, index, receipts }: ExplanationSources,
  receipt: number,
  count: number,
): Promise<OutputExplanation> {
  const { dataset } = stored;
  const { card, train, heldOut } = dataset;
  const { helpful, harmful, contributors } = await explainReceipt(receipts.scoresPath, receipt, count);
  const output = receipts.receipts[receipt];
  const total = contributors.reduce(
    (sum, { rows, score, helped, harmed }) => ({
      rows: sum.rows + rows,
      score: sum.score + score,
      helped: sum.helped + helped,
      harmed: sum.harmed + harmed,
    }),
    { rows: 0, score: 0, helped: 0, harmed: 0 },
  );
  if (output === undefined || total.rows !== train.rows) {
    throw new MeedError(
      `The scores of receipt ${receipt} are of ${total.rows} rows, the data set has ${train.rows} and the run ${receipts.receipts.length} receipts`,
      'The folders are not of one run: make the receipts again',
    );
  }
  const shown = (row: RowScore): ExplainedRow => ({ ...row, ...shownRow(dataset, train, row.row) });
  return {
    receipt,
    predictedClass: output.predictedClass,
    confidence: output.confidence,
    outputHash: output.outputHash,
    trueLabel: heldOut.labels[output.heldOutRow],
    ...shownRow(dataset, heldOut, output.heldOutRow),
    claim: claimOf(index),
    lossFall: output.initialLoss - output.trainedLoss,
    helpful: helpful.map(shown),
    harmful: harmful.map(shown),
    contributors,
    total,
    dataset: {
      title: card.title,
      contributorNoun: card.contributorColumn,
      classes: card.classes,
      featureShape: card.featureShape,
      featureNames: card.featureNames,
    },
  };
}

/** The method's own words where it is a known one; what the index says of its scores otherwise. */
export function claimOf({ options, artefact }: ExplanationSources['index']): Claim {
  const { scale, additivity } = artefact.manifest.facts;
  const known = METHODS.find(({ name }) => name === options.scorer);
  const unit = known?.scale ?? (typeof scale === 'string' ? scale : 'of an unknown unit');
  const what = known?.claim ?? 'how much the sample helped the output';
  return {
    method: options.scorer,
    sentence: `A score says ${what}: positive helped, negative harmed, in ${unit}.`,
    scale: unit,
    additivity: known?.additivity ?? (typeof additivity === 'string' ? additivity : 'relative'),
  };
}

/** "it is X", as people say a class. */
export function classOf({ dataset }: OutputExplanation, label: number): string {
  return dataset.classes[label] ?? `class ${label}`;
}

/** What the sum of complete scores can be compared with; nothing of relative ones. */
export function completenessSentence({ claim, total, lossFall }: OutputExplanation): string | undefined {
  if (claim.additivity !== 'complete') return undefined;
  return `All scores add up to ${total.score.toPrecision(4)}; training lowered the loss of this output by ${lossFall.toPrecision(4)}.`;
}
