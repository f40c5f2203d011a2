/**
 * The incentive benchmark: every data set × method × policy, and what each contributor was measured to be worth. Trainings
 * and retrainings are jobs of the pool, kept in the store, so an interrupted run goes on where it was; all that follows
 * them is arithmetic. Nothing in the result depends on the clock, on the pool or on what the store held.
 */
import type { Engine } from '../engine/index.js';
import { MeedError, type Progress, silent } from '../foundation/index.js';
import { CancelledError, type MapOptions } from '../work/index.js';
import type { IdentityCurve } from './identities.js';
import { measure, type ScoredTrial } from './measure.js';
import { plant } from './planted.js';
import { POLICIES } from './policies/index.js';
import type { Policy, PolicyCard } from './policy.js';
import type { IncentiveRow } from './row.js';
import { countRows } from './scoredBatch.js';
import type { ScoreMethod, Subject } from './subject.js';
import { type OutputCounts, openTrial, scoreTrial, type Trial } from './trial.js';
import { type MeasuredValues, meanValues, measureValues, type ValueOptions } from './values.js';

export interface IncentiveOptions extends ValueOptions, Omit<MapOptions, 'unit' | 'progress'> {
  readonly engine: Engine;
  readonly subjects: readonly Subject[];
  readonly methods: readonly ScoreMethod[];
  /** All that there are unless told. */
  readonly policies?: readonly Policy[];
  /** Of training, at least one; the first decides every choice of rows, and is the one whose value is always measured. */
  readonly seeds: readonly number[];
  readonly counts: OutputCounts;
  /** Bootstrap samples of outputs. */
  readonly resamples: number;
}

/** What one contributor is worth and is paid. */
export interface ContributorFigures {
  readonly dataset: string;
  readonly contributor: string;
  readonly rows: number;
  /** Shapley's value in nats of mean held-out loss, mean over seeds. */
  readonly shapley: number;
  /** Fall of −loss when it alone is left out. */
  readonly leaveOneOut: number;
  /** Part of the fees by method and policy, mean over seeds. */
  readonly shares: readonly { readonly method: string; readonly policy: string; readonly share: number }[];
}

export interface NamedCurve extends Omit<IdentityCurve, 'contributor'> {
  readonly dataset: string;
  readonly method: string;
  readonly policy: string;
  readonly contributor: string;
}

export interface ValueFigures {
  readonly dataset: string;
  readonly how: MeasuredValues['how'];
  /** Coalitions evaluated, over all seeds. */
  readonly coalitions: number;
  readonly outputs: number;
  /** Largest standard error of a contributor's sampled value; 0 when exact. */
  readonly samplingError: number;
}

export interface IncentiveResult {
  readonly rows: readonly IncentiveRow[];
  readonly contributors: readonly ContributorFigures[];
  readonly curves: readonly NamedCurve[];
  readonly values: readonly ValueFigures[];
  readonly policies: readonly PolicyCard[];
}

/** @throws MeedError when an option is out of range, or a data set is too small */
export async function runIncentives(options: IncentiveOptions, progress: Progress = silent): Promise<IncentiveResult> {
  checkOptions(options);
  const results: Awaited<ReturnType<typeof runSubject>>[] = [];
  for (const subject of options.subjects) results.push(await runSubject(subject, options, progress));
  return {
    rows: results.flatMap(({ rows }) => rows),
    contributors: results.flatMap(({ contributors }) => contributors),
    curves: results.flatMap(({ curves }) => curves),
    values: results.flatMap(({ values }) => values),
    policies: (options.policies ?? POLICIES).map(({ card }) => card),
  };
}

