/**
 * Where the samples of a batch stand in a value, followed through a graph operator by operator. An axis of extent
 * samples·per holds them sample-major: entry i·per + u belongs to sample i. It is what makes "the gradient of sample i"
 * a slice of the batch's gradient, and what finds operators that mix samples.
 * The trap: with one sample an axis of extent 1 could be anything, so the analysis wants at least two.
 */
import { type Node, type Shape, sizeOf } from './graph.js';

export type SampleLayout =
  /** The same for every sample: parameters, constants and what is computed from them alone. */
  | 'shared'
  /** Some entry depends on several samples. */
  | 'mixed'
  | { readonly axis: number; readonly per: number };

type Rule = (node: Node, layouts: readonly SampleLayout[]) => SampleLayout;

export function isSampleAxis(layout: SampleLayout): layout is { readonly axis: number; readonly per: number } {
  return typeof layout === 'object';
}

/** Broadcasting operators: the axes align at the right, all inputs with samples must have them at the same place. */
export function alignedSamples(node: Node, layouts: readonly SampleLayout[]): SampleLayout {
  let result: SampleLayout = 'shared';
  for (const [i, layout] of layouts.entries()) {
    if (layout === 'mixed') return 'mixed';
    if (layout === 'shared') continue;
    const axis = layout.axis + node.output.shape.length - node.inputs[i].shape.length;
    if (result !== 'shared' && (result.axis !== axis || result.per !== layout.per)) return 'mixed';
    result = { axis, per: layout.per };
  }
  return result;
}

/** Operators that combine entries along `axes` of their first input, every other input being shared. */
export function samplesUnless(axes: (node: Node) => readonly number[]): Rule {
  return (node, layouts) => {
    if (layouts.slice(1).some((layout) => layout !== 'shared')) return 'mixed';
    const [layout] = layouts;
    return isSampleAxis(layout) && axes(node).includes(layout.axis) ? 'mixed' : layout;
  };
}

/** The rule of Reshape: the axis of the new shape before which equally many entries stand. */
export function reshapedSamples(from: Shape, to: Shape, layout: SampleLayout, samples: number): SampleLayout {
  if (!isSampleAxis(layout)) return layout;
  const before = sizeOf(from.slice(0, layout.axis));
  for (let axis = 0, prefix = 1; axis < to.length && prefix <= before; prefix *= to[axis++]) {
    if (prefix === before && to[axis] % samples === 0) return { axis, per: to[axis] / samples };
  }
  return 'mixed';
}
