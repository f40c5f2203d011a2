/**
 * The figures of a finished run, from its artefacts and the chain's events alone: nothing here is carried over in memory
 * from the stages, except the times they took.
 */

import type { AuditResult } from '../chain/auditor/index.js';
import type { ChainEvents } from '../chain/index.js';
import type { Registration, Transaction } from '../chain/validator/index.js';
import type { Contributor, StoredDataset } from '../data/index.js';
import type { TrainedModel } from '../models/index.js';
import type { AttributionIndex, Epoch, Proofs, Receipts } from '../prover/index.js';
import { contributorRanges, rowScores, shareWithIdentities } from '../prover/index.js';
import type { Completeness, IdentityCurve, Payout, StageTime, Summary } from './summary.js';

export interface FinishedRun {
  readonly stored: StoredDataset;
  /** With what was planted. */
  readonly evaluation: readonly Contributor[];
  readonly trained: TrainedModel;
  readonly index: AttributionIndex;
  readonly receipts: Receipts;
  readonly epoch: Epoch;
  readonly registration: Registration;
  readonly proofs: Proofs;
  readonly events: ChainEvents;
  readonly transactions: readonly Transaction[];
  readonly audit: AuditResult;
  readonly stages: readonly StageTime[];
  readonly totalSeconds: number;
  readonly provingSeconds: number;
  readonly ids: Readonly<Record<string, string>>;
  readonly report: string;
}

/** Identities that the curve is computed at, besides one per row. */
const IDENTITIES = [1, 4, 16] as const;

export function summarise(run: FinishedRun): Summary {
  const { stored, trained, index, epoch, registration, proofs } = run;
  const { dataset } = stored;
  const payouts = payoutsOf(run);
  const { manifest } = proofs.artefact;
  return {
    dataset: dataset.card.name,
    title: dataset.card.title,
    seed: trained.options.seed,
    engine: String(trained.artefact.manifest.parameters.engine),
    scorer: index.options.scorer,
    instance: index.options.instance,
    stages: run.stages,
    totalSeconds: run.totalSeconds,
    samples: dataset.train.rows,
    heldOut: dataset.heldOut.rows,
    contributors: dataset.contributors.length,
    receipts: run.receipts.receipts.length,
    slots: index.slots.length,
    shards: epoch.shards.length,
    batches: epoch.batches.length,
    accuracy: {
      train: Number(trained.artefact.manifest.facts.trainAccuracy),
      heldOut: Number(trained.artefact.manifest.facts.heldOutAccuracy),
    },
    constraints: Number(manifest.facts.constraints),
    keyForgeable: manifest.facts.forgeable === true,
    proofs: proofs.proofs.length,
    provingSeconds: run.provingSeconds,
    chainId: registration.deployment.chainId,
    settlement: registration.deployment.addresses.EpochSettlement,
    transactions: run.transactions,
    fees: feesOf(run),
    payouts,
    medianPerRow: median(payouts.map((payout) => payout.perRow)),
    completeness: completenessOf(run),
    identities: identityCurves(run),
    audit: run.audit,
    ids: run.ids,
    report: run.report,
  };
}

function feesOf({ events, registration, receipts }: FinishedRun): Summary['fees'] {
  const credits = events.Credited.filter((event) => event.epoch === registration.epoch);
  const sum = (role: string): bigint =>
    credits.filter((event) => event.role === role).reduce((total, event) => total + event.amount, 0n);
  const dust = events.BatchPaid.filter((event) => event.epoch === registration.epoch).reduce(
    (total, event) => total + event.dust,
    0n,
  );
  return {
    total: String(receipts.receipts.reduce((total, { fee }) => total + fee, 0n)),
    platform: String(sum('treasury') - dust),
    modelOwner: String(sum('modelOwner')),
    stakers: String(sum('stakers')),
    contributors: String(sum('contributor')),
    dust: String(dust),
  };
}

function payoutsOf({ stored, evaluation, index, epoch, events, registration }: FinishedRun): Payout[] {
  const { dataset, addresses } = stored;
  const ranges = contributorRanges(index, addresses.length);
  const earned = addresses.map((address) =>
    events.Credited.filter(
      (e) => e.epoch === registration.epoch && e.role === 'contributor' && e.account === address,
    ).reduce((total, e) => total + e.amount, 0n),
  );
  const all = earned.reduce((total, amount) => total + amount, 0n);
  const Q = index.options.instance.queries;
  const score = (c: number): bigint =>
    epoch.shards.reduce(
      (total, shard, s) =>
        total +
        shard.owners.reduce(
          (sum, owner, k) =>
            owner === c
              ? sum +
                epoch.scores[s].reduce(
                  (batchSum, scores) => batchSum + scores.subarray(k * Q, (k + 1) * Q).reduce((a, b) => a + b, 0n),
                  0n,
                )
              : sum,
          0n,
        ),
      0n,
    );
  return dataset.contributors
    .map(({ name }, c): Payout => {
      const rows = ranges[c].end - ranges[c].start;
      const share = all === 0n ? 0 : Number(earned[c]) / Number(all);
      return {
        contributor: name,
        address: addresses[c],
        planted: evaluation.find((entry) => entry.name === name)?.planted,
        rows,
        score: String(score(c)),
        amount: String(earned[c]),
        share,
        perRow: (share * dataset.train.rows) / rows,
      };
    })
    .toSorted((a, b) => b.share - a.share);
}

function completenessOf({ receipts: { receipts } }: FinishedRun): Completeness {
  const total = (of: (receipt: (typeof receipts)[number]) => number): number =>
    receipts.reduce((sum, receipt) => sum + of(receipt), 0);
  const scoreSum = total((receipt) => receipt.scoreSum);
  const lossFall = total((receipt) => receipt.initialLoss - receipt.trainedLoss);
  return {
    sumOverMagnitude: Math.abs(scoreSum) / total((receipt) => receipt.scoreMagnitude),
    scoreSum,
    lossFall,
    ratio: scoreSum / lossFall,
  };
}

function identityCurves({ stored, evaluation, index, receipts }: FinishedRun): IdentityCurve[] {
  const scores = rowScores(index, receipts);
  const fees = receipts.receipts.map((receipt) => receipt.fee);
  const ranges = contributorRanges(index, stored.addresses.length);
  return stored.dataset.contributors.map(({ name }, c) => {
    const rows = ranges[c].end - ranges[c].start;
    const counts = [...IDENTITIES.filter((identities) => identities < rows), rows];
    return {
      contributor: name,
      planted: evaluation.find((entry) => entry.name === name)?.planted,
      points: counts.map((identities) => ({
        identities,
        share: shareWithIdentities(scores, fees, ranges, c, identities),
      })),
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 0 ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)];
}
