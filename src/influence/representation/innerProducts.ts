/**
 * The matrix of inner products of rows, on the engine in blocks of fixed extents, so that no entry depends on which others
 * are computed with it.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { openProducts } from '../../linalg/index.js';

const LEFT = 64;
const RIGHT = 1024;

/** @param a [m, width] @param b [n, width] @returns [m, n] */
export async function innerProducts(engine: Engine, a: Float32Array, b: Float32Array, width: number): Promise<Tensor> {
  const [m, n] = [a.length / width, b.length / width];
  const total: Tensor = { shape: [m, n], data: new Float32Array(m * n) };
  const products = openProducts(engine);
  try {
    for (let j = 0; j < n; j += RIGHT) {
      const right = padded(b, j, RIGHT, width);
      for (let i = 0; i < m; i += LEFT) {
        const { data } = await products.multiply('abT', padded(a, i, LEFT, width), right);
        const columns = Math.min(RIGHT, n - j);
        for (let r = 0; r < Math.min(LEFT, m - i); r++)
          total.data.set(data.subarray(r * RIGHT, r * RIGHT + columns), (i + r) * n + j);
      }
    }
    return total;
  } finally {
    await products.dispose();
  }
}

function padded(rows: Float32Array, start: number, count: number, width: number): Tensor {
  const data = new Float32Array(count * width);
  data.set(rows.subarray(start * width, (start + count) * width));
  return { shape: [count, width], data };
}
