/** Copies of a part of a matrix, for the engine reads only whole ones; and arrays of a precision. */
import type { Numbers, Tensor } from '../engine/index.js';
import type { Precision } from '../graph/index.js';

export interface Window {
  readonly rows: readonly [from: number, to: number];
  readonly columns: readonly [from: number, to: number];
}

/** @returns the window's entries, [rows, columns] row-major */
export function window<P extends Precision>(
  precision: P,
  { shape: [, width], data }: Tensor<P>,
  { rows: [top, bottom], columns: [left, right] }: Window,
): Tensor<P> {
  const columns = right - left;
  const copy = zeros(precision, (bottom - top) * columns);
  for (let i = top; i < bottom; i++) copy.set(data.subarray(i * width + left, i * width + right), (i - top) * columns);
  return { shape: [bottom - top, columns], data: copy };
}

export function zeros<P extends Precision>(precision: P, length: number): Numbers<P> {
  return (precision === 'float64' ? new Float64Array(length) : new Float32Array(length)) as Numbers<P>;
}

/** Rows `from` to `to` of a matrix, without a copy. */
export function rowsOf<P extends Precision>(
  { shape: [, width], data }: Tensor<P>,
  from: number,
  to: number,
): Tensor<P> {
  return { shape: [to - from, width], data: data.subarray(from * width, to * width) as Numbers<P> };
}
