/**
 * Eigenvectors of A from those of its tridiagonal T: with A = Q·T·Qᵀ and Q the product of all reflector panels, a row vector x
 * becomes x·Qᵀ. All panels are applied in one program to a strip of rows, S ← S − ((S·V)·Tᵀ)·Vᵀ from the last panel to the
 * first, so that a strip is read and written once. The trap: a result per panel would be n/64 times the memory traffic.
 */
import type { Tensor } from '../engine/index.js';
import { concat, type Graph, GraphBuilder, matmul, slice, subtract, transpose } from '../graph/index.js';
import type { Products } from './product.js';
import type { ReflectorPanel } from './tridiagonal.js';

/** Rows of a strip; with all of a panel it stays in the processor's cache. */
const ROWS = 256;

/** @param rows [n, n], vectors of T in rows; replaced by those of A */
export async function backTransform(
  products: Products<'float64'>,
  rows: Float64Array,
  n: number,
  panels: readonly ReflectorPanel[],
): Promise<void> {
  if (panels.length === 0) return;
  const feeds: Record<string, Tensor<'float64'>> = {};
  for (const [p, { origin, count, v, t }] of panels.entries()) {
    feeds[`V${p}`] = { shape: [n - origin, count], data: v };
    feeds[`T${p}`] = { shape: [count, count], data: t };
  }
  for (let start = 0; start < n; start += ROWS) {
    const end = Math.min(start + ROWS, n);
    const program = await products.program(`back-transform ${end - start} ${n}`, () =>
      stripGraph(end - start, n, panels),
    );
    const strip: Tensor<'float64'> = { shape: [end - start, n], data: rows.subarray(start * n, end * n) };
    strip.data.set((await program.run({ ...feeds, strip })).vectors.data);
  }
}

function stripGraph(rows: number, n: number, panels: readonly ReflectorPanel[]): Graph {
  const g = new GraphBuilder();
  let vectors = g.input('strip', [rows, n]);
  for (let p = panels.length - 1; p >= 0; p--) {
    const { origin, count } = panels[p];
    const v = g.input(`V${p}`, [n - origin, count]);
    const t = g.input(`T${p}`, [count, count]);
    const reached = slice(g, vectors, 1, origin, n);
    const update = matmul(g, matmul(g, matmul(g, reached, v), transpose(g, t)), transpose(g, v));
    const moved = subtract(g, reached, update);
    vectors = origin === 0 ? moved : concat(g, [slice(g, vectors, 1, 0, origin), moved], 1);
  }
  return g.build({ vectors });
}
