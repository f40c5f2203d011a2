/**
 * A training step backwards: the vector-Jacobian product of (parameters, state, weights of the batch's rows) →
 * (next parameters, next state), as one graph. It is the reverse differentiation of the very graph that trains, optimiser,
 * clipping and dropout included, so it holds for every optimiser that is a graph; a chain of such products is the exact
 * gradient of a whole training (Maclaurin et al. 2015, "Gradient-based hyperparameter optimization through reversible
 * learning"; Ilyas and Engstrom 2025, "MAGIC").
 * The trap: the parameters are used twice, as what the loss is of and as what the optimiser moves. Differentiated as one
 * vector, each of its slices would be padded to the whole vector and added; so the two uses are two inputs, `parameters`
 * and `carried`, to be fed with the same numbers, and their gradients are added once.
 */
import { add, differentiate, type Graph, GraphBuilder, multiply, reduceSum, type Value } from '../graph/index.js';
import { batchLoss, type FastStepOptions } from './fastStep.js';
import type { Model } from './model.js';
import { flattened, stateInput, step, unpack } from './trainingGraphs.js';

/**
 * Inputs: those of `fastStepGraph` as far as they matter, `carried` [P] = parameters, and the gradients of some scalar
 * with respect to what the step gives: `adjointParameters` [P], `adjointState` [state].
 * Outputs: the same scalar's gradients with respect to what the step was given: `beforeParameters` [P], `beforeState`
 * [state], `beforeWeights` [batch, 1].
 */
export function adjointStepGraph(model: Model, options: FastStepOptions): Graph {
  const g = new GraphBuilder();
  const parameters = unpack(g, model, g.input('parameters', [model.parameterCount]));
  const { loss, weights } = batchLoss(g, model, parameters, options);
  const gradient = flattened(g, differentiate(g, loss, parameters));
  const carried = g.input('carried', [model.parameterCount]);
  const state = stateInput(g, model, options.optimiser);
  const { nextParameters, nextState } = step(g, carried, state, gradient, options.optimiser, options.clip);
  const along = (value: Value, name: string): Value =>
    reduceSum(g, multiply(g, value, g.input(name, value.shape)), [0]);
  const scalar = add(g, along(nextParameters, 'adjointParameters'), along(nextState, 'adjointState'));
  const [moved, beforeState, beforeWeights, ...parts] = differentiate(g, scalar, [
    carried,
    state,
    weights,
    ...parameters,
  ]);
  return g.build({ beforeParameters: add(g, moved, flattened(g, parts)), beforeState, beforeWeights });
}
