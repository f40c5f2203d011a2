/**
 * What a model is to the rest of Meed: a graph over one flat parameter vector, and the linear layers whose input
 * activations and output gradients are the factors of every per-sample gradient (design.md section 4).
 * The idea of the flat vector: optimiser state is one tensor, and a training state is one row of a file.
 */

import type { Random } from '../foundation/index.js';
import { type GraphBuilder, reshape, slice, type Value } from '../graph/index.js';

/** A parameter's place in the flat vector. */
export interface ParameterLayout {
  readonly name: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

/** A linear layer z = a·W + b as it stands in a graph. */
export interface LinearLayer {
  readonly name: string;
  /** a: [batch, in] */
  readonly activations: Value;
  /** z: [batch, out] */
  readonly preActivations: Value;
}

export interface ForwardPass {
  /** [batch, classes] */
  readonly logits: Value;
  readonly layers: readonly LinearLayer[];
}

export interface Model {
  /** As it stands in the training manifest, enough to build the model again. */
  readonly definition: { readonly name: string; readonly widths: readonly number[] };
  readonly inputWidth: number;
  readonly classes: number;
  readonly parameters: readonly ParameterLayout[];
  readonly parameterCount: number;
  /** Extents [in, out] of each linear layer, in the order of `forward`'s layers. */
  readonly layerExtents: readonly (readonly [number, number])[];
  initialise(random: Random): Float32Array;
  /** @param parameters one value for each of `parameters` */
  forward(builder: GraphBuilder, parameters: readonly Value[], x: Value): ForwardPass;
}

/** Views of the flat vector [P] as the model's parameters. */
export function unpackParameters(builder: GraphBuilder, model: Model, flat: Value): Value[] {
  return model.parameters.map(({ offset, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return reshape(builder, slice(builder, flat, 0, offset, offset + size), shape);
  });
}
