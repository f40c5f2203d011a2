/**
 * The random choices of FactGraSS (Hu et al. 2025): which coordinates of each side of a layer are kept, and the sparse ±1 sketch
 * (SJLT, one entry a column) of their outer product. Columns are dealt to the buckets by a permutation, so every bucket
 * receives equally many, give or take one; signs are drawn apart, so inner products are kept in the mean as with
 * independent buckets, and a bucket is a sum of a fixed number of terms, which needs no scattered addition.
 */
import { Random } from '../../foundation/index.js';
import type { LayerShape } from '../layers/layers.js';

export interface Sketch {
  /** Columns that are kept of each side, ascending. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  /** Of the kept outer product, row-major [G·left·right], which stand in each bucket; absent where nothing is added up. */
  readonly buckets?: {
    readonly count: number;
    /** [terms][count]: place of a column, or one behind the last for none. */
    readonly places: Float64Array;
    /** [terms][count] */
    readonly signs: Float64Array;
  };
}

/**
 * @param mask columns kept of each side; of a vector times 1, mask² entries
 * @param width buckets
 */
export function drawSketch(layer: LayerShape, mask: number, width: number, seed: number): Sketch {
  const { groups, rows, columns, parameters } = layer;
  const random = Random.named(seed, `sketch ${parameters.join(' ')}`);
  const [most, other] = [columns === 1 ? mask ** 2 : mask, rows === 1 ? mask ** 2 : mask];
  const left = kept(random, rows, most);
  const right = kept(random, columns, other);
  const size = groups * left.length * right.length;
  if (size <= width) return { left, right };
  const terms = Math.ceil(size / width);
  const order = random.permutation(size);
  const places = Float64Array.from({ length: terms * width }, (_, i) => (i < size ? order[i] : size));
  const signs = places.map(() => (random.below(2) === 0 ? 1 : -1));
  return { left, right, buckets: { count: width, places, signs } };
}

/** Numbers that the sketch gives. */
export function sketchWidth({ groups }: LayerShape, { left, right, buckets }: Sketch): number {
  return buckets?.count ?? groups * left.length * right.length;
}

function kept(random: Random, width: number, most: number): Uint32Array {
  return random.permutation(width).slice(0, Math.min(width, most)).sort();
}
