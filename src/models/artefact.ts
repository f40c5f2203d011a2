/**
 * The model artefact: weights and optimiser at every published state, the graphs as ONNX files, and the training manifest
 * (data set, model, seed, hyper-parameters, engine). It is all an auditor needs to replay a segment of the training.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artefact,
  factNumber,
  matrix,
  numbers,
  type Recipe,
  readArtefact,
  readTable,
  writeArtefact,
  writeTable,
} from '../artefact/index.js';
import type { Engine } from '../engine/index.js';
import { type JsonObject, MeedError, type Progress, type RandomState } from '../foundation/index.js';
import { encodeOnnx, sizeOf } from '../graph/index.js';
import { checkChoice, choiceParameters, type ModelChoice, openChoice } from './choice.js';
import { MODEL_FILE, manifestOf, modelFromDefinition } from './definition.js';
import { factorGraph, logitsGraph, stepGraph } from './graphs.js';
import type { Model } from './model.js';
import { fitNormalisation, type Normalisation, normalise, unchanged } from './normalise.js';
import { accuracy, PREDICTION_CHUNK, predict } from './predict.js';
import { stepsPerEpoch, type TrainingOptions, type TrainingState, train } from './training.js';

export interface TrainingSet {
  /** Id of the data set artefact. */
  readonly id: string;
  readonly classes: number;
  readonly train: LabelledRows;
  readonly heldOut: LabelledRows;
}

interface LabelledRows {
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  readonly width: number;
}

export interface TrainedModel {
  readonly artefact: Artefact;
  readonly model: Model;
  readonly normalisation: Normalisation;
  readonly options: TrainingOptions;
  readonly states: readonly TrainingState[];
  /** Weights of the last state. */
  readonly parameters: Float32Array;
}

/** What decides a model artefact: same recipe, same bits on one machine. */
export function modelRecipe(dataset: string, engine: Engine, choice: ModelChoice, options: TrainingOptions): Recipe {
  return {
    kind: 'model',
    inputs: { dataset },
    parameters: { engine: engine.name, ...choiceParameters(choice), training: { ...options } },
  };
}

/** @throws MeedError when the model does not fit the data set, or its training leaves the finite numbers */
export async function trainModel(
  folder: string,
  engine: Engine,
  set: TrainingSet,
  choice: ModelChoice,
  options: TrainingOptions,
  progress?: Progress,
): Promise<TrainedModel> {
  const { model, rows, store } = await openChoice(choice, set.train.width, set.classes);
  const normalisation =
    rows === 'normalised' ? fitNormalisation(set.train.features, set.train.width) : unchanged(set.train.width);
  const samples = normalise(normalisation, set.train, set.train.labels);
  const heldOut = normalise(normalisation, set.heldOut, set.heldOut.labels);
  const { states, losses } = await train(engine, model, samples, options, progress);
  const parameters = states[states.length - 1].parameters;
  const artefact = await writeArtefact(folder, modelRecipe(set.id, engine, choice, options), async (staging) => {
    await store(staging);
    await writeTable(join(staging, 'states.arrow'), {
      step: Int32Array.from(states, (state) => state.step),
      random: { values: Uint32Array.from(states.flatMap((state) => [...state.random])), width: 4 },
      parameters: joinRows(states.map((state) => state.parameters)),
      velocity: joinRows(states.map((state) => state.velocity)),
    });
    await writeTable(join(staging, 'normalisation.arrow'), { mean: normalisation.mean });
    await writeFile(join(staging, 'step.onnx'), encodeOnnx(stepGraph(model, options.batch)));
    await writeFile(join(staging, 'logits.onnx'), encodeOnnx(logitsGraph(model, PREDICTION_CHUNK)));
    await writeFile(join(staging, 'factors.onnx'), encodeOnnx(factorGraph(model, PREDICTION_CHUNK).graph));
    const rate = async (rows: typeof samples): Promise<number> =>
      accuracy(await predict(engine, model, parameters, rows), rows.targets, model.classes);
    return {
      definition: { ...model.definition },
      parameterCount: model.parameterCount,
      normalisationFactor: normalisation.factor,
      stepsPerEpoch: stepsPerEpoch(samples.rows, options.batch),
      losses,
      trainAccuracy: await rate(samples),
      heldOutAccuracy: await rate(heldOut),
    };
  });
  return { artefact, model, normalisation, options, states, parameters };
}

/** @throws MeedError when a file is missing, changed or of the wrong shape */
export async function readModel(folder: string): Promise<TrainedModel> {
  const artefact = await readArtefact(folder, 'model');
  const { parameters: chosen, facts } = artefact.manifest;
  const model = await modelFromDefinition(facts.definition, manifestOf(folder));
  const file = artefact.manifest.files.find(({ path }) => path === MODEL_FILE);
  checkChoice(chosen, model, file?.sha256);
  const table = await readTable(join(folder, 'states.arrow'));
  const steps = numbers(table, 'step', Int32Array);
  const random = matrix(table, 'random', Uint32Array);
  const weights = matrix(table, 'parameters', Float32Array);
  const velocity = matrix(table, 'velocity', Float32Array);
  if (weights.width !== model.parameterCount || velocity.width !== model.parameterCount || steps.length === 0) {
    throw new MeedError(
      `${folder}/states.arrow holds ${weights.width} parameters a state, the model has ${model.parameterCount}`,
      'Train again',
    );
  }
  const row = (values: Float32Array, i: number): Float32Array =>
    values.slice(i * model.parameterCount, (i + 1) * model.parameterCount);
  const states = Array.from(steps, (step, i): TrainingState => {
    const [a, b, c, d] = random.values.subarray(4 * i, 4 * i + 4);
    const position: RandomState = [a, b, c, d];
    return { step, random: position, parameters: row(weights.values, i), velocity: row(velocity.values, i) };
  });
  const mean = numbers(await readTable(join(folder, 'normalisation.arrow')), 'mean', Float32Array);
  const factor = factNumber(artefact.manifest, 'normalisationFactor');
  if (mean.length !== sizeOf(model.inputShape)) {
    throw new MeedError(
      `${folder}/normalisation.arrow holds ${mean.length} means, the model takes ${sizeOf(model.inputShape)} numbers`,
      'Train again',
    );
  }
  return {
    artefact,
    model,
    normalisation: { mean, factor },
    options: trainingOptions(chosen, folder),
    states,
    parameters: states[states.length - 1].parameters,
  };
}

function trainingOptions(parameters: JsonObject, folder: string): TrainingOptions {
  const training = parameters.training;
  if (typeof training !== 'object' || training === null || Array.isArray(training)) {
    throw new MeedError(`The manifest of ${folder} does not say how the model was trained`, 'Train again');
  }
  const read = (key: keyof TrainingOptions): number => {
    const value = (training as JsonObject)[key];
    if (typeof value === 'number') return value;
    throw new MeedError(`The training manifest of ${folder} has no ${key}`, 'Train again');
  };
  return {
    epochs: read('epochs'),
    batch: read('batch'),
    learningRate: read('learningRate'),
    momentum: read('momentum'),
    seed: read('seed'),
  };
}

function joinRows(rows: readonly Float32Array[]): { values: Float32Array; width: number } {
  const width = rows[0].length;
  const values = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) values.set(row, i * width);
  return { values, width };
}
