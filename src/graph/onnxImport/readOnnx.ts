/**
 * A model from an ONNX file: what is fed, what is stored, what was learned, and a way to build it into any graph, where it
 * can be differentiated and attributed like our own models.
 * The trap: every extent must be bound when the graph is built. The first axis of the first input holds the samples and
 * is chosen at building; all others are bound when the file is read.
 */
import { readFile } from 'node:fs/promises';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { GraphBuilder, type Shape, sameShape, type Value } from '../graph.js';
import { expand } from '../ops/broadcast.js';
import type { Place } from './call.js';
import { checkModel, type Dimension, type OnnxInput, type OnnxModel, type OnnxNode } from './decode.js';
import { type Known, type Numbers, type Operand, refuseHuge } from './operand.js';
import { parseModel } from './proto.js';
import { placeConstants, placeStandIns, trace } from './trace.js';
import { weightsUsed } from './trainable.js';

export interface ReadOptions {
  /** Extents of named dimensions. That of the samples need not be bound; it is then only chosen when building. */
  readonly bind?: Readonly<Record<string, number>>;
  /** Stored tensors that are weights although their use does not show it. */
  readonly trainable?: readonly string[];
  /** Stored tensors that are no weights although they are used like them: rotary tables, masks, input statistics. */
  readonly frozen?: readonly string[];
}

export interface ImportedInput {
  readonly name: string;
  /** 'index': whole numbers (token ids) or 0/1. */
  readonly type: 'real' | 'index';
  /** 'samples' is the extent that is chosen when the model is built. */
  readonly shape: readonly (number | 'samples')[];
}

export interface ImportedParameter {
  readonly name: string;
  readonly shape: Shape;
  /** Row-major. */
  readonly data: Numbers;
  /** The nodes that use it. */
  readonly layers: readonly ImportedLayer[];
}

export interface ImportedLayer {
  readonly node: string;
  readonly type: string;
}

export interface BuildOptions {
  readonly samples: number;
  /** One value for each of `parameters`, in their order and shapes: inputs of the graph, or constants. */
  readonly parameters: readonly Value[];
  /** One value for each of `inputs`, in their order and shapes. */
  readonly inputs: readonly Value[];
}

export interface ImportedModel {
  /** As the file says: "pytorch 2.15.0". */
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly ImportedInput[];
  /** Learned tensors in the order of the file. */
  readonly parameters: readonly ImportedParameter[];
  /** With the shapes for `samples` samples. */
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** Samples of the shapes in `outputs`: what the batch dimension was bound to, otherwise 2. */
  readonly samples: number;
  inputShape(input: ImportedInput, samples: number): Shape;
  /**
   * The model's outputs in a graph, by name.
   * @throws MeedError when a value has the wrong shape, or the file was exported for another number of samples
   */
  build(g: GraphBuilder, options: BuildOptions): Record<string, Value>;
}

const LOOK_SAMPLES = 2;

/**
 * @param path an `.onnx` file of opset 13 to 21; external data lies in its folder
 * @throws MeedError when the file is malformed, a dimension is not bound, or operators are not supported (all are listed)
 */
export async function readOnnx(path: string, options: ReadOptions = {}): Promise<ImportedModel> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  const model = await checkModel(parseModel(bytes, path), path);
  const bound = bindDimensions(model, options.bind ?? {});
  const { samples, inputs } = bound;
  const look = firstLook(model, inputs, samples);
  const weights = chosenWeights(look, options);
  const parameters = weights.map((name): ImportedParameter => {
    const { shape, data } = look.stored.get(name) as Known;
    return { name, shape, data: data(), layers: look.uses.get(name) ?? [] };
  });
  return {
    producer: model.producer,
    opset: model.opset,
    inputs,
    parameters,
    outputs: model.outputs.map((name) => ({ name, shape: operandOf(look.values, name).shape })),
    samples,
    inputShape: shapeFor,
    build: (g, given) => build(model, inputs, parameters, g, given),
  };
}

function shapeFor({ shape }: ImportedInput, samples: number): Shape {
  return shape.map((extent) => (extent === 'samples' ? samples : extent));
}

