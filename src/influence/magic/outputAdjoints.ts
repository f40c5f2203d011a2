/**
 * Where the way back begins: the gradient with respect to the trained weights of what is explained, Σ_q weight_q·target_q
 * over some outputs. Outputs go through in chunks of a fixed extent, so that an output's last bits do not depend on
 * which others are asked for.
 */
import type { EncodedGraph, Program } from '../../engine/index.js';
import { differentiate, type Graph, GraphBuilder, multiply, reduceSum, type Shape } from '../../graph/index.js';
import {
  batchTensors,
  type Losses,
  type Model,
  type Samples,
  selectSamples,
  unpackParameters,
} from '../../models/index.js';

export const OUTPUT_CHUNK = 8;

/** Inputs parameters [P], x, targets [OUTPUT_CHUNK, ...], weights [OUTPUT_CHUNK, 1]; output gradient [P]. */
export function outputGradientGraph(model: Model, target: Losses = model.losses): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [OUTPUT_CHUNK, ...model.inputShape]);
  const targets = g.input('targets', [OUTPUT_CHUNK, ...model.targetShape]);
  const weights = g.input('weights', [OUTPUT_CHUNK, 1]);
  const losses = target(g, model.forward(g, unpackParameters(g, model, flat), x), targets);
  const [gradient] = differentiate(g, reduceSum(g, multiply(g, losses, weights), [0]), [flat]);
  return g.build({ gradient });
}

/** @param weights one for each output @returns [P] */
export async function outputGradient(
  program: Program,
  { inputs }: Pick<EncodedGraph, 'inputs'>,
  parameters: Float32Array,
  outputs: Samples,
  weights: Float32Array,
): Promise<Float32Array> {
  const rest = (name: string): Shape => inputs.find((input) => input.name === name)?.shape.slice(1) ?? [];
  const shapes = { inputShape: rest('x'), targetShape: rest('targets') };
  const sum = new Float64Array(parameters.length);
  for (let start = 0; start < outputs.rows; start += OUTPUT_CHUNK) {
    const rows = Math.min(OUTPUT_CHUNK, outputs.rows - start);
    const given = new Float32Array(OUTPUT_CHUNK);
    given.set(weights.subarray(start, start + rows));
    const chosen = selectSamples(
      outputs,
      Array.from({ length: rows }, (_, i) => start + i),
    );
    const { gradient } = await program.run({
      parameters: { shape: [parameters.length], data: parameters },
      ...batchTensors(chosen, 0, OUTPUT_CHUNK, shapes),
      weights: { shape: [OUTPUT_CHUNK, 1], data: given },
    });
    for (const [p, value] of gradient.data.entries()) sum[p] += value;
  }
  return Float32Array.from(sum);
}
