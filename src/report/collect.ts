/**
 * Explained outputs, from the artefacts: the rows that helped and harmed are looked up in the receipts' scores, the
 * payouts are split again from the epoch's integers exactly as the contract splits them. The trap: what was planted must
 * come from `readEvaluation`, never from the data set, so that a report is the first to see it.
 */
import type { Contributor, StoredDataset } from '../data/index.js';
import { MeedError } from '../foundation/index.js';
import { explainReceipt, type RowScore } from '../influence/index.js';
import type { Epoch } from '../prover/epoch.js';
import type { Receipts } from '../prover/receipts.js';
import { type FeePolicy, splitFee, splitPool, sumByContributor } from '../prover/reference/index.js';
import type { ExplainedOutput, InfluentialRow, Payee } from './data.js';
import { shownRow } from './shownRow.js';

export interface OutputSources {
  readonly stored: StoredDataset;
  /** From `readEvaluation`: the same contributors, with what was planted. */
  readonly contributors: readonly Contributor[];
  readonly receipts: Pick<Receipts, 'receipts' | 'scoresPath'>;
  readonly epoch: Pick<Epoch, 'batches' | 'shards' | 'scores'>;
  readonly policy: FeePolicy;
}

/**
 * @param numbers receipts to explain, as `chooseReceipts` gives them
 * @param samples helpful and harmful rows of each, at most
 * @throws MeedError when a receipt is in no batch of the epoch
 */
export async function collectOutputs(
  sources: OutputSources,
  numbers: readonly number[],
  samples: number,
): Promise<ExplainedOutput[]> {
  const { stored, contributors, receipts } = sources;
  const { dataset } = stored;
  const { train, heldOut } = dataset;
  const plantedOf = new Map(contributors.map(({ name, planted }) => [name, planted]));
  const influential = ({ row, contributor, label, score }: RowScore): InfluentialRow => ({
    row,
    contributor,
    planted: plantedOf.get(contributor),
    label,
    score,
    ...shownRow(dataset, train, row),
  });
  const outputs: ExplainedOutput[] = [];
  for (const number of numbers) {
    const payouts = payeesOf(sources, number);
    const { heldOutRow, predictedClass, confidence, fee } = receipts.receipts[number];
    const { helpful, harmful } = await explainReceipt(receipts.scoresPath, number, samples);
    outputs.push({
      receipt: number,
      ...shownRow(dataset, heldOut, heldOutRow),
      predictedClass,
      trueLabel: heldOut.labels[heldOutRow],
      confidence,
      fee: String(fee),
      payouts,
      helpful: helpful.map(influential),
      harmful: harmful.map(influential),
    });
  }
  return outputs;
}

/** Receipts of different predicted classes, and one wrong answer if there is any: a report of successes explains little. */
export function chooseReceipts({ stored, receipts }: OutputSources, count: number): number[] {
  const { labels } = stored.dataset.heldOut;
  const all = receipts.receipts.map(({ predictedClass, heldOutRow }, number) => ({
    number,
    predictedClass,
    right: labels[heldOutRow] === predictedClass,
  }));
  const seen = new Set<number>();
  const distinct = all.filter(({ right, predictedClass }) => {
    if (!right || seen.has(predictedClass)) return false;
    seen.add(predictedClass);
    return true;
  });
  const wrong = all.filter(({ right }) => !right).slice(0, 1);
  const preferred = [...distinct.slice(0, Math.max(0, count - wrong.length)), ...wrong, ...all];
  return [...new Set(preferred.map(({ number }) => number))].slice(0, count).sort((a, b) => a - b);
}

/** Who is paid how much for one receipt, largest first. */
export function payeesOf({ contributors, epoch, receipts, policy }: OutputSources, number: number): Payee[] {
  const batch = epoch.batches.findIndex((each) => each.receipts.includes(number));
  if (batch < 0) {
    throw new MeedError(
      `Receipt ${number} is in no batch of the epoch`,
      `Name one from 0 to ${receipts.receipts.length - 1}, and give the epoch that was made from these receipts`,
    );
  }
  const column = epoch.batches[batch].receipts.indexOf(number);
  const queries = epoch.batches[batch].fees.length;
  const totals = contributors.map(() => 0n);
  for (const [shard, { owners }] of epoch.shards.entries()) {
    const sums = sumByContributor(epoch.scores[shard][batch], owners, contributors.length, queries);
    for (const c of totals.keys()) totals[c] += sums[c * queries + column];
  }
  const { shares } = splitPool(splitFee(receipts.receipts[number].fee, policy).pool, totals);
  return shares
    .map((amount, c) => ({ contributor: contributors[c].name, planted: contributors[c].planted, amount }))
    .filter(({ amount }) => amount > 0n)
    .sort((a, b) => (a.amount < b.amount ? 1 : a.amount > b.amount ? -1 : 0))
    .map(({ amount, ...payee }) => ({ ...payee, amount: String(amount) }));
}
