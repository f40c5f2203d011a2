/**
 * A model from what its manifest says of it: the reader's side of `Model.definition`.
 * The trap: the manifest may be anybody's. Every field is checked for its type, the model is built by the same function
 * as ever, with its own checks, and what it then says of itself must be the manifest's words; so a field that is
 * misspelt, missing or too many cannot be overlooked.
 */
import { join } from 'node:path';
import { canonicalJson, type Json, type JsonObject, MeedError } from '../foundation/index.js';
import { readOnnx } from '../graph/index.js';
import { lenet, resnet9 } from './cnn.js';
import { decoder } from './decoder.js';
import { importedModel } from './imported.js';
import { linear, mlp, mlpRegressor } from './mlp.js';
import type { Model } from './model.js';

/** The ONNX file of an imported model, in the folder of its artefact. */
export const MODEL_FILE = 'model.onnx';

/** Where a definition comes from. */
export interface DefinitionSource {
  /** To begin a sentence with: "The manifest of out/model". */
  readonly name: string;
  /** The ONNX file of an imported model. */
  readonly file?: string;
}

/** The manifest of an artefact's folder, which keeps the file of an imported model. */
export function manifestOf(folder: string): DefinitionSource {
  return { name: `The manifest of ${folder}`, file: join(folder, MODEL_FILE) };
}

/** @throws MeedError when the definition is that of no model, or the file is missing, malformed or another model's */
export async function modelFromDefinition(definition: Json | undefined, source: DefinitionSource): Promise<Model> {
  if (!isObject(definition) || typeof definition.name !== 'string' || !Object.hasOwn(BUILDERS, definition.name)) {
    const said = isObject(definition) && definition.name !== undefined ? JSON.stringify(definition.name) : 'nothing';
    throw new MeedError(
      `${source.name} says ${said} about what the model is`,
      `Train again, or use a version of Meed that knows more than ${Object.keys(BUILDERS).join(', ')}`,
    );
  }
  const model = await BUILDERS[definition.name](reader(definition, source), source);
  if (canonicalJson(model.definition) === canonicalJson(definition)) return model;
  throw new MeedError(
    `${source.name} defines ${canonicalJson(definition)}, which Meed would call ${canonicalJson(model.definition)}`,
    'Train again',
  );
}

type Reader = ReturnType<typeof reader>;

const BUILDERS: Readonly<Record<string, (read: Reader, source: DefinitionSource) => Model | Promise<Model>>> = {
  mlp: (read) =>
    mlp(read.numbers('widths'), {
      activation: read.has('activation') ? read.oneOf<'relu' | 'gelu'>('activation', ['relu', 'gelu']) : undefined,
      initialisation: initialisationOf(read),
    }),
  'mlp-regressor': (read) => mlpRegressor(read.numbers('widths')),
  linear: (read) => linear(read.number('inputs'), read.number('classes'), { initialisation: initialisationOf(read) }),
  lenet: (read) => lenet(pictureOf(read)),
  resnet9: (read) => resnet9({ ...pictureOf(read), widths: read.numbers('widths') }),
  decoder: (read) =>
    decoder({
      vocabulary: read.number('vocabulary'),
      context: read.number('context'),
      width: read.number('width'),
      layers: read.number('layers'),
      heads: read.number('heads'),
      keyValueHeads: read.number('keyValueHeads'),
      headWidth: read.number('headWidth'),
      hidden: read.number('hidden'),
      norm: read.oneOf('norm', ['rms', 'layer']),
      epsilon: read.number('epsilon'),
      positions: read.oneOf('positions', ['interleaved', 'halves', 'learned']),
      theta: read.number('theta'),
      feedForward: read.oneOf('feedForward', ['swiglu', 'gelu', 'gelu-tanh']),
      head: read.oneOf('head', ['tied', 'untied']),
      biased: read.someOf('biased', ['attention', 'feedForward']),
    }),
  async onnx(read, { name, file }) {
    if (file === undefined)
      throw new MeedError(`${name} is a model of an ONNX file, which is not at hand`, 'Use a model of Meed');
    const kind = read.oneOf('objective', ['class', 'next-token', 'regression', 'scalar']);
    const output = read.text('output');
    const objective = kind === 'scalar' ? { scalar: output } : kind;
    const fill = read.numbersByName('fill');
    return importedModel(await readOnnx(file), { objective, output, fill }).model;
  },
};

function initialisationOf(read: Reader) {
  return read.has('initialisation') ? read.oneOf<'he' | 'uniform'>('initialisation', ['he', 'uniform']) : undefined;
}

function pictureOf(read: Reader) {
  const [channels, height, width, classes] = ['channels', 'height', 'width', 'classes'].map((key) => read.number(key));
  return { channels, height, width, classes };
}

function reader(definition: JsonObject, source: DefinitionSource) {
  const refuse = (key: string): never => {
    throw new MeedError(
      `${source.name} defines the model ${definition.name} with ${key} = ${JSON.stringify(definition[key]) ?? 'nothing'}`,
      'Train again',
    );
  };
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  return {
    number(key: string): number {
      const value = definition[key];
      return isNumber(value) ? value : refuse(key);
    },
    numbers(key: string): readonly number[] {
      const value = definition[key];
      return Array.isArray(value) && value.every(isNumber) ? value : refuse(key);
    },
    numbersByName(key: string): Readonly<Record<string, number>> {
      const value = definition[key];
      return isObject(value) && Object.values(value).every(isNumber) ? (value as Record<string, number>) : refuse(key);
    },
    text(key: string): string {
      const value = definition[key];
      return typeof value === 'string' ? value : refuse(key);
    },
    has: (key: string) => definition[key] !== undefined,
    oneOf<T extends string>(key: string, allowed: readonly T[]): T {
      return allowed.find((option) => option === definition[key]) ?? refuse(key);
    },
    someOf<T extends string>(key: string, allowed: readonly T[]): readonly T[] {
      const value = definition[key];
      if (!Array.isArray(value)) return refuse(key);
      return value.map((item) => allowed.find((option) => option === item) ?? refuse(key));
    },
  };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
