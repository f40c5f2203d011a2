/**
 * Products of the curvature of Σ_i weight_i · loss_i with vectors of P numbers, as graph: the exact Hessian by differentiating
 * twice (Pearlmutter 1994), or the generalised Gauss–Newton matrix Jᵀ·H_z·J (Schraudolph 2002) with J the Jacobian of
 * the model's outputs and H_z the Hessian of the loss in them. Gauss–Newton is positive semi-definite for convex losses
 * and the same matrix where the model is linear in its parameters. J·v comes from the vector-Jacobian product, which is
 * linear in its left vector, so its derivative by it is the product from the right.
 * The trap: J·v must not be differentiated again, so the outputs that the loss is differentiated in, and the parameters
 * that Jᵀ belongs to, are values of their own.
 */
import {
  add,
  concat,
  differentiate,
  type Graph,
  GraphBuilder,
  multiply,
  reduceSum,
  reshape,
  type Shape,
  scalar,
  sizeOf,
  slice,
  type Value,
  vectorise,
} from '../../graph/index.js';
import { type Model, unpackParameters } from '../../models/index.js';

export type CurvatureKind = 'hessian' | 'gauss-newton';

export interface CurvatureExtents {
  /** Samples of one run. */
  readonly chunk: number;
  /** Vectors of one product. */
  readonly vectors: number;
}

/** Inputs parameters [P], x, targets, weights [chunk, 1], vectors [vectors, P]; output products [vectors, P]. */
export function curvatureGraph(model: Model, kind: CurvatureKind, { chunk, vectors }: CurvatureExtents): Graph {
  const g = new GraphBuilder();
  const problem: Problem = {
    flat: g.input('parameters', [model.parameterCount]),
    x: g.input('x', [chunk, ...model.inputShape]),
    targets: g.input('targets', [chunk, ...model.targetShape]),
    weights: g.input('weights', [chunk, 1]),
  };
  const all = g.input('vectors', [vectors, model.parameterCount]);
  const one = reshape(g, slice(g, all, 0, 0, 1), [model.parameterCount]);
  const product =
    kind === 'hessian' ? hessianProduct(g, model, problem, one) : gaussNewtonProduct(g, model, problem, one);
  return g.build({ products: vectors === 1 ? reshape(g, product, all.shape) : vectorise(g, one, all, [product])[0] });
}

interface Problem {
  readonly flat: Value;
  readonly x: Value;
  readonly targets: Value;
  readonly weights: Value;
}

function hessianProduct(g: GraphBuilder, model: Model, { flat, x, targets, weights }: Problem, vector: Value): Value {
  const parameters = unpackParameters(g, model, flat);
  const losses = model.losses(g, model.forward(g, parameters, x), targets);
  const gradients = differentiate(g, sum(g, multiply(g, losses, weights)), parameters);
  const slope = inner(g, gradients, unpackParameters(g, model, vector));
  return joined(g, differentiate(g, slope, parameters));
}

function gaussNewtonProduct(
  g: GraphBuilder,
  model: Model,
  { flat, x, targets, weights }: Problem,
  vector: Value,
): Value {
  const parameters = unpackParameters(g, model, flat);
  const outputs = model.forward(g, parameters, x);
  const left = g.constant(new Float32Array(sizeOf(outputs.shape)), outputs.shape);
  const fromLeft = differentiate(g, sum(g, multiply(g, outputs, left)), parameters);
  const [moved] = differentiate(g, inner(g, fromLeft, unpackParameters(g, model, vector)), [left]);

  const given = add(g, outputs, scalar(g, 0));
  const [slope] = differentiate(g, sum(g, multiply(g, model.losses(g, given, targets), weights)), [given]);
  const [curved] = differentiate(g, sum(g, multiply(g, slope, moved)), [given]);

  const again = unpackParameters(g, model, add(g, flat, scalar(g, 0)));
  const back = sum(g, multiply(g, model.forward(g, again, x), curved));
  return joined(g, differentiate(g, back, again));
}

/** Σ over everything, [1]. */
function sum(g: GraphBuilder, value: Value): Value {
  return reshape(
    g,
    reduceSum(
      g,
      value,
      value.shape.map((_, axis) => axis),
    ),
    [1],
  );
}

function inner(g: GraphBuilder, a: readonly Value[], b: readonly Value[]): Value {
  return a.map((value, i) => sum(g, multiply(g, value, b[i]))).reduce((total, part) => add(g, total, part));
}

function joined(g: GraphBuilder, parts: readonly Value[]): Value {
  const flat = (part: Value): Shape => [sizeOf(part.shape)];
  return concat(
    g,
    parts.map((part) => reshape(g, part, flat(part))),
    0,
  );
}
