/**
 * Per-sample gradients as factors (design.md section 4). A parameterised operator does not give sample i's gradient G_i but
 * what it is made of, so that products, norms and projections of gradients need no G_i at all. All factors are
 * sample-major. Parameters of a few entries (biases, scales) give G_i itself, which is as small as its factors.
 */
import type { GraphBuilder, Shape, Value } from './graph.js';
import { reshape, transpose } from './ops/shape.js';
import { isSampleAxis, type SampleLayout } from './sampleLayout.js';

export type FactorTerm =
  /**
   * G_i = Σ_t left[i, g, t] ⊗ right[i, g, t] for each group g: left [n, G, T, R], right [n, G, T, C].
   * The parameter, row-major, is [G, R, C].
   */
  | { readonly kind: 'outer'; readonly left: Value; readonly right: Value }
  /** An embedding: row indices[i, t] of the parameter [rows, C] receives right[i, t]: indices [n, T], right [n, T, C]. */
  | { readonly kind: 'rows'; readonly indices: Value; readonly right: Value; readonly rows: number }
  /** G_i as it stands: [n, size of the parameter]. */
  | { readonly kind: 'direct'; readonly gradient: Value };

export interface TermPart {
  readonly name: 'left' | 'right' | 'indices' | 'gradient';
  readonly value: Value;
}

/** The values that a term consists of, in a fixed order. */
export function termParts(term: FactorTerm): readonly TermPart[] {
  if (term.kind === 'direct') return [{ name: 'gradient', value: term.gradient }];
  const right: TermPart = { name: 'right', value: term.right };
  return [term.kind === 'rows' ? { name: 'indices', value: term.indices } : { name: 'left', value: term.left }, right];
}

/** The same kind of term, made of other values: `parts` as `termParts` gives them. */
export function termOfParts(term: FactorTerm, parts: readonly Value[]): FactorTerm {
  if (term.kind === 'direct') return { kind: 'direct', gradient: parts[0] };
  if (term.kind === 'rows') return { kind: 'rows', indices: parts[0], right: parts[1], rows: term.rows };
  return { kind: 'outer', left: parts[0], right: parts[1] };
}

export interface FactorContext {
  readonly builder: GraphBuilder;
  /** Samples of the batch, at least 2. */
  readonly samples: number;
  layoutOf(value: Value): SampleLayout;
}

/**
 * A value with its samples in front: [n, per, other axes in their order]; a shared one is an error of the caller.
 * @param layout where the samples of `value` stand: its own layout, or for a gradient that of what it is the gradient of
 */
export function sampleMajor({ builder, samples }: FactorContext, value: Value, layout: SampleLayout): Value {
  if (!isSampleAxis(layout)) throw new Error(`a ${layout} value has no sample axis`);
  const rest = value.shape.map((_, axis) => axis).filter((axis) => axis !== layout.axis);
  const shape: Shape = [samples, layout.per, ...rest.map((axis) => value.shape[axis])];
  const moved = layout.axis === 0 ? value : transpose(builder, value, [layout.axis, ...rest]);
  return reshape(builder, moved, shape);
}
