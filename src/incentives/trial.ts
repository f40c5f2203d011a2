/**
 * One training of a subject and the outputs that are explained. Held-out rows are dealt to three uses that share no row:
 * receipts, which are paid for; an earlier batch, from which attackers learn and choose; and the outputs that value is
 * measured on. A receipt explains the class that the model gave, since at inference nobody has the true label; value is
 * measured with true labels, since what data is worth is a better model, not one that agrees with itself.
 * The trap: attackers who choose on the receipts that they are then paid for look stronger than they can be.
 */
import type { Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { MeedError, Random } from '../foundation/index.js';
import type { Attribution, TrainedRun } from '../influence/index.js';
import {
  fitNormalisation,
  lossesOf,
  type Model,
  normalise,
  predict,
  predictedClasses,
  type Samples,
  selectSamples,
  stateSteps,
  trainMany,
} from '../models/index.js';
import type { MapOptions } from '../work/index.js';
import { ReceiptScores } from './scoredBatch.js';
import type { ScoreMethod, Subject } from './subject.js';

export interface OutputCounts {
  readonly receipts: number;
  readonly earlier: number;
  readonly values: number;
}

/** Rows of its own that each contributor may ask about. */
const OWN_QUERIES = 4;

export interface Trial {
  readonly seed: number;
  readonly owners: Int32Array;
  readonly contributors: number;
  readonly samples: Samples<Int32Array>;
  readonly attribution: Attribution;
  /** Receipts, then the earlier batch, then rows of the contributors' own; targets are the classes that the model gave. */
  readonly outputs: Samples<Int32Array>;
  readonly receipts: number;
  readonly earlier: number;
  /** Contributor that output receipts + earlier + k is a row of. */
  readonly askers: Int32Array;
  /** The receipts with their true labels, which nobody has when they are paid for. */
  readonly judged: Samples<Int32Array>;
  /** Held-out rows with their true labels, in neither of the former. */
  readonly valueOutputs: Samples<Int32Array>;
  /** loss(initial) − loss(trained) of the receipts, summed. */
  readonly fall: number;
}

/** Part of the held-out rows, at most, that are receipts, and that are the earlier batch. */
const PARTS = { receipts: 0.35, earlier: 0.2 };

export interface TrialOptions {
  readonly seed: number;
  /** Of every choice of rows, the same for all seeds of training. */
  readonly dataSeed: number;
  readonly counts: OutputCounts;
}

/** @throws MeedError when the data set has too few held-out rows, or the model cannot be trained on it */
export async function openTrial(
  engine: Engine,
  subject: Subject,
  { seed, dataSeed, counts }: TrialOptions,
  work: MapOptions,
): Promise<Trial> {
  const { dataset, model, recipe } = subject;
  const samples = samplesOf(dataset);
  const { rows } = samples;
  const keep = stateSteps(rows, { ...recipe, learningRate: 0, momentum: 0, seed });
  const [{ states }] = await trainMany(
    { ...sharedInput(model, samples), ...recipe, keep },
    [{ rows: allRows(rows), seed }],
    { ...work, unit: `trainings on ${subject.name}` },
  );
  const run: TrainedRun = { states, recipe, seed };
  const attribution: Attribution = { engine, model, samples, runs: [run], seed };
  const heldOut = normaliseLike(dataset, dataset.heldOut);
  const random = Random.named(dataSeed, 'incentives/outputs');
  const deal = dealOutputs(heldOut.rows, counts, random, subject.name);
  const owners = dataset.train.contributors;
  const contributors = dataset.contributors.length;
  const own = ownRows(owners, contributors, random);
  const asked = joined([selectSamples(heldOut, [...deal.receipts, ...deal.earlier]), selectSamples(samples, own)]);
  const [initial, trained] = [states[0].parameters, states[states.length - 1].parameters];
  const outputs = {
    ...asked,
    targets: predictedClasses(await predict(engine, model, trained, asked), model.classes),
  };
  const paid = selectSamples(
    outputs,
    Array.from(deal.receipts, (_, q) => q),
  );
  const before = await lossesOf(engine, model, initial, paid);
  const after = await lossesOf(engine, model, trained, paid);
  return {
    seed,
    owners,
    contributors,
    samples,
    attribution,
    outputs,
    receipts: deal.receipts.length,
    earlier: deal.earlier.length,
    askers: Int32Array.from(own, (row) => owners[row]),
    judged: selectSamples(heldOut, deal.receipts),
    valueOutputs: selectSamples(heldOut, deal.values),
    fall: before.reduce((sum, loss, q) => sum + loss - after[q], 0),
  };
}

/** The outputs that are paid for, with the classes that the model gave. */
export function paidOutputs({ outputs, receipts }: Trial): Samples<Int32Array> {
  return firstSamples(outputs, receipts);
}

export interface TrialScores {
  /** Of all outputs of the trial. */
  readonly given: ReceiptScores;
  /** Of the receipts with their true labels. */
  readonly judged: ReceiptScores;
}

export async function scoreTrial(trial: Trial, method: ScoreMethod): Promise<TrialScores> {
  const scorer = await method.open(trial.attribution);
  const { samples, outputs, judged } = trial;
  try {
    const { data } = await scorer.score(joined([outputs, judged]), samples);
    const end = outputs.rows * samples.rows;
    return {
      given: new ReceiptScores(data.subarray(0, end), outputs.rows, samples.rows),
      judged: new ReceiptScores(data.subarray(end), judged.rows, samples.rows),
    };
  } finally {
    await scorer.dispose();
  }
}

/** Training rows as the model takes them: centred and scaled as in the product. */
export function samplesOf(dataset: Dataset): Samples<Int32Array> {
  return normaliseLike(dataset, dataset.train);
}

function normaliseLike({ train }: Dataset, split: Dataset['heldOut']): Samples<Int32Array> {
  return normalise(fitNormalisation(train.features, train.width), split, split.labels);
}

/** What every retraining on these samples is told. */
export function sharedInput(model: Model, { features, targets }: Samples<Int32Array>) {
  return { model: model.definition, features, targets };
}

export function allRows(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

interface Deal {
  readonly receipts: readonly number[];
  readonly earlier: readonly number[];
  readonly values: readonly number[];
}

/** @throws MeedError when a use would get no row */
function dealOutputs(rows: number, counts: OutputCounts, random: Random, name: string): Deal {
  const order = Array.from(random.permutation(rows));
  const receipts = order.splice(0, Math.min(counts.receipts, Math.floor(rows * PARTS.receipts)));
  const earlier = order.splice(0, Math.min(counts.earlier, Math.floor(rows * PARTS.earlier)));
  const values = order.slice(0, counts.values);
  if (receipts.length > 0 && earlier.length > 0 && values.length > 0) return { receipts, earlier, values };
  throw new MeedError(
    `${name} has ${rows} held-out rows, too few for receipts, an earlier batch and outputs to measure value on`,
    'Use a data set with at least ten held-out rows, and ask for at least one of each',
  );
}

function ownRows(owners: Int32Array, contributors: number, random: Random): number[] {
  const order = random.permutation(owners.length);
  return Array.from({ length: contributors }, (_, c) => c).flatMap((c) =>
    Array.from(order.filter((row) => owners[row] === c).subarray(0, OWN_QUERIES)),
  );
}

function firstSamples(samples: Samples<Int32Array>, count: number): Samples<Int32Array> {
  return selectSamples(
    samples,
    Array.from({ length: count }, (_, q) => q),
  );
}

/** Samples of one width, one after the other. */
export function joined(parts: readonly Samples<Int32Array>[]): Samples<Int32Array> {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const { width } = parts[0];
  const features = new Float32Array(rows * width);
  const targets = new Int32Array(rows);
  let at = 0;
  for (const part of parts) {
    features.set(part.features, at * width);
    targets.set(part.targets, at);
    at += part.rows;
  }
  return { rows, width, features, targets };
}
