/**
 * A model from an ONNX file as one of ours: its stored weights become the flat parameter vector, its first input the
 * sample, and every scorer, training and prediction takes it like a model of our own.
 * The trap: what is missing from the file is the loss. It is chosen here: cross-entropy of a class, or of each next token.
 */
import { MeedError } from '../foundation/index.js';
import { type GraphBuilder, type ImportedModel, type Shape, sizeOf, type Value } from '../graph/index.js';
import { layOut } from './layout.js';
import { classLosses, nextTokenLosses } from './losses.js';
import type { Model } from './model.js';

export interface ImportedOptions {
  /** 'class': the output is [batch, classes]; 'next-token': [batch, T, vocabulary] from tokens [batch, T]. */
  readonly objective: 'class' | 'next-token';
  /** The output that holds the logits; the only one unless told. */
  readonly output?: string;
  /** One number for each further input, fed everywhere: an attention mask of 1. */
  readonly fill?: Readonly<Record<string, number>>;
}

export interface ImportedWeights {
  readonly model: Model;
  /** The stored weights, [P]. */
  readonly parameters: Float32Array;
}

/** @throws MeedError when an output or a further input's filling is missing, or the output does not fit the objective */
export function importedModel(file: ImportedModel, options: ImportedOptions): ImportedWeights {
  const { parameters: layout, parameterCount } = layOut(file.parameters.map(({ name, shape }) => [name, shape]));
  const parameters = new Float32Array(parameterCount);
  for (const [i, { data }] of file.parameters.entries()) parameters.set(data, layout[i].offset);
  const output = chosenOutput(file, options.output);
  const rank = options.objective === 'class' ? 2 : 3;
  if (output.shape.length !== rank) {
    throw new MeedError(
      `The output "${output.name}" has the shape [${output.shape}], the objective ${options.objective} wants ${rank} axes`,
      'Choose the output that holds the logits, or another objective',
    );
  }
  const [first] = file.inputs;
  if (!first) throw new MeedError('The model has no input', 'Export it with its input open');
  const model: Model = {
    definition: { name: 'onnx', producer: file.producer, opset: file.opset, output: output.name, ...options.fill },
    inputShape: file.inputShape(first, file.samples).slice(1),
    targetShape: options.objective === 'class' ? [1] : [output.shape[1]],
    classes: output.shape[rank - 1],
    parameters: layout,
    parameterCount,
    initialise: () => parameters.slice(),
    forward: (g, values, x) => {
      const [samples] = x.shape;
      const further = file.inputs.slice(1).map((input) => {
        const number = options.fill?.[input.name];
        if (number !== undefined) return filled(g, number, file.inputShape(input, samples));
        throw new MeedError(
          `The model has a further input "${input.name}"`,
          `Say what it is fed with: fill ${input.name} with one number`,
        );
      });
      return file.build(g, { samples, parameters: values, inputs: [x, ...further] })[output.name];
    },
    losses: options.objective === 'class' ? classLosses : nextTokenLosses,
  };
  return { model, parameters };
}

function chosenOutput(file: ImportedModel, name: string | undefined): { name: string; shape: Shape } {
  const output = name === undefined && file.outputs.length === 1 ? file.outputs[0] : undefined;
  const found = output ?? file.outputs.find((one) => one.name === name);
  if (found) return found;
  throw new MeedError(
    name === undefined ? `The model has ${file.outputs.length} outputs` : `The model has no output "${name}"`,
    `Choose one of ${file.outputs.map((one) => one.name).join(', ')}`,
  );
}

function filled(g: GraphBuilder, number: number, shape: Shape): Value {
  return g.constant(new Float32Array(sizeOf(shape)).fill(number), shape);
}
