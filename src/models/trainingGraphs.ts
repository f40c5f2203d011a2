/**
 * Training steps as graphs, for any loss over a flat parameter vector: one graph that does a whole step, or two where a
 * batch does not fit at once: `accumulateGraph` adds a part's gradient, `applyGraph` takes the step with the sum.
 * The trap: losses are sums over samples, weighted by the caller (1/batch for a mean); so parts of a batch add up to its
 * gradient with no rescaling.
 */
import {
  add,
  concat,
  differentiate,
  type Graph,
  GraphBuilder,
  reshape,
  type Shape,
  sizeOf,
  slice,
  type Value,
} from '../graph/index.js';
import { clipByGlobalNorm, type Optimiser } from './optimisers.js';

/** What is trained: where the parameters lie in the flat vector, and a scalar to minimise. */
export interface Objective {
  readonly parameters: readonly { readonly offset: number; readonly shape: Shape }[];
  readonly parameterCount: number;
  /** Declares its own inputs; returns a value with one entry. */
  loss(g: GraphBuilder, parameters: readonly Value[]): Value;
}

/** Longest global norm of the gradient; absent: as it is. */
export interface Clipping {
  readonly clip?: number;
}

/**
 * Inputs parameters [P], state, rates and those of the loss; outputs nextParameters, nextState, loss.
 * Nothing is clipped unless `clip` says so.
 */
export function trainingStepGraph(objective: Objective, optimiser: Optimiser, { clip }: Clipping = {}): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [objective.parameterCount]);
  const { loss, gradient } = lossAndGradient(g, objective, flat);
  return g.build({ ...step(g, flat, gradient, optimiser, clip), loss });
}

/** Inputs parameters [P], gradient [P] and those of the loss; outputs nextGradient = gradient + ∇loss, and loss. */
export function accumulateGraph(objective: Objective): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [objective.parameterCount]);
  const sum = g.input('gradient', [objective.parameterCount]);
  const { loss, gradient } = lossAndGradient(g, objective, flat);
  return g.build({ nextGradient: add(g, sum, gradient), loss });
}

/** Inputs parameters [P], state, rates, gradient [P]; outputs nextParameters, nextState. */
export function applyGraph(parameterCount: number, optimiser: Optimiser, { clip }: Clipping = {}): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [parameterCount]);
  return g.build(step(g, flat, g.input('gradient', [parameterCount]), optimiser, clip));
}

function step(
  g: GraphBuilder,
  flat: Value,
  gradient: Value,
  optimiser: Optimiser,
  clip: number | undefined,
): { nextParameters: Value; nextState: Value } {
  const state = g.input('state', [optimiser.stateSize(flat.shape[0])]);
  const rates = g.input('rates', [optimiser.rateCount]);
  const clipped = clip === undefined ? gradient : clipByGlobalNorm(g, gradient, clip);
  const { next, nextState } = optimiser.update(g, flat, state, clipped, rates);
  return { nextParameters: next, nextState };
}

function lossAndGradient(g: GraphBuilder, objective: Objective, flat: Value): { loss: Value; gradient: Value } {
  const parameters = objective.parameters.map(({ offset, shape }) =>
    reshape(g, slice(g, flat, 0, offset, offset + sizeOf(shape)), shape),
  );
  const loss = objective.loss(g, parameters);
  const parts = differentiate(g, loss, parameters).map((part) => reshape(g, part, [sizeOf(part.shape)]));
  return { loss, gradient: concat(g, parts, 0) };
}
