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
  const { loss, gradient } = lossAndGradient(g, objective, unpack(g, objective, flat));
  return g.build({ ...step(g, flat, stateInput(g, objective, optimiser), gradient, optimiser, clip), loss });
}

/** Inputs parameters [P], gradient [P] and those of the loss; outputs nextGradient = gradient + ∇loss, and loss. */
export function accumulateGraph(objective: Objective): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [objective.parameterCount]);
  const sum = g.input('gradient', [objective.parameterCount]);
  const { loss, gradient } = lossAndGradient(g, objective, unpack(g, objective, flat));
  return g.build({ nextGradient: add(g, sum, gradient), loss });
}

/** Inputs parameters [P], state, rates, gradient [P]; outputs nextParameters, nextState. */
export function applyGraph(parameterCount: number, optimiser: Optimiser, { clip }: Clipping = {}): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [parameterCount]);
  const gradient = g.input('gradient', [parameterCount]);
  return g.build(step(g, flat, stateInput(g, { parameterCount }, optimiser), gradient, optimiser, clip));
}

export function stateInput(
  g: GraphBuilder,
  { parameterCount }: Pick<Objective, 'parameterCount'>,
  optimiser: Optimiser,
): Value {
  return g.input('state', [optimiser.stateSize(parameterCount)]);
}

/** What a step computes of `flat`, which the optimiser moves; declares the input `rates`. */
export function step(
  g: GraphBuilder,
  flat: Value,
  state: Value,
  gradient: Value,
  optimiser: Optimiser,
  clip: number | undefined,
): { nextParameters: Value; nextState: Value } {
  const rates = g.input('rates', [optimiser.rateCount]);
  const clipped = clip === undefined ? gradient : clipByGlobalNorm(g, gradient, clip);
  const { next, nextState } = optimiser.update(g, flat, state, clipped, rates);
  return { nextParameters: next, nextState };
}

/** Views of the flat vector as the objective's parameters. */
export function unpack(g: GraphBuilder, objective: Pick<Objective, 'parameters'>, flat: Value): Value[] {
  return objective.parameters.map(({ offset, shape }) =>
    reshape(g, slice(g, flat, 0, offset, offset + sizeOf(shape)), shape),
  );
}

/** The gradient [P] lies as the flat vector does. */
function lossAndGradient(
  g: GraphBuilder,
  objective: Objective,
  parameters: readonly Value[],
): { loss: Value; gradient: Value } {
  const loss = objective.loss(g, parameters);
  return { loss, gradient: flattened(g, differentiate(g, loss, parameters)) };
}

/** Values one behind the other, as one vector. */
export function flattened(g: GraphBuilder, parts: readonly Value[]): Value {
  return concat(
    g,
    parts.map((part) => reshape(g, part, [sizeOf(part.shape)])),
    0,
  );
}
