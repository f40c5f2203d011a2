/** Inputs of the block product: chunks of rows that share one matrix, scaled so that powers stay finite. */
import { Random } from '../../src/foundation/index.js';
import type { Block } from './blockProduct.task.js';

export function blocks(size: { count: number; rows: number; width: number; rounds: number }): Block[] {
  const { count, rows, width, rounds } = size;
  const random = new Random(20);
  const numbers = (length: number): Float32Array =>
    Float32Array.from({ length }, () => random.normal() / Math.sqrt(width));
  const matrix = numbers(width * width);
  return Array.from({ length: count }, () => ({ rows: numbers(rows * width), matrix, width, rounds }));
}

export function sameBits(a: readonly { product: Float32Array }[], b: readonly { product: Float32Array }[]): boolean {
  const bytes = (array: Float32Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return a.length === b.length && a.every(({ product }, i) => bytes(product).equals(bytes(b[i].product)));
}
