/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864, equation 34): pairs of entries turn by an angle that grows
 * with the position. Llama's checkpoints as first published pair neighbours (`interleaved`), Hugging Face's and GPT-NeoX's
 * pair entry i with entry i + d/2 (`halves`). The partner of every entry, signed, is x times a permutation matrix: one
 * product and two passes instead of slicing and joining.
 */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Value } from '../graph.js';
import { expand } from './broadcast.js';
import { add, multiply } from './elementwise.js';
import { matmul } from './matmul.js';
import { concat, reshape } from './shape.js';
import { sharedConstant } from './sharedConstant.js';

/**
 * @param x [.., T, d], d even
 * @param cos and sin of the angles, [T, d/2]
 * @throws MeedError when the widths do not fit
 */
export function rotary(g: GraphBuilder, x: Value, cos: Value, sin: Value, pairs: 'interleaved' | 'halves'): Value {
  const width = x.shape[x.shape.length - 1];
  const half = width / 2;
  for (const { shape } of [cos, sin]) {
    if (x.shape.length < 2 || shape.length < 2 || shape[shape.length - 1] !== half) {
      throw new MeedError(`[${x.shape}] is not rotated by angles [${shape}]`, 'Give [.., T, d] and angles [T, d/2]');
    }
  }
  const partner = (column: number): { row: number; sign: number } => {
    if (pairs === 'halves') {
      return column < half ? { row: column + half, sign: -1 } : { row: column - half, sign: 1 };
    }
    return column % 2 === 0 ? { row: column + 1, sign: -1 } : { row: column - 1, sign: 1 };
  };
  const turned = sharedConstant(g, `rotary ${pairs}`, [width, width], (position) => {
    const { row, sign } = partner(position % width);
    return Math.floor(position / width) === row ? sign : 0;
  });
  const both = (angles: Value): Value => {
    if (pairs === 'halves') return concat(g, [angles, angles], angles.shape.length - 1);
    const twice = expand(g, reshape(g, angles, [...angles.shape, 1]), [...angles.shape, 2]);
    return reshape(g, twice, [...angles.shape.slice(0, -1), width]);
  };
  return add(g, multiply(g, x, both(cos)), multiply(g, matmul(g, x, turned), both(sin)));
}
