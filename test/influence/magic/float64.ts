/**
 * A whole training in float64 by the interpreter, as a function of the samples' weights: what the derivative through the
 * run is compared with, by finite differences.
 */
import { Random } from '../../../src/foundation/index.js';
import { type Graph, GraphBuilder, interpret, reduceSum } from '../../../src/graph/index.js';
import {
  adjointStepGraph,
  epochOrder,
  type FastStepOptions,
  fastStepGraph,
  fillDropoutMask,
  type Model,
  maskKey,
  openOptimiser,
  type Recipe,
  ratesOf,
  type Samples,
  unpackParameters,
} from '../../../src/models/index.js';

export interface Float64Run {
  readonly model: Model;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly samples: Samples;
  readonly rows: Uint32Array;
}

interface State {
  readonly parameters: Float64Array;
  readonly state: Float64Array;
}

export function float64Run({ model, recipe, seed, samples, rows }: Float64Run) {
  const optimiser = openOptimiser(recipe.optimiser);
  const options: FastStepOptions = { ...recipe, optimiser, seed };
  const [forward, backward] = [fastStepGraph(model, options), adjointStepGraph(model, options)];
  const { batch, epochs } = recipe;
  const rates = ratesOf(recipe, rows.length);
  const order = Random.named(seed, 'order');
  const batches = Array.from({ length: epochs }, () => epochOrder(order, rows)).flatMap((shuffled) =>
    Array.from({ length: Math.ceil(rows.length / batch) }, (_, k) => shuffled.subarray(k * batch, (k + 1) * batch)),
  );
  const depth = samples.targets.length / samples.rows;
  const feeds = (step: number, sampleWeights: ArrayLike<number>): Record<string, ArrayLike<number>> => {
    const positions = batches[step];
    const x = new Float64Array(batch * samples.width);
    const targets = new Float64Array(batch * depth).fill(-1);
    const weights = new Float64Array(batch);
    for (const [i, row] of positions.entries()) {
      x.set(samples.features.subarray(row * samples.width, (row + 1) * samples.width), i * samples.width);
      targets.set(samples.targets.subarray(row * depth, (row + 1) * depth), i * depth);
      weights[i] = sampleWeights[row] / positions.length;
    }
    const masks = new Float32Array(sizeOfInput(forward, 'masks'));
    fillDropoutMask(masks, maskKey(seed, step), recipe.dropout);
    return { x, targets, weights, masks, rates: optimiser.rates(step, rates[step]) };
  };
  const initial: State = {
    parameters: Float64Array.from(model.initialise(Random.named(seed, 'weights'))),
    state: new Float64Array(optimiser.stateSize(model.parameterCount)),
  };
  const states = (weights: ArrayLike<number>): State[] => {
    const all = [initial];
    for (const step of batches.keys()) {
      const { nextParameters, nextState } = interpret(forward, { ...all[step], ...feeds(step, weights) });
      all.push({ parameters: nextParameters.data, state: nextState.data });
    }
    return all;
  };
  return {
    steps: batches.length,
    /** [P] after training with these weights. */
    trained: (weights: ArrayLike<number>) => states(weights)[batches.length].parameters,
    /** Σ of the losses of some samples after training with these weights. */
    loss: (weights: ArrayLike<number>, outputs: Samples) =>
      interpret(lossGraph(model, outputs.rows), {
        parameters: states(weights)[batches.length].parameters,
        x: outputs.features,
        targets: outputs.targets,
      }).loss.data[0],
    /** Its gradient with respect to every weight by the adjoint graphs, in float64. */
    gradient(weights: ArrayLike<number>, outputGradient: (parameters: Float64Array) => Float64Array): Float64Array {
      const all = states(weights);
      let parameters: ArrayLike<number> = outputGradient(all[batches.length].parameters);
      let state: ArrayLike<number> = new Float64Array(initial.state.length);
      const gradient = new Float64Array(samples.rows);
      for (let step = batches.length - 1; step >= 0; step--) {
        const before = interpret(backward, {
          ...all[step],
          ...feeds(step, weights),
          carried: all[step].parameters,
          adjointParameters: parameters,
          adjointState: state,
        });
        parameters = before.beforeParameters.data;
        state = before.beforeState.data;
        for (const [i, row] of batches[step].entries())
          gradient[row] += before.beforeWeights.data[i] / batches[step].length;
      }
      return gradient;
    },
  };
}

function sizeOfInput(graph: Graph, name: string): number {
  return graph.inputs.get(name)?.shape.reduce((a, b) => a * b, 1) ?? 0;
}

function lossGraph(model: Model, rows: number): Graph {
  const g = new GraphBuilder();
  const parameters = unpackParameters(g, model, g.input('parameters', [model.parameterCount]));
  const x = g.input('x', [rows, ...model.inputShape]);
  const targets = g.input('targets', [rows, ...model.targetShape]);
  return g.build({ loss: reduceSum(g, model.losses(g, model.forward(g, parameters, x), targets), [0]) });
}
