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

/** What the model is trained for: its per-sample loss, [batch, 1], in nats or squared units. */
export type Losses = (builder: GraphBuilder, output: Value, targets: Value) => Value;

/** Applied where a model drops units while it trains; without it the model is as it predicts. */
export type Dropout = (builder: GraphBuilder, x: Value) => Value;

export interface Model {
  /** As it stands in the training manifest, enough to build the model again. */
  readonly definition: JsonObject;
  /** Of one sample. */
  readonly inputShape: Shape;
  /** Targets of one sample: [1] for a class, [T] for the next tokens of a sequence. */
  readonly targetShape: Shape;
  /** Classes of one target, or tokens of the vocabulary. */
  readonly classes: number;
  readonly parameters: readonly ParameterLayout[];
  readonly parameterCount: number;
  initialise(random: Random): Float32Array;
  /**
   * @param parameters one value for each of `parameters`
   * @param x          [batch, ...inputShape]
   * @returns [batch, ..., classes], the logits
   */
  forward(builder: GraphBuilder, parameters: readonly Value[], x: Value, dropout?: Dropout): Value;
  /** Targets are class ids [batch, ...targetShape]; −1 stands for none, whose loss is 0. */
  readonly losses: Losses;
}

/** Views of the flat vector [P] as the model's parameters. */
export function unpackParameters(builder: GraphBuilder, model: Model, flat: Value): Value[] {
  return model.parameters.map(({ offset, shape }) => {
    return reshape(builder, slice(builder, flat, 0, offset, offset + sizeOf(shape)), shape);
  });
}