function bindDimensions(
  { inputs }: OnnxModel,
  given: Readonly<Record<string, number>>,
): { samples: number; inputs: ImportedInput[] } {
  const names = new Set(inputs.flatMap(({ dimensions }) => dimensions.filter((one) => typeof one === 'string')));
  const bind = new Map(Object.entries(given));
  for (const [name, extent] of bind) {
    if (!Number.isInteger(extent) || extent < 1) {
      throw new MeedError(`The dimension "${name}" is bound to ${extent}`, 'Bind it to a positive whole number');
    }
    if (!names.has(name)) {
      const known = names.size === 0 ? 'all its extents are fixed' : `it has ${[...names].join(', ')}`;
      throw new MeedError(`The model has no dimension "${name}"`, `Bind a dimension that it has: ${known}`);
    }
  }
  const batch = inputs[0]?.dimensions[0];
  const isBatch = (dimension: Dimension, input: OnnxInput, axis: number): boolean =>
    typeof dimension === 'string' &&
    (dimension === batch || (axis === 0 && dimension === `${input.name}.0` && !bind.has(dimension)));
  const open = [...names].filter(
    (name) =>
      !bind.has(name) &&
      inputs.some((input) => input.dimensions.some((one, axis) => one === name && !isBatch(one, input, axis))),
  );
  if (open.length > 0) {
    throw new MeedError(
      `The dimension${open.length === 1 ? '' : 's'} ${open.join(', ')} of the model ${open.length === 1 ? 'is' : 'are'} open`,
      `Bind ${open.length === 1 ? 'it' : 'them'}: --bind ${open.map((name) => `${name}=8`).join(',')}`,
    );
  }
  const samples = (typeof batch === 'string' ? bind.get(batch) : batch) ?? LOOK_SAMPLES;
  return {
    samples,
    inputs: inputs.map((input) => ({
      name: input.name,
      type: input.element === 'float' ? 'real' : 'index',
      shape: input.dimensions.map((one, axis) => {
        if (isBatch(one, input, axis)) return 'samples';
        return typeof one === 'string' ? (bind.get(one) as number) : one;
      }),
    })),
  };
}

interface Look {
  readonly values: ReadonlyMap<string, Operand>;
  /** Every float tensor that the file holds, as initializer or in a Constant node. */
  readonly stored: ReadonlyMap<string, Known>;
  /** By tensor, the nodes that use it as a weight. */
  readonly uses: ReadonlyMap<string, readonly ImportedLayer[]>;
}

function firstLook(model: OnnxModel, inputs: readonly ImportedInput[], samples: number): Look {
  const g = new GraphBuilder();
  const given = new Map<string, Operand>(model.initializers);
  for (const [i, input] of inputs.entries()) {
    const shape = shapeFor(input, samples);
    refuseHuge(shape);
    given.set(input.name, fed(model.inputs[i], g.input(`input ${i}`, shape)));
  }
  const uses = new Map<string, ImportedLayer[]>();
  const visit = (node: OnnxNode, operands: readonly (Operand | undefined)[]): void => {
    for (const name of new Set(weightsUsed(node, operands, (one) => model.initializers.get(one)))) {
      uses.set(name, [...(uses.get(name) ?? []), { node: node.name, type: node.type }]);
    }
  };
  const values = trace(model, { g, place: placeStandIns(g), given, visit });
  const stored = new Map<string, Known>();
  for (const [name, operand] of values) {
    if (operand.kind === 'known' && operand.element === 'float' && operand.origins.has(name)) stored.set(name, operand);
  }
  return { values, stored, uses };
}

function chosenWeights({ stored, uses }: Look, { trainable = [], frozen = [] }: ReadOptions): string[] {
  for (const name of [...trainable, ...frozen]) {
    if (stored.has(name)) continue;
    throw new MeedError(`The model stores no float tensor "${name}"`, 'Name one that `meed import` lists');
  }
  const chosen = new Set([...uses.keys(), ...trainable]);
  for (const name of frozen) chosen.delete(name);
  return [...stored.keys()].filter((name) => chosen.has(name));
}

function build(
  model: OnnxModel,
  inputs: readonly ImportedInput[],
  parameters: readonly ImportedParameter[],
  g: GraphBuilder,
  given: BuildOptions,
): Record<string, Value> {
  const values = new Map<string, Operand>(model.initializers);
  match(
    inputs.map((input) => ({ name: input.name, shape: shapeFor(input, given.samples) })),
    given.inputs,
    'input',
  );
  match(parameters, given.parameters, 'parameter');
  for (const [i, input] of model.inputs.entries()) values.set(input.name, fed(input, given.inputs[i]));
  for (const [i, { name, shape }] of parameters.entries()) {
    values.set(name, { kind: 'traced', element: 'float', shape, value: given.parameters[i] });
  }
  const place = placeConstants(g);
  const traced = trace(model, { g, place, given: values });
  return Object.fromEntries(model.outputs.map((name) => [name, whole(g, operandOf(traced, name), place)]));
}

function match(
  expected: readonly { readonly name: string; readonly shape: Shape }[],
  given: readonly Value[],
  what: 'input' | 'parameter',
): void {
  if (given.length !== expected.length) {
    throw new MeedError(`The model was given ${given.length} values as ${what}s`, `Give it ${expected.length}`);
  }
  for (const [i, { name, shape }] of expected.entries()) {
    if (!sameShape(shape, given[i].shape)) {
      throw new MeedError(`The ${what} "${name}" was given a value of shape [${given[i].shape}]`, `Give it [${shape}]`);
    }
  }
}

function fed({ element }: OnnxInput, value: Value): Operand {
  return { kind: 'traced', element, shape: value.shape, value };
}

function operandOf(values: ReadonlyMap<string, Operand>, name: string): Operand {
  const operand = values.get(name);
  if (!operand) throw new MeedError(`Nothing computes the output "${name}"`, 'Export the model for inference');
  return operand;
}

function whole(g: GraphBuilder, operand: Operand, place: Place): Value {
  return operand.kind === 'known' ? place(operand) : expand(g, operand.value, operand.shape);
}
