/**
 * Bases in which layers' gradients are looked at: eigenvectors (EK-FAC), projections (LoGra), or their own coordinates. Which
 * sides are multiplied is the form, known when a program is built; the numbers are fed, so one program serves every state
 * and every run of an ensemble.
 */
import type { Tensor } from '../../engine/index.js';
import type { GraphBuilder } from '../../graph/index.js';
import { type BasisValues, turned } from './layerProducts.js';
import type { Layer, LayerShape } from './layers.js';

/** Columns of each side's basis; absent: the side's own coordinates. */
export interface BasisForm {
  readonly left?: number;
  readonly right?: number;
}

/** [G, R, k] and [G, C, k] */
export interface Basis {
  readonly left?: Tensor;
  readonly right?: Tensor;
}

export const OWN_COORDINATES: BasisForm = {};

/** The factors of a layer in a basis that is fed as `left <place>` and `right <place>`. */
export function inBasis(g: GraphBuilder, layer: Layer, place: number, form: BasisForm): Pick<Layer, 'left' | 'right'> {
  const { groups, rows, columns } = layer;
  const values: BasisValues = {
    left: form.left === undefined ? undefined : g.input(`left ${place}`, [groups, rows, form.left]),
    right: form.right === undefined ? undefined : g.input(`right ${place}`, [groups, columns, form.right]),
  };
  return turned(g, layer, values);
}

export function basisFeeds(bases: readonly Basis[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [place, { left, right }] of bases.entries()) {
    if (left) feeds[`left ${place}`] = left;
    if (right) feeds[`right ${place}`] = right;
  }
  return feeds;
}

/** Numbers of a sample's gradient in the basis. */
export function widthIn({ groups, rows, columns }: LayerShape, { left = rows, right = columns }: BasisForm): number {
  return groups * left * right;
}
