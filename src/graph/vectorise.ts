/**
 * One computation for every sample at once: what a graph computes from one sample's value is said again with the samples as
 * a leading axis (the vectorising map of Frostig et al. 2018, JAX). It is how a function of parameters alone carries
 * per-sample gradients back. Operators that broadcast need no rule; those named here move their axes by one; any other
 * is applied to each sample apart and the results are stacked, which is right for every operator and long for many samples.
 * The trap: broadcasting aligns at the right, so values of fewer axes get theirs between the samples and their own.
 */
import type { Attributes, GraphBuilder, Node, Value } from './graph.js';
import { expand } from './ops/broadcast.js';
import { concat, reshape, slice } from './ops/shape.js';
import { alignedSamples } from './sampleLayout.js';

/** A value of one sample, or of all of them: then with the samples in front of its own axes. */
interface Operand {
  readonly value: Value;
  readonly stacked: boolean;
}

/** The node for all samples; each operand has the axes of the node's own input, behind the samples where it is stacked. */
type Rule = (g: GraphBuilder, node: Node, operands: readonly Operand[], samples: number) => Value;

/**
 * @param one what one sample's computation starts from
 * @param all the same for every sample: [samples, ...shape of `one`]
 * @param results values computed from `one`, and from others that are the same for all samples
 * @returns [samples, ...shape] of each result
 */
export function vectorise(g: GraphBuilder, one: Value, all: Value, results: readonly Value[]): Value[] {
  const [samples] = all.shape;
  const stacked = new Map<number, Value>([[one.id, all]]);
  for (const node of between(g.nodes, one, results)) {
    const operands = node.inputs.map((input): Operand => {
      const value = stacked.get(input.id);
      return value ? { value, stacked: true } : { value: input, stacked: false };
    });
    const rule = Object.hasOwn(RULES, node.operator.name) ? RULES[node.operator.name] : undefined;
    const apply = rule ?? (node.operator.samples === alignedSamples ? broadcasting : eachApart);
    stacked.set(node.output.id, apply(g, node, operands, samples));
  }
  return results.map((result) => stacked.get(result.id) ?? expand(g, result, [samples, ...result.shape]));
}

/** The nodes that compute `results` from `one`, in order. */
function between(nodes: readonly Node[], one: Value, results: readonly Value[]): Node[] {
  const reached = new Set([one.id]);
  const behind = nodes.filter(({ inputs, output }) => {
    const depends = output.id !== one.id && inputs.some(({ id }) => reached.has(id));
    if (depends) reached.add(output.id);
    return depends;
  });
  const needed = new Set(results.map(({ id }) => id));
  const found: Node[] = [];
  for (const node of behind.reverse()) {
    if (!needed.has(node.output.id)) continue;
    found.push(node);
    for (const input of node.inputs) needed.add(input.id);
  }
  return found.reverse();
}

function broadcasting(g: GraphBuilder, node: Node, operands: readonly Operand[]): Value {
  const rank = node.output.shape.length;
  return g.apply(
    node.operator,
    operands.map((operand) => aligned(g, operand, rank)),
    node.attributes,
  );
}

/** With extents of 1 between the samples and the rest, up to `rank` axes behind the samples. */
function aligned(g: GraphBuilder, { value, stacked }: Operand, rank: number): Value {
  if (!stacked) return value;
  const [samples, ...rest] = value.shape;
  return reshape(g, value, [samples, ...new Array<number>(rank - rest.length).fill(1), ...rest]);
}

/** Every operand with the samples in front. */
function eachStacked(g: GraphBuilder, operands: readonly Operand[], samples: number): Value[] {
  return operands.map(({ value, stacked }) => (stacked ? value : expand(g, value, [samples, ...value.shape])));
}

function eachApart(g: GraphBuilder, node: Node, operands: readonly Operand[], samples: number): Value {
  const results = Array.from({ length: samples }, (_, i) => {
    const inputs = operands.map(({ value, stacked }) =>
      stacked ? reshape(g, slice(g, value, 0, i, i + 1), value.shape.slice(1)) : value,
    );
    return reshape(g, g.apply(node.operator, inputs, node.attributes), [1, ...node.output.shape]);
  });
  return concat(g, results, 0);
}

/** A rule for operators of one input, or of several that must all have the samples: only attributes change. */
const moving =
  (attributes: (own: Attributes, samples: number) => Attributes): Rule =>
  (g, node, operands, samples) =>
    g.apply(node.operator, eachStacked(g, operands, samples), {
      ...node.attributes,
      ...attributes(node.attributes, samples),
    });

const list = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value);
const axisMoved = moving(({ axis }) => ({ axis: Number(axis) + 1 }));
const axesMoved = moving(({ axes }) => ({ axes: list(axes).map((axis) => axis + 1) }));

const RULES: Readonly<Record<string, Rule>> = {
  Reshape: moving(({ shape }, samples) => ({ shape: [samples, ...list(shape)] })),
  Transpose: moving(({ perm }) => ({ perm: [0, ...list(perm).map((axis) => axis + 1)] })),
  Slice: axisMoved,
  Concat: axisMoved,
  Pad: moving(({ before, after }) => ({ before: [0, ...list(before)], after: [0, ...list(after)] })),
  StridedSlice: moving(({ starts, counts, steps }, samples) => ({
    starts: [0, ...list(starts)],
    counts: [samples, ...list(counts)],
    steps: [1, ...list(steps)],
  })),
  Expand: (g, node, [operand], samples) =>
    expand(g, aligned(g, operand, node.output.shape.length), [samples, ...node.output.shape]),
  MatMul: broadcasting,
  ReduceSum: axesMoved,
  ReduceMean: axesMoved,
  ReduceMax: axesMoved,
  ReduceMin: axesMoved,
  ReduceSumSquare: axesMoved,
  ReduceLogSumExp: axesMoved,
  Centre: axesMoved,
};
