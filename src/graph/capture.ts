/**
 * Exact per-sample gradients of any graph, as factors, captured by the differentiation itself (design.md section 4): the
 * backward pass stops at the output of every operator that takes a parameter, and that operator says what its parameter's
 * gradient is made of. No model-specific code: where the samples stand is followed through the graph, and an operator that
 * mixes samples (batch normalisation in training mode, a softmax over the batch) is refused by name. What is computed from
 * parameters alone (a masked, normed or joined weight) has its per-sample gradients first, which are then carried back.
 * The trap: a parameter used twice (a tied head) has the *sum* of two gradients, so its factors must be brought to the
 * same coordinates before any product; parts of a parameter used apart (a split projection) are orthogonal instead.
 */
import { MeedError } from '../foundation/index.js';
import { differentiate } from './differentiate.js';
import type { FactorContext, FactorTerm } from './factorTerm.js';
import { type GraphBuilder, type Node, type Shape, sizeOf, type Value } from './graph.js';
import { mergeTerms, type PlacedTerm, sumTerms } from './mergeTerms.js';
import { expand } from './ops/broadcast.js';
import { reduceSum } from './ops/reduceSum.js';
import { parameterUses, type Root, type Use } from './parameterUses.js';
import { passBack } from './passBack.js';
import { isSampleAxis, type SampleLayout } from './sampleLayout.js';

export interface CaptureRequest {
  /** Σ over its entries of sample i is sample i's target function: [n] or [n, 1]; its gradient is what is captured. */
  readonly losses: Value;
  /** Values with the batch as their first axis. */
  readonly batch: readonly Value[];
  readonly parameters: readonly Value[];
}

/** Orthogonal to every other block: inner products of gradients are sums over blocks. */
export interface FactorBlock {
  /** Position in the request's parameters. */
  readonly parameter: number;
  readonly term: FactorTerm;
}

/**
 * Appends the backward pass and the factors to the graph. A parameter that the losses do not depend on has no block.
 * @throws MeedError naming the operator that mixes samples or uses a parameter in a way that has no factors
 */
export function capture(builder: GraphBuilder, request: CaptureRequest): FactorBlock[] {
  return received(builder, request).flatMap(({ shape, terms }, parameter) =>
    mergeTerms(builder, shape, terms).map((term) => ({ parameter, term })),
  );
}

/**
 * The gradients themselves, written out in each parameter's own coordinates: [n, size of the parameter], for whoever
 * multiplies them by vectors of parameters. Zeros where the losses do not depend on a parameter.
 * @throws MeedError as `capture` does
 */
export function captureWhole(builder: GraphBuilder, request: CaptureRequest): Value[] {
  const samples = request.batch[0]?.shape[0] ?? 0;
  return received(builder, request).map(({ shape, terms }) => {
    if (terms.length > 0) return sumTerms(builder, shape, terms);
    return expand(builder, builder.constant([0], [1, 1]), [samples, sizeOf(shape)]);
  });
}

interface Received {
  readonly shape: Shape;
  readonly terms: readonly PlacedTerm[];
}

/** What every parameter of the request receives from its uses. */
function received(builder: GraphBuilder, { losses, batch, parameters }: CaptureRequest): Received[] {
  const samples = batch[0]?.shape[0] ?? 0;
  if (samples < 2 || batch.some(({ shape }) => shape[0] !== samples)) {
    throw new MeedError(
      `The batch has the shapes ${batch.map(({ shape }) => `[${shape}]`).join(', ')}`,
      'Give every batch input the same first extent, of at least 2 (pad single samples)',
    );
  }
  const nodes = ancestors(builder.nodes, losses);
  const layouts = followSamples(nodes, batch, samples);
  const layoutOf = (value: Value): SampleLayout => layouts.get(value.id) ?? 'shared';
  const last = layoutOf(losses);
  if (!isSampleAxis(last) || last.axis !== 0 || last.per !== 1 || sizeOf(losses.shape) !== samples) {
    throw new MeedError(
      `The losses have the shape [${losses.shape}], not one number for each of ${samples} samples`,
      'Sum or average over everything but the samples',
    );
  }
  const roots = parameterUses(nodes, parameters, layoutOf);
  const uses = roots.flatMap((root) => root.uses.map((use) => ({ root, use })));
  const total = reduceSum(
    builder,
    losses,
    losses.shape.map((_, axis) => axis),
  );
  const gradients = differentiate(
    builder,
    total,
    uses.map(({ use }) => use.node.output),
  );
  const context: FactorContext = { builder, samples, layoutOf };
  const arrived = new Map<Root, PlacedTerm[]>(roots.map((root) => [root, []]));
  for (const [i, { root, use }] of uses.entries()) {
    arrived.get(root)?.push({ term: termOf(context, use, gradients[i]), path: use.path });
  }
  for (const root of roots.toReversed()) {
    const { value, source } = root;
    const terms = arrived.get(root) ?? [];
    if (!source || terms.length === 0) continue;
    for (const [i, term] of passBack(builder, value, source, terms).entries()) {
      const view = source.inputs[i];
      if (view && term) arrived.get(view.root)?.push({ term, path: view.path });
    }
  }
  return parameters.map(({ shape }, parameter) => ({ shape, terms: arrived.get(roots[parameter]) ?? [] }));
}

function termOf(context: FactorContext, { node, position }: Use, outputGradient: Value): FactorTerm {
  const term = node.operator.factors?.(context, node, position, outputGradient);
  if (term) return term;
  throw new MeedError(
    `${titleOf(node)} takes a parameter of shape [${node.inputs[position].shape}] as input ${position}, ` +
      'for which it has no per-sample factors',
    'Leave the parameter out of the attributed ones',
  );
}

function followSamples(nodes: readonly Node[], batch: readonly Value[], samples: number): Map<number, SampleLayout> {
  const layouts = new Map<number, SampleLayout>(batch.map(({ id }) => [id, { axis: 0, per: 1 }]));
  for (const node of nodes) {
    const inputs = node.inputs.map(({ id }) => layouts.get(id) ?? 'shared');
    if (inputs.every((layout) => layout === 'shared')) continue;
    const layout = node.operator.samples(node, inputs, samples);
    if (layout === 'mixed') {
      throw new MeedError(
        `${titleOf(node)} mixes the samples of a batch (its inputs are ${node.inputs.map(({ shape }) => `[${shape}]`).join(', ')})`,
        'A sample has a gradient of its own only where samples are computed apart: use batch normalisation in inference mode, sum only over other axes',
      );
    }
    layouts.set(node.output.id, layout);
  }
  return layouts;
}

function titleOf({ operator, label }: Node): string {
  return label === undefined ? operator.name : `${operator.name} "${label}"`;
}

/** The nodes that a value is computed by, in order. */
function ancestors(nodes: readonly Node[], value: Value): Node[] {
  const needed = new Set([value.id]);
  const found: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!needed.has(node.output.id)) continue;
    found.push(node);
    for (const input of node.inputs) needed.add(input.id);
  }
  return found.reverse();
}
