/**
 * A model's parameters as layers: every per-sample gradient as Σ_t left ⊗ right, so that what is said of a linear layer
 * with its bias (K-FAC, LoGra, FactGraSS) can be said of any parameter. A bias belongs to the weight whose output gradient
 * is its own: it is that weight's row for an input that is always 1 (Grosse et al. 2023). An embedding is a
 * weight whose input is one-hot. What has no factors (scales, and biases whose weight is not seen) is a vector times 1: its
 * curvature is a full matrix over its entries, and nothing is lost.
 * The trap: a bias is known by the value that its gradient is made of, not by its name; where that value is turned on its
 * way to the weight (a convolution) they stay two layers.
 */
import {
  concat,
  type FactorTerm,
  type GraphBuilder,
  type Node,
  oneHot,
  reshape,
  sizeOf,
  type Value,
} from '../../graph/index.js';

/** The gradient of sample i is Σ_t left[i, g, t] ⊗ right[i, g, t], row-major [G, R, C]. */
export interface Layer extends LayerShape {
  /** [n, G, T, R] */
  readonly left: Value;
  /** [n, G, T, C] */
  readonly right: Value;
  /** Of an embedding, [n, T]: where `left` is 1. */
  readonly indices?: Value;
}

/** What must agree between two programs whose numbers are multiplied. */
export interface LayerShape {
  /** Names: a weight, and the bias that was joined to it as the last row or column. */
  readonly parameters: readonly string[];
  readonly groups: number;
  /** T, of one sample; 1 where the gradient is given whole. */
  readonly positions: number;
  /** R and C. */
  readonly rows: number;
  readonly columns: number;
  /** The side that is one-hot. */
  readonly oneHot: 'left' | 'none';
}

export interface NamedTerm {
  readonly parameter: string;
  readonly term: FactorTerm;
}

type Outer = Extract<FactorTerm, { kind: 'outer' }>;

/** @returns layers in the order of the terms; a joined bias stands where its weight does */
export function layersOf(g: GraphBuilder, terms: readonly NamedTerm[]): Layer[] {
  const joined = new Set<NamedTerm>();
  return terms
    .flatMap((named) => {
      const { parameter, term } = named;
      if (term.kind !== 'outer') return [{ named, layer: asLayer(g, parameter, term) }];
      const bias = terms.find((other) => !joined.has(other) && sideOfBias(g, term, other.term) !== undefined);
      if (!bias) return [{ named, layer: asLayer(g, parameter, term) }];
      joined.add(bias);
      const side = sideOfBias(g, term, bias.term);
      return [{ named, layer: outerLayer([parameter, bias.parameter], withOnes(g, term, side)) }];
    })
    .filter(({ named }) => !joined.has(named))
    .map(({ layer }) => layer);
}

export function shapeOf({ parameters, groups, positions, rows, columns, oneHot: hot }: Layer): LayerShape {
  return { parameters, groups, positions, rows, columns, oneHot: hot };
}

/** Numbers of one sample's gradient. */
export function widthOf({ groups, rows, columns }: LayerShape): number {
  return groups * rows * columns;
}

function asLayer(g: GraphBuilder, parameter: string, term: FactorTerm): Layer {
  if (term.kind === 'outer') return outerLayer([parameter], term);
  if (term.kind === 'direct') {
    const [n, width] = term.gradient.shape;
    const left = reshape(g, term.gradient, [n, 1, 1, width]);
    return outerLayer([parameter], { kind: 'outer', left, right: ones(g, [n, 1, 1, 1]) });
  }
  const [n, positions, columns] = term.right.shape;
  const left = reshape(g, oneHot(g, term.indices, term.rows), [n, 1, positions, term.rows]);
  const right = reshape(g, term.right, [n, 1, positions, columns]);
  return { ...outerLayer([parameter], { kind: 'outer', left, right }), oneHot: 'left', indices: term.indices };
}

function outerLayer(parameters: readonly string[], { left, right }: Outer): Layer {
  const [, groups, positions, rows] = left.shape;
  return { parameters, groups, positions, rows, columns: right.shape[3], oneHot: 'none', left, right };
}

/** The side of the weight's factors that is the output's gradient, if `bias` is the bias added to that output. */
function sideOfBias(g: GraphBuilder, weight: Outer, bias: FactorTerm): 'left' | 'right' | undefined {
  if (bias.kind !== 'direct' || weight.left.shape[1] !== 1) return undefined;
  const source = unshaped(g, summed(g, bias.gradient, weight.left.shape[2])).id;
  return (['right', 'left'] as const).find(
    (side) => weight[side].shape[3] === bias.gradient.shape[1] && unshaped(g, weight[side]).id === source,
  );
}

/** What a bias' gradient [n, width] is the sum of over all axes between the samples and the width. */
function summed(g: GraphBuilder, gradient: Value, positions: number): Value {
  if (positions === 1) return gradient;
  const node = producer(g, unshaped(g, gradient));
  if (node?.operator.name !== 'ReduceSum') return gradient;
  const [input] = node.inputs;
  const between = input.shape.map((_, axis) => axis).slice(1, -1);
  const { axes } = node.attributes;
  const over = typeof axes === 'number' ? [axes] : axes;
  const all = over.length === between.length && between.every((axis) => over.includes(axis));
  return all && input.shape.at(-1) === gradient.shape[1] ? input : gradient;
}

function unshaped(g: GraphBuilder, value: Value): Value {
  let source = value;
  for (let node = producer(g, value); node?.operator.name === 'Reshape'; node = producer(g, source)) {
    [source] = node.inputs;
  }
  return source;
}

function producer(g: GraphBuilder, value: Value): Node | undefined {
  return g.producerOf(value);
}

/** The other side's inputs with a 1 behind them. */
function withOnes(g: GraphBuilder, { left, right }: Outer, side: 'left' | 'right' | undefined): Outer {
  const extended = (value: Value): Value => concat(g, [value, ones(g, [...value.shape.slice(0, 3), 1])], 3);
  return side === 'right'
    ? { kind: 'outer', left: extended(left), right }
    : { kind: 'outer', left, right: extended(right) };
}

function ones(g: GraphBuilder, shape: readonly number[]): Value {
  return g.constant(new Float32Array(sizeOf(shape)).fill(1), shape);
}
