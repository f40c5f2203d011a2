/** Norms ‖∇_i‖ of whole per-sample gradients, over all parameters, from their factors; no gradient is written out. */
import type { Engine } from '../engine/index.js';
import { add, capture, type Graph, GraphBuilder } from '../graph/index.js';
import { batchTensors, type Losses, type Model, type Samples, unpackParameters } from '../models/index.js';
import { blockNorms } from './blockProducts.js';
import { describeFactors } from './factors.js';

export interface GradientNorms {
  /** @returns ‖∇_i‖ of each sample, [rows] */
  norms(parameters: Float32Array, samples: Samples): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** @param target the scalar of a sample that is differentiated; the model's loss unless told */
export async function openNorms(engine: Engine, model: Model, target: Losses = model.losses): Promise<GradientNorms> {
  const { chunk } = describeFactors(model, target).layout;
  const program = await engine.compile(normGraph(model, chunk, target));
  return {
    async norms(parameters, samples) {
      const norms = new Float32Array(samples.rows);
      const flat = { shape: [model.parameterCount], data: parameters };
      for (let start = 0; start < samples.rows; start += chunk) {
        const { squares } = await program.run({ parameters: flat, ...batchTensors(samples, start, chunk, model) });
        const rows = Math.min(chunk, samples.rows - start);
        for (let i = 0; i < rows; i++) norms[start + i] = Math.sqrt(Math.max(0, squares.data[i]));
      }
      return norms;
    },
    dispose: () => program.dispose(),
  };
}

function normGraph(model: Model, chunk: number, target: Losses): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [chunk, ...model.inputShape]);
  const targets = g.input('targets', [chunk, ...model.targetShape]);
  const parameters = unpackParameters(g, model, flat);
  const losses = target(g, model.forward(g, parameters, x), targets);
  const blocks = capture(g, { losses, batch: [x, targets], parameters });
  const nothing = g.constant(new Float32Array(chunk), [chunk]);
  return g.build({ squares: blocks.reduce((sum, { term }) => add(g, sum, blockNorms(g, term)), nothing) });
}
