/**
 * What a measure is: something that is planted, removed or retrained once for all methods (`prepare`), and figures that
 * compare the scores of one method with it. Adding a measure is one file that exports a `Measure`, and one line in
 * measures.ts. Every figure has an interval and says what chance gives, where chance gives something.
 */
import type { Engine } from '../../../engine/index.js';
import { MeedError } from '../../../foundation/index.js';
import type { Model, Samples } from '../../../models/index.js';
import type { Attribution, MethodCard, TrainedRun } from '../../methods/index.js';
import type { Scorer } from '../../scorer.js';
import type { Experiment, RetrainingOptions, RunChoice, Truth, TruthChoice } from '../retraining/index.js';
import type { BootstrapOptions, Estimate } from '../statistics/index.js';

/** How much each measure does; all of it decides the figures. */
export interface Sizes {
  /** Samples left out one at a time. */
  readonly leftOut: number;
  /** Samples of the mislabel and shortcut measures, at most. */
  readonly planted: number;
  /** Share of them whose label is flipped. */
  readonly flipped: number;
  /** Outputs whose top samples are removed, one retraining for each and each count. */
  readonly removalQueries: number;
  /** Top samples removed for one output. */
  readonly counts: readonly number[];
  /** Shares of all samples removed at once. */
  readonly shares: readonly number[];
  /** Random removals, and seeds of trainings after a removal. */
  readonly repeats: number;
  /** Copies planted, one of each of as many queries. */
  readonly copies: number;
}

/** What is evaluated on: everything but the method. */
export interface Setting extends Experiment {
  /** For a person: "glyphs/mlp". */
  readonly name: string;
  readonly engine: Engine;
  /** Queries that figures are of. */
  readonly evaluation: Samples;
  /** Queries that settings are chosen on; none of them among the former. */
  readonly heldOut: Samples;
  /** Other outputs yet, which methods may fit a basis to. */
  readonly calibration?: Samples;
  readonly subsets: TruthChoice;
  readonly runs: RunChoice;
  readonly sizes: Sizes;
  /** Of all random choices. */
  readonly seed: number;
}

/** What all measures of a setting share. */
export interface Ground {
  /** Trained on the setting's own samples; the first is explained. */
  readonly runs: readonly [TrainedRun, ...TrainedRun[]];
  readonly truth: { readonly heldOut: Truth; readonly evaluation: Truth };
}

export interface Figure extends Estimate {
  /** Which of the measure's figures: "10 removed". Empty where there is one. */
  readonly at: string;
  /** Where the figure is a point of a curve: the curve's name and the abscissa. */
  readonly curve?: { readonly name: string; readonly x: number };
  /** What random scores would get, measured or known. */
  readonly chance?: number;
  /** What the best predictor could get. */
  readonly ceiling?: number;
  /** Queries without a figure, left out of the mean. */
  readonly dropped?: number;
}

export interface MeasureOptions extends BootstrapOptions {
  readonly work: RetrainingOptions;
}

/** A measure, made ready for any number of methods. */
export interface Trial {
  /** What the method is opened on. */
  readonly attribution: Attribution;
  /** @param method how the scorer was made, where the figures depend on it */
  figures(
    scorer: Scorer,
    method: Pick<MethodCard, 'form' | 'needs'>,
    options: MeasureOptions,
  ): Promise<readonly Figure[]>;
}

export interface Measure {
  /** As on the command line. */
  readonly name: string;
  /** What its figures say, one sentence. */
  readonly claim: string;
  /** @throws MeedError when the setting does not fit */
  prepare(setting: Setting, ground: () => Promise<Ground>, options: MeasureOptions): Promise<Trial>;
}

/** @throws MeedError when the model tells no classes apart */
export function refuseUnlessClasses({ objective, classes }: Model, measure: string): void {
  if (objective === 'class' && classes > 1) return;
  throw new MeedError(
    `The measure ${measure} changes or compares classes, and the model's objective is ${objective} with ${classes} classes`,
    'Leave the measure out, or choose a classifier',
  );
}

/** The setting's own attribution. */
export function attributionOf(setting: Setting, runs: Ground['runs']): Attribution {
  const { engine, model, samples, calibration, seed } = setting;
  return { engine, model, samples, runs, ...(calibration && { calibration }), seed };
}
