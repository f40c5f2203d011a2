/**
 * Factors of per-sample gradients for many samples: for each linear layer the input activations and the output gradients.
 * They are all that exact gradient products need; no per-sample gradient is ever materialised. Chunks are fixed, so a
 * row's factors do not depend on which rows were asked for together.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { batchTensors, factorGraph, type Model, type Samples } from '../models/index.js';

export const FACTOR_CHUNK = 256;

export interface Factors {
  /** Per layer [rows, in]. */
  readonly activations: readonly Tensor[];
  /** Per layer [rows, out]: gradient of the sample's own loss with respect to the layer's output. */
  readonly deltas: readonly Tensor[];
  /** [rows]: the sample's loss. */
  readonly losses: Float32Array;
}

export interface FactorSource {
  factors(parameters: Float32Array, samples: Samples): Promise<Factors>;
  dispose(): Promise<void>;
}

export async function openFactors(engine: Engine, model: Model): Promise<FactorSource> {
  const program = await engine.compile(factorGraph(model, FACTOR_CHUNK));
  return {
    factors: (parameters, samples) => collect(program, model, parameters, samples),
    dispose: () => program.dispose(),
  };
}

async function collect(program: Program, model: Model, parameters: Float32Array, samples: Samples): Promise<Factors> {
  const allocate = (width: number): Tensor => ({
    shape: [samples.rows, width],
    data: new Float32Array(samples.rows * width),
  });
  const activations = model.layerExtents.map(([fanIn]) => allocate(fanIn));
  const deltas = model.layerExtents.map(([, fanOut]) => allocate(fanOut));
  const losses = new Float32Array(samples.rows);
  const flat = { shape: [model.parameterCount], data: parameters };
  for (let start = 0; start < samples.rows; start += FACTOR_CHUNK) {
    const rows = Math.min(FACTOR_CHUNK, samples.rows - start);
    const result = await program.run({
      parameters: flat,
      ...batchTensors(samples, start, FACTOR_CHUNK, model.classes),
    });
    const copy = (target: Tensor, source: Tensor): void => {
      const width = target.shape[1];
      target.data.set(source.data.subarray(0, rows * width), start * width);
    };
    for (const l of model.layerExtents.keys()) {
      copy(activations[l], result[`a${l}`]);
      copy(deltas[l], result[`d${l}`]);
    }
    losses.set(result.losses.data.subarray(0, rows), start);
  }
  return { activations, deltas, losses };
}