async function runSubject(
  subject: Subject,
  options: IncentiveOptions,
  progress: Progress,
): Promise<Omit<IncentiveResult, 'policies'>> {
  const { engine, methods, policies = POLICIES, seeds, counts, resamples, mostCoalitions } = options;
  const { where, store, signal, notice } = options;
  const work: MapOptions = { where, store, signal, notice, progress };
  const [dataSeed] = seeds;
  const trials: Trial[] = [];
  for (const seed of seeds) trials.push(await openTrial(engine, subject, { seed, dataSeed, counts }, work));
  const values: MeasuredValues[] = [];
  // the first seed's value always, the others' as far as the coalitions go
  const valued = Math.max(1, Math.floor(mostCoalitions / 2 ** subject.dataset.contributors.length));
  for (const trial of trials.slice(0, valued)) values.push(await measureValues(subject, trial, options, work));
  const plants = plant(subject.dataset, dataSeed);
  const withPlants = { ...subject, dataset: plants.dataset };
  const planted = await openTrial(engine, withPlants, { seed: dataSeed, dataSeed, counts }, work);

  const rows: IncentiveRow[] = [];
  const curves: NamedCurve[] = [];
  const shares: { method: string; policy: string; shares: Float64Array }[] = [];
  for (const [m, method] of methods.entries()) {
    const natural: ScoredTrial[] = [];
    for (const [s, trial] of trials.entries()) {
      natural.push({ trial, scores: await scoreTrial(trial, method), values: values[s] });
    }
    const plantedScores = { trial: planted, scores: await scoreTrial(planted, method) };
    for (const [p, policy] of policies.entries()) {
      const measured = measure({
        subject: subject.name,
        method,
        policy,
        natural,
        planted: plantedScores,
        plants,
        resamples,
        seed: dataSeed,
      });
      const place = { dataset: subject.name, method: method.name, policy: policy.card.name };
      rows.push(measured.row);
      shares.push({ ...place, shares: measured.shares });
      for (const curve of measured.curves) {
        curves.push({ ...place, ...curve, contributor: plants.dataset.contributors[curve.contributor].name });
      }
      progress(m * policies.length + p + 1, methods.length * policies.length, `policies on ${subject.name}`);
      if (signal?.aborted) throw new CancelledError('The incentive benchmark');
    }
  }
  return {
    rows,
    curves,
    contributors: contributorFigures(subject, values, shares),
    values: values.slice(0, 1).map(({ how }) => ({
      dataset: subject.name,
      how,
      coalitions: values.reduce((sum, measured) => sum + measured.coalitions, 0),
      outputs: trials[0].valueOutputs.rows,
      samplingError: Math.max(...values.map(({ samplingError }) => samplingError)),
    })),
  };
}

function contributorFigures(
  { name, dataset }: Subject,
  values: readonly MeasuredValues[],
  shares: readonly { method: string; policy: string; shares: Float64Array }[],
): ContributorFigures[] {
  const counts = countRows(dataset.train.contributors, dataset.contributors.length);
  const mean = (of: (measured: MeasuredValues) => number): number =>
    values.reduce((sum, measured) => sum + of(measured), 0) / values.length;
  return dataset.contributors.map((contributor, c) => ({
    dataset: name,
    contributor: contributor.name,
    rows: counts[c],
    shapley: mean(({ shapley }) => meanValues(shapley)[c]),
    leaveOneOut: mean(({ leaveOneOut }) => meanValues(leaveOneOut)[c]),
    shares: shares.map(({ method, policy, shares: all }) => ({ method, policy, share: all[c] })),
  }));
}

function checkOptions({
  subjects,
  methods,
  seeds,
  mostCoalitions,
  permutations,
  resamples,
  counts,
}: IncentiveOptions): void {
  if (subjects.length === 0 || methods.length === 0 || seeds.length === 0) {
    throw new MeedError(
      `${subjects.length} data sets, ${methods.length} methods and ${seeds.length} seeds were given`,
      'Give at least one of each',
      { exitCode: 2 },
    );
  }
  const whole = { mostCoalitions, permutations, ...counts };
  for (const [name, value] of Object.entries(whole)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new MeedError(`The option ${name} is ${value}`, 'Give a whole number of at least 1', { exitCode: 2 });
  }
  if (!Number.isInteger(resamples) || resamples < 0) {
    throw new MeedError(`${resamples} resamples were asked for`, 'Give a whole number, 0 for no intervals', {
      exitCode: 2,
    });
  }
}
