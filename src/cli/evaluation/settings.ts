/**
 * What a command's options evaluate on: a data set's rows, a model and its recipe, as settings of the grid.
 * Rows of contributors who are known to cheat are left out: the measures plant errors of their own, and know of no others.
 */
import type { Dataset } from '../../data/index.js';
import type { Engine } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import { type Setting, samplesNotIn } from '../../influence/index.js';
import {
  fitNormalisation,
  lenet,
  linear,
  type Model,
  mlp,
  normalise,
  type Recipe,
  resnet9,
  type Samples,
  selectSamples,
} from '../../models/index.js';
import { modelChoice } from '../modelChoice.js';
import type { RunOptions } from '../run.js';
import { type Extent, evaluationRecipe, QUICK, QUICK_EPOCHS, WHOLE } from './profile.js';

export interface EvaluationOptions extends RunOptions {
  readonly quick?: true;
  readonly subsets?: number;
  readonly queries?: number;
  readonly runs?: readonly number[];
}

/** Share of the queries held out to choose settings on. */
const HELD_OUT = 0.5;
/** Outputs that methods may fit a basis to: what is left of the rows, up to this many. */
const MOST_CALIBRATION = 1000;
/** Share of the samples in a subset, and in each run of an ensemble but the first. */
const HALF = 0.5;

/** @throws MeedError when the model is from a file, or there are too few held-out rows */
export async function evaluationSettings(
  options: EvaluationOptions,
  data: Dataset,
  engine: Engine,
): Promise<Setting[]> {
  const extent = extentOf(options);
  const { model, name } = await chosenModel(options, data);
  const { samples, queries } = honestSamples(data);
  const order = Random.named(options.seed, 'evaluation/queries').permutation(queries.rows);
  const count = Math.min(extent.queries, Math.floor(queries.rows / (1 + HELD_OUT)));
  const evaluation = selectSamples(queries, order.subarray(0, count));
  const rest = samplesNotIn(selectSamples(queries, order.subarray(count)), evaluation);
  const chosenOn = Math.min(rest.rows, Math.ceil(HELD_OUT * count));
  const heldOut = selectSamples(rest, range(0, chosenOn));
  const calibration = selectSamples(rest, range(chosenOn, Math.min(rest.rows, chosenOn + MOST_CALIBRATION)));
  if (count < 1 || heldOut.rows < 1) {
    throw new MeedError(
      `${data.card.name} has ${queries.rows} rows that are not trained on, too few to evaluate on and to choose settings on`,
      'Bring more rows',
    );
  }
  const recipe = recipeOf(options, name);
  return extent.runs.map((runs) => ({
    name: `${data.card.name}/${name}, ${runs} ${runs === 1 ? 'run' : 'runs'}`,
    engine,
    model,
    samples,
    recipe,
    evaluation,
    heldOut,
    ...(calibration.rows > 0 && { calibration }),
    subsets: { count: extent.subsets, fraction: HALF, seed: options.seed, sets: 2 },
    runs: { count: runs, fraction: HALF, seed: options.seed, epochs: keptEpochs(recipe.epochs) },
    sizes: extent.sizes,
    seed: options.seed,
  }));
}

function extentOf({ quick, subsets, queries, runs }: EvaluationOptions): Extent {
  const whole = quick ? QUICK : WHOLE;
  return { ...whole, subsets: subsets ?? whole.subsets, queries: queries ?? whole.queries, runs: runs ?? whole.runs };
}

/** The beginning, where training moves furthest, and the end: 0, 1, 2, 5, 10, … and the last. */
function keptEpochs(epochs: number): number[] {
  const steps = [0, 1, 2, 5, 10, 20, 50].filter((epoch) => epoch < epochs);
  return [...steps, epochs];
}

function recipeOf(
  { dataset, csv, quick, epochs, batch, learningRate, momentum }: EvaluationOptions,
  model: string,
): Recipe {
  const given = evaluationRecipe(csv === undefined ? dataset : 'csv', model);
  const optimiser =
    given.optimiser.name === 'sgd' && momentum !== undefined ? { ...given.optimiser, momentum } : given.optimiser;
  return {
    ...given,
    epochs: epochs ?? (quick ? Math.min(QUICK_EPOCHS, given.epochs) : given.epochs),
    batch: batch ?? given.batch,
    optimiser,
    schedule: learningRate === undefined ? given.schedule : { name: 'constant', rate: learningRate },
  };
}

async function chosenModel(
  options: EvaluationOptions,
  { card, train }: Dataset,
): Promise<{ model: Model; name: string }> {
  const choice = await modelChoice(options, card);
  const classes = card.classes.length;
  switch (choice.name) {
    case 'mlp':
      return { name: 'mlp', model: mlp([train.width, ...choice.hidden, classes]) };
    case 'linear':
      return { name: 'linear', model: linear(train.width, classes) };
    case 'lenet':
      return { name: 'lenet', model: lenet({ ...choice.picture, classes }) };
    case 'resnet9':
      return { name: 'resnet9', model: resnet9({ ...choice.picture, classes }) };
    case 'onnx':
      throw new MeedError(
        `The model ${choice.path} is a file, and an evaluation trains hundreds of models from their beginning`,
        'Choose mlp, linear, lenet or resnet9',
        { exitCode: 2 },
      );
  }
}

function honestSamples({ contributors, train, heldOut }: Dataset): { samples: Samples; queries: Samples } {
  const honest = Array.from(train.contributors.keys()).filter(
    (row) => contributors[train.contributors[row]].planted === undefined,
  );
  const rows = selectSamples({ ...train, targets: train.labels }, honest);
  const normalisation = fitNormalisation(rows.features, rows.width);
  return {
    samples: normalise(normalisation, rows, rows.targets),
    queries: normalise(normalisation, heldOut, heldOut.labels),
  };
}

function range(from: number, until: number): number[] {
  return Array.from({ length: until - from }, (_, i) => from + i);
}
