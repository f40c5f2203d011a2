/**
 * What a model is to the rest of Meed: a graph over one flat parameter vector, and a loss for each sample. Per-sample
 * gradients need nothing more (see graph/capture.ts).
 * The idea of the flat vector: optimiser state is one tensor, and a training state is one row of a file.
 */

import type { JsonObject, Random } from '../foundation/index.js';
import { type GraphBuilder, reshape, type Shape, sizeOf, slice, type Value } from '../graph/index.js';

/** A parameter's place in the flat vector. */
export interface ParameterLayout {
  readonly name: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

/** A scalar of each sample, [batch, 1]; lower is better. What the model is trained for, or what an output is asked. */
export type Losses = (builder: GraphBuilder, output: Value, targets: Value) => Value;

/** Applied where a model drops units while it trains; without it the model is as it predicts. */
export type Dropout = (builder: GraphBuilder, x: Value) => Value;

/**
 * What targets mean: 'class', the id of one class; 'next-token', an id for each place of a sequence; 'regression', the
 * numbers themselves; 'scalar', nothing, because the model's output is its loss.
 */
export type ObjectiveKind = 'class' | 'next-token' | 'regression' | 'scalar';

export interface Model {
  /** As it stands in the training manifest, enough to build the model again. */
  readonly definition: JsonObject;
  readonly objective: ObjectiveKind;
  /** Of one sample. */
  readonly inputShape: Shape;
  /** Targets of one sample: [1] for a class, [T] for the next tokens of a sequence, [outputs] for numbers. */
  readonly targetShape: Shape;
  /** Classes of one target, or tokens of the vocabulary; 0 where the model tells no classes apart. */
  readonly classes: number;
  readonly parameters: readonly ParameterLayout[];
  readonly parameterCount: number;
  initialise(random: Random): Float32Array;
  /**
   * @param parameters one value for each of `parameters`
   * @param x          [batch, ...inputShape]
   * @returns [batch, ..., classes], the logits; [batch, outputs] of a regression; [batch, 1] of a scalar
   */
  forward(builder: GraphBuilder, parameters: readonly Value[], x: Value, dropout?: Dropout): Value;
  /** Targets are [batch, ...targetShape]: ids, of which −1 stands for none, whose loss is 0, or numbers. */
  readonly losses: Losses;
}

/** Views of the flat vector [P] as the model's parameters. */
export function unpackParameters(builder: GraphBuilder, model: Model, flat: Value): Value[] {
  return model.parameters.map(({ offset, shape }) => {
    return reshape(builder, slice(builder, flat, 0, offset, offset + sizeOf(shape)), shape);
  });
}
