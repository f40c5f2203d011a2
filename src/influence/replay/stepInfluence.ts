/**
 * What the samples of one training step did to outputs, to second order, as one graph: [∇_q − ½·H_q·d]·∇_i, where d is how far
 * the step moved the weights, backwards (Wang et al. 2024, theorem 4: with d = η·Σ_j ∇_j it is their gradient-Hessian-gradient
 * product). The vector of an output is the gradient of loss_q − ½·(slope of loss_q along d), so it is captured as
 * factors like any gradient, and no vector of P numbers is made an output.
 */
import {
  add,
  type CaptureRequest,
  capture,
  captureWhole,
  differentiate,
  type FactorBlock,
  type Graph,
  GraphBuilder,
  matmul,
  multiply,
  reduceSum,
  reshape,
  scalar,
  subtract,
  transpose,
  type Value,
} from '../../graph/index.js';
import { type Losses, type Model, unpackParameters } from '../../models/index.js';
import { blockProducts } from '../blockProducts.js';

export interface StepExtents {
  readonly outputs: number;
  readonly batch: number;
}

/**
 * Inputs parameters [P], displacement d [P] (weights before the step less those after), outputs and outputTargets, x and
 * targets; output products [outputs, batch]: [∇_q − ½·H_q·d]·∇_i.
 */
export function stepInfluenceGraph(model: Model, { outputs, batch }: StepExtents, target: Losses): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const displacement = unpackParameters(g, model, g.input('displacement', [model.parameterCount]));
  const parameters = unpackParameters(g, model, flat);
  const side = (name: string, targetName: string, rows: number, of: Losses): CaptureRequest => {
    const x = g.input(name, [rows, ...model.inputShape]);
    const targets = g.input(targetName, [rows, ...model.targetShape]);
    return { losses: of(g, model.forward(g, parameters, x), targets), batch: [x, targets], parameters };
  };
  const asked = side('outputs', 'outputTargets', outputs, target);
  const along = slopes(g, asked.losses, parameters, displacement);
  const curved = { ...asked, losses: subtract(g, asked.losses, multiply(g, along, scalar(g, 0.5))) };
  return g.build({ products: products(g, curved, side('x', 'targets', batch, model.losses)) });
}

/** Of each sample's own loss along the direction, [n, 1]: the derivative by the samples' weights of the whole slope. */
function slopes(g: GraphBuilder, losses: Value, parameters: readonly Value[], direction: readonly Value[]): Value {
  const weights = g.constant(new Float32Array(losses.shape[0]).fill(1), losses.shape);
  const axes = losses.shape.map((_, axis) => axis);
  const gradients = differentiate(g, reduceSum(g, multiply(g, losses, weights), axes), parameters);
  const slope = gradients
    .map((gradient, p) => whole(g, multiply(g, gradient, direction[p])))
    .reduce((sum, part) => add(g, sum, part));
  return differentiate(g, slope, [weights])[0];
}

function whole(g: GraphBuilder, value: Value): Value {
  const sum = reduceSum(
    g,
    value,
    value.shape.map((_, axis) => axis),
  );
  return reshape(g, sum, [1]);
}

/** Inner products of both sides' gradients: from factors where both have the same kind, written out where not. */
function products(g: GraphBuilder, left: CaptureRequest, right: CaptureRequest): Value {
  const [a, b] = [capture(g, left), capture(g, right)];
  const written = { left: captureWhole(g, left), right: captureWhole(g, right) };
  const parts = left.parameters.map((_, parameter) => {
    const own = (blocks: readonly FactorBlock[]) => blocks.filter((block) => block.parameter === parameter);
    const [p, q] = [own(a), own(b)];
    if (p.length === 1 && q.length === 1 && p[0].term.kind === q[0].term.kind)
      return blockProducts(g, p[0].term, q[0].term);
    return matmul(g, written.left[parameter], transpose(g, written.right[parameter]));
  });
  return parts.reduce((sum, part) => add(g, sum, part));
}
