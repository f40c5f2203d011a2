/** Rearrangements made of other operators: splitting, repeating, and one triangle of the last two axes. */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Value } from '../graph.js';
import { expand } from './broadcast.js';
import { reshape, slice } from './shape.js';
import { scalar, sharedConstant } from './sharedConstant.js';
import { where } from './where.js';

/**
 * Consecutive parts of the given sizes along an axis.
 * @throws MeedError when the sizes do not add up to the extent
 */
export function split(g: GraphBuilder, x: Value, axis: number, sizes: readonly number[]): Value[] {
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[axis]) {
    throw new MeedError(`[${x.shape}] does not split into [${sizes}] along axis ${axis}`, 'Sizes add up to its extent');
  }
  let start = 0;
  return sizes.map((size) => {
    const part = sizes.length === 1 ? x : slice(g, x, axis, start, start + size);
    start += size;
    return part;
  });
}

/** The whole tensor repeats[i] times along axis i. */
export function tile(g: GraphBuilder, x: Value, repeats: readonly number[]): Value {
  if (repeats.length !== x.shape.length || repeats.some((times) => !Number.isInteger(times) || times < 1)) {
    throw new MeedError(`[${x.shape}] does not repeat [${repeats}] times`, 'Give a whole number from 1 for each axis');
  }
  const one = x.shape.flatMap((extent, i) => (repeats[i] > 1 ? [1, extent] : [extent]));
  const all = x.shape.flatMap((extent, i) => (repeats[i] > 1 ? [repeats[i], extent] : [extent]));
  const tiled = x.shape.map((extent, i) => extent * repeats[i]);
  return reshape(g, expand(g, reshape(g, x, one), all), tiled);
}

/**
 * The lower or upper triangle of [.., rows, columns], zero elsewhere; ∞ outside the triangle becomes zero too.
 * @param diagonal which diagonal bounds it: 0 the main one, positive ones to the right of it
 */
export function trilu(g: GraphBuilder, x: Value, part: 'lower' | 'upper', diagonal = 0): Value {
  if (x.shape.length < 2 || !Number.isInteger(diagonal)) {
    throw new MeedError(`[${x.shape}] has no ${part} triangle at ${diagonal}`, 'Give [.., rows, columns]');
  }
  const [rows, columns] = x.shape.slice(-2);
  const kept = sharedConstant(g, `${part} triangle ${diagonal}`, [rows, columns], (position) => {
    const offset = (position % columns) - Math.floor(position / columns);
    return (part === 'lower' ? offset <= diagonal : offset >= diagonal) ? 1 : 0;
  });
  return where(g, kept, x, scalar(g, 0));
}
