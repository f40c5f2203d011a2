/**
 * Some rows of the factors that are there, as views: no number is copied. The trap: blocks share numbers (a bias has its
 * layer's right factor), and the kernel computes shared products once, so what was one array must stay one array.
 */
import { sizeOf } from '../../graph/index.js';
import type { Factors } from '../factors.js';

/** Rows [start, end). */
export function factorRows(factors: Factors, start: number, end: number): Factors {
  const views = new Map<Float32Array, Float32Array>();
  const view = (data: Float32Array, width: number): Float32Array => {
    const known = views.get(data);
    if (known) return known;
    const made = data.subarray(start * width, end * width);
    views.set(data, made);
    return made;
  };
  return {
    rows: end - start,
    losses: factors.losses.subarray(start, end),
    blocks: factors.blocks.map((block) => ({
      ...block,
      parts: block.parts.map(({ shape: [, ...rest], data }) => ({
        shape: [end - start, ...rest],
        data: view(data, sizeOf(rest)),
      })),
    })),
  };
}
