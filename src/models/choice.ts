/**
 * Which model is trained on a data set: what a person chooses, what of it decides the artefact, and the model itself.
 * A model of ours learns from rows that are centred and scaled (see normalise.ts). A model from a file brings weights
 * that were learned from rows as they are, so it is given them so, and training goes on from the stored weights.
 * The trap: the artefact must be whole. The file is copied into it, so a file that keeps weights in others beside it is
 * refused before anything is trained.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, explainFileError, type JsonObject, MeedError, sha256File } from '../foundation/index.js';
import { type ImportedModel, readOnnx, sizeOf } from '../graph/index.js';
import { lenet, resnet9 } from './cnn.js';
import { MODEL_FILE } from './definition.js';
import { importedModel } from './imported.js';
import { linear, mlp } from './mlp.js';
import type { Model } from './model.js';

export interface Picture {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export type ModelChoice =
  | { readonly name: 'mlp'; readonly hidden: readonly number[] }
  | { readonly name: 'linear' }
  | { readonly name: 'lenet' | 'resnet9'; readonly picture: Picture }
  | {
      readonly name: 'onnx';
      readonly path: string;
      /** Of the file: another file of the same name is another choice. */
      readonly sha256: string;
      /** The output that holds the logits; the only one unless told. */
      readonly output?: string;
    };

export interface ChosenModel {
  readonly model: Model;
  readonly rows: 'normalised' | 'as they are';
  /** Puts into the artefact's folder what the model cannot be built again without. */
  store(folder: string): Promise<void>;
}

/** What decides the artefact. Where the file lies does not. */
export function choiceParameters(choice: ModelChoice): JsonObject {
  if (choice.name === 'mlp') return { hidden: choice.hidden };
  if (choice.name === 'linear') return { model: { name: choice.name } };
  if (choice.name !== 'onnx') return { model: { name: choice.name, picture: { ...choice.picture } } };
  const { name, sha256, output } = choice;
  return { model: { name, sha256, ...(output === undefined ? {} : { output }) } };
}

/**
 * The choice that the recipe of a finished artefact holds must be the model that it defines; a reader who trusts one and
 * replays the other would check nothing.
 * @param stored SHA-256 of the model's file in the artefact
 * @throws MeedError when they differ
 */
export function checkChoice(parameters: JsonObject, trained: Model, stored: string | undefined): void {
  const { hidden, model } = parameters;
  const chosen: JsonObject = { ...(hidden === undefined ? {} : { hidden }), ...(model === undefined ? {} : { model }) };
  const choice = choiceOf(trained.definition, chosen, stored);
  if (choice && canonicalJson(chosen) === canonicalJson(choiceParameters(choice))) {
    const made = choice.name === 'onnx' ? trained : ours(choice, sizeOf(trained.inputShape), trained.classes).model;
    if (canonicalJson(made.definition) === canonicalJson(trained.definition)) return;
  }
  throw new MeedError(
    `The recipe chose the model ${canonicalJson(chosen)}, the artefact holds ${canonicalJson(trained.definition)}`,
    'Train again',
  );
}

/** The choice that makes a model of this definition, `undefined` when none does. */
function choiceOf(definition: JsonObject, { model }: JsonObject, stored = ''): ModelChoice | undefined {
  const { name, widths, channels, height, width, output } = definition;
  switch (name) {
    case 'linear':
      return { name };
    case 'lenet':
    case 'resnet9':
      return { name, picture: { channels: Number(channels), height: Number(height), width: Number(width) } };
    case 'onnx': {
      // an output that was the only one need not have been named
      const named = typeof model === 'object' && model !== null && 'output' in model;
      return { name, path: '', sha256: stored, ...(named ? { output: String(output) } : {}) };
    }
    case 'mlp':
      return { name, hidden: Array.isArray(widths) ? widths.slice(1, -1).map(Number) : [] };
    default:
      return undefined;
  }
}

/**
 * @param width   numbers in a row
 * @param classes that the data set tells apart
 * @throws MeedError when the model does not fit the rows or the classes, or its file cannot be read or is not whole
 */
export async function openChoice(choice: ModelChoice, width: number, classes: number): Promise<ChosenModel> {
  const chosen = choice.name === 'onnx' ? await fromFile(choice) : ours(choice, width, classes);
  const { model } = chosen;
  if (sizeOf(model.inputShape) !== width) {
    throw new MeedError(
      `The model ${choice.name} takes samples of shape [${model.inputShape}], the rows have ${width} numbers`,
      'Choose a model, or a picture, of as many numbers as a row has',
    );
  }
  if (model.classes === classes) return chosen;
  throw new MeedError(
    `The model ${choice.name} tells ${model.classes} classes apart, the data set has ${classes}`,
    'Choose a model, or an output of it, with one number for each class',
  );
}

function ours(choice: Exclude<ModelChoice, { name: 'onnx' }>, width: number, classes: number): ChosenModel {
  const build = (): Model => {
    switch (choice.name) {
      case 'mlp':
        return mlp([width, ...choice.hidden, classes]);
      case 'linear':
        return linear(width, classes);
      case 'lenet':
        return lenet({ ...choice.picture, classes });
      case 'resnet9':
        return resnet9({ ...choice.picture, classes });
    }
  };
  return { model: build(), rows: 'normalised', store: async () => {} };
}

type FileChoice = Extract<ModelChoice, { name: 'onnx' }>;

async function fromFile({ path, sha256, output }: FileChoice): Promise<ChosenModel> {
  const { model } = importedModel(await readWhole(path, sha256), { objective: 'class', output });
  return {
    model,
    rows: 'as they are',
    store: (folder) => copyUnchanged(path, join(folder, MODEL_FILE), sha256),
  };
}

/** Reads a copy that lies alone in a folder, as it will in the artefact. */
async function readWhole(path: string, sha256: string): Promise<ImportedModel> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-model-'));
  try {
    const copy = join(folder, MODEL_FILE);
    await copyUnchanged(path, copy, sha256);
    return await readOnnx(copy).catch(async (problem: unknown) => {
      // the copy's error would name the copy; the file has the same one, unless it is only whole with others beside it
      await readOnnx(path);
      throw new MeedError(
        `${path} cannot be read without the files beside it`,
        'Export it again with its weights inside the file, below 2 GB',
        { cause: problem },
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyUnchanged(from: string, to: string, sha256: string): Promise<void> {
  await copyFile(from, to).catch((error: unknown) => {
    throw explainFileError(error, from);
  });
  if ((await sha256File(to)) === sha256) return;
  throw new MeedError(`${from} changed while it was used`, 'Run the command again');
}
