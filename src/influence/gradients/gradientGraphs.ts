/**
 * Per-sample gradients written out, a chunk of samples at a time, and their inner products with given vectors, as graphs.
 * For methods whose outputs are vectors of P numbers with no factors, such as inverse Hessians times gradients: each chunk's
 * gradients are made, multiplied and forgotten inside one run. The trap: a product's last bits depend on its extents, so
 * those follow from the model alone, and what is fewer is padded.
 */
import {
  add,
  captureWhole,
  concat,
  type Graph,
  GraphBuilder,
  matmul,
  sizeOf,
  transpose,
  type Value,
} from '../../graph/index.js';
import { type Losses, type Model, unpackParameters } from '../../models/index.js';

/** Numbers of the gradients of one chunk: 64 MB. */
const CHUNK_NUMBERS = 2 ** 24;
/** Numbers of the vectors that one product takes: 128 MB. */
const VECTOR_NUMBERS = 2 ** 25;
const MOST_ROWS = 256;
/** What differs between samples cannot be seen in fewer. */
const LEAST_ROWS = 2;

export interface GradientExtents {
  /** Samples of one run. */
  readonly chunk: number;
  /** Vectors of one product. */
  readonly vectors: number;
}

/** Powers of two, from the number of parameters alone. */
export function gradientExtents({ parameterCount }: Model): GradientExtents {
  const within = (numbers: number, least: number): number =>
    Math.max(least, Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(numbers / parameterCount))));
  return { chunk: within(CHUNK_NUMBERS, LEAST_ROWS), vectors: within(VECTOR_NUMBERS, 1) };
}

/** Inputs parameters [P], x, targets; outputs gradients [chunk, P] and losses [chunk, 1]. */
export function gradientGraph(model: Model, chunk: number, target: Losses): Graph {
  const g = new GraphBuilder();
  const { losses, gradients } = wholeGradients(g, model, chunk, target);
  return g.build({ gradients: concat(g, gradients, 1), losses });
}

/**
 * Inputs parameters [P], x, targets and for each parameter p `vectors p` [vectors, size of p]; output products
 * [vectors, chunk].
 */
export function gradientProductGraph(model: Model, { chunk, vectors }: GradientExtents, target: Losses): Graph {
  const g = new GraphBuilder();
  const { gradients } = wholeGradients(g, model, chunk, target);
  const products = gradients.map((gradient, p) =>
    matmul(g, g.input(vectorInput(p), [vectors, gradient.shape[1]]), transpose(g, gradient)),
  );
  return g.build({ products: products.reduce((sum, product) => add(g, sum, product)) });
}

export function vectorInput(parameter: number): string {
  return `vectors ${parameter}`;
}

function wholeGradients(
  g: GraphBuilder,
  model: Model,
  chunk: number,
  target: Losses,
): { losses: Value; gradients: readonly Value[] } {
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [chunk, ...model.inputShape]);
  const targets = g.input('targets', [chunk, ...model.targetShape]);
  const parameters = unpackParameters(g, model, flat);
  const losses = target(g, model.forward(g, parameters, x), targets);
  const gradients = captureWhole(g, { losses, batch: [x, targets], parameters });
  for (const [p, { shape }] of gradients.entries()) {
    if (shape[1] !== sizeOf(model.parameters[p].shape)) throw new Error(`gradient ${p} has ${shape[1]} entries`);
  }
  return { losses, gradients };
}
