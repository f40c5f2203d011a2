/**
 * A model from an ONNX file as one of ours: its stored weights become the flat parameter vector, its first input the
 * sample, and every scorer, training and prediction takes it like a model of our own.
 * The trap: what is missing from the file is the loss. It is chosen here: cross-entropy of a class or of each next token,
 * the squared error of numbers, or an output that is the loss already.
 */
import { MeedError } from '../foundation/index.js';
import { type GraphBuilder, type ImportedModel, reshape, type Shape, sizeOf, type Value } from '../graph/index.js';
import { layOut } from './layout.js';
import { classLosses, nextTokenLosses, squaredLosses } from './losses.js';
import type { Losses, Model, ObjectiveKind } from './model.js';

export interface ImportedOptions {
  /**
   * What the output is and so what its loss: 'class', logits [batch, classes]; 'next-token', logits [batch, T, vocabulary]
   * of tokens [batch, T]; 'regression', numbers [batch, outputs] or [batch]; `{ scalar }`, an output [batch] or [batch, 1]
   * that is itself what is lowered, whatever the targets.
   */
  readonly objective: Exclude<ObjectiveKind, 'scalar'> | { readonly scalar: string };
  /** The output that the objective is about; the only one unless told. */
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
  const { objective } = options;
  const kind = typeof objective === 'string' ? objective : 'scalar';
  const output = chosenOutput(file, typeof objective === 'string' ? options.output : objective.scalar);
  const { ranks, targetShape, classes, losses } = AIMS[kind](output.shape);
  if (!ranks.includes(output.shape.length) || (kind === 'scalar' && sizeOf(output.shape.slice(1)) !== 1)) {
    throw new MeedError(
      `The output "${output.name}" has the shape [${output.shape}], the objective ${kind} wants ${WANTED[kind]}`,
      'Choose the output that the loss is made of, or another objective',
    );
  }
  const [first] = file.inputs;
  if (!first) throw new MeedError('The model has no input', 'Export it with its input open');
  const fill = options.fill ?? {};
  const model: Model = {
    definition: {
      name: 'onnx',
      producer: file.producer,
      opset: file.opset,
      objective: kind,
      output: output.name,
      fill,
    },
    objective: kind,
    inputShape: file.inputShape(first, file.samples).slice(1),
    targetShape,
    classes,
    parameters: layout,
    parameterCount,
    initialise: () => parameters.slice(),
    forward: (g, values, x) => {
      const [samples] = x.shape;
      const further = file.inputs.slice(1).map((input) => {
        const number = fill[input.name];
        if (number !== undefined) return filled(g, number, file.inputShape(input, samples));
        throw new MeedError(
          `The model has a further input "${input.name}"`,
          `Say what it is fed with: fill ${input.name} with one number`,
        );
      });
      const y = file.build(g, { samples, parameters: values, inputs: [x, ...further] })[output.name];
      return y.shape.length === 1 ? reshape(g, y, [samples, 1]) : y;
    },
    losses,
  };
  return { model, parameters };
}

interface Aim {
  /** Axes that the output may have. */
  readonly ranks: readonly number[];
  readonly targetShape: Shape;
  readonly classes: number;
  readonly losses: Losses;
}

const AIMS: Readonly<Record<ObjectiveKind, (output: Shape) => Aim>> = {
  class: (output) => ({ ranks: [2], targetShape: [1], classes: output[1], losses: classLosses }),
  'next-token': (output) => ({ ranks: [3], targetShape: [output[1]], classes: output[2], losses: nextTokenLosses }),
  regression: (output) => ({ ranks: [1, 2], targetShape: [output[1] ?? 1], classes: 0, losses: squaredLosses }),
  scalar: () => ({ ranks: [1, 2], targetShape: [1], classes: 0, losses: (_g, y) => y }),
};

const WANTED: Readonly<Record<ObjectiveKind, string>> = {
  class: '2 axes: batch, classes',
  'next-token': '3 axes: batch, tokens, vocabulary',
  regression: '1 or 2 axes: batch, outputs',
  scalar: 'one number a sample',
};

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
