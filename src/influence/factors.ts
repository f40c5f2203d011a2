/**
 * Factors of per-sample gradients for many samples, as the model's graph captures them: any model, no per-sample gradient
 * materialised. Chunks are fixed, so a row's factors do not depend on which rows were asked for together.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { type FactorTerm, sizeOf } from '../graph/index.js';
import { batchTensors, type FactorGraph, factorGraph, type Model, type Samples } from '../models/index.js';

export const FACTOR_CHUNK = 256;

/** One block of every sample's gradient; blocks are orthogonal to each other. */
export interface Block {
  readonly parameter: string;
  /** Kind of the factors and, of an embedding, its rows; the values in it belong to the graph that gave them. */
  readonly term: FactorTerm;
  /** The term's parts, each [rows, ...]: left and right, indices and right, or the gradient. */
  readonly parts: readonly Tensor[];
}

export interface Factors {
  readonly rows: number;
  readonly blocks: readonly Block[];
  /** [rows]: the sample's loss. */
  readonly losses: Float32Array;
}

export interface FactorSource {
  factors(parameters: Float32Array, samples: Samples): Promise<Factors>;
  dispose(): Promise<void>;
}

export async function openFactors(engine: Engine, model: Model): Promise<FactorSource> {
  const graph = factorGraph(model, FACTOR_CHUNK);
  const program = await engine.compile(graph.graph);
  return {
    factors: (parameters, samples) => collect(program, graph, model, parameters, samples),
    dispose: () => program.dispose(),
  };
}

async function collect(
  program: Program,
  { graph, blocks }: FactorGraph,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
): Promise<Factors> {
  const collected = new Map<string, Tensor>();
  for (const [name, { shape }] of graph.outputs) {
    const whole = [samples.rows, ...shape.slice(1)];
    collected.set(name, { shape: whole, data: new Float32Array(sizeOf(whole)) });
  }
  const flat = { shape: [model.parameterCount], data: parameters };
  for (let start = 0; start < samples.rows; start += FACTOR_CHUNK) {
    const rows = Math.min(FACTOR_CHUNK, samples.rows - start);
    const result = await program.run({ parameters: flat, ...batchTensors(samples, start, FACTOR_CHUNK, model) });
    for (const [name, { shape, data }] of collected) {
      const width = sizeOf(shape.slice(1));
      data.set(result[name].data.subarray(0, rows * width), start * width);
    }
  }
  const named = (name: string): Tensor => collected.get(name) ?? { shape: [], data: new Float32Array() };
  return {
    rows: samples.rows,
    blocks: blocks.map(({ parameter, term, outputs }) => ({ parameter, term, parts: outputs.map(named) })),
    losses: named('losses').data,
  };
}
