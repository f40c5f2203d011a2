/**
 * C ← C − p·qᵀ on the lower triangle only, in place: the symmetric update of tridiagonalisation, a panel of reflectors at a
 * time. Strips of rows are multiplied on the engine and subtracted here, so half the square is never touched and nothing the
 * size of C is allocated. The trap: strips stand on a fixed grid, else every step compiles new programs; a caller whose rows
 * start between two grid lines pads p and q with rows of zeros.
 */
import type { Tensor } from '../engine/index.js';
import type { Products } from './product.js';

/** Rows of one strip: a strip of output stays in the processor's cache. */
export const STRIP = 256;

/** Products with fewer multiplications than this cost more to hand to the engine than to do. */
const SMALL = 1 << 15;

export interface LowerTarget {
  /** [size, size] */
  readonly data: Float64Array;
  readonly size: number;
  /** First row and column that changes, a multiple of STRIP. */
  readonly origin: number;
}

/** @param p [size − origin, k] @param q the same shape */
export async function subtractLower(
  products: Products<'float64'>,
  { data, size, origin }: LowerTarget,
  p: Tensor<'float64'>,
  q: Tensor<'float64'>,
): Promise<void> {
  const k = p.shape[1];
  const rows = size - origin;
  if (rows * rows * k < SMALL) {
    subtractDirectly(data, size, origin, p.data, q.data, k);
    return;
  }
  for (let start = 0; start < rows; start += STRIP) {
    const end = Math.min(start + STRIP, rows);
    const { data: update } = await products.multiply(
      'abT',
      { shape: [end - start, k], data: p.data.subarray(start * k, end * k) },
      { shape: [end, k], data: q.data.subarray(0, end * k) },
    );
    subtractStrip(data, size, origin, update, start, end);
  }
}

function subtractStrip(
  data: Float64Array,
  size: number,
  origin: number,
  update: Float64Array,
  start: number,
  end: number,
): void {
  for (let r = start; r < end; r++) {
    const to = (origin + r) * size + origin;
    const from = (r - start) * end;
    for (let c = 0; c <= r; c++) data[to + c] -= update[from + c];
  }
}

function subtractDirectly(
  data: Float64Array,
  size: number,
  origin: number,
  p: Float64Array,
  q: Float64Array,
  k: number,
): void {
  for (let r = 0; r < size - origin; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += p[r * k + l] * q[c * k + l];
      data[(origin + r) * size + origin + c] -= sum;
    }
  }
}
