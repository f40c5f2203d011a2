/**
 * A = L·Lᵀ, blocked and left-looking (Golub & Van Loan, section 4.2.6): of each block of columns everything known is
 * eliminated by one product with a long inner side, n³/3 flops in all on the engine; then its diagonal block is factored
 * in float64 and the rows under it multiplied by that block's inverse. Each entry is computed once, so nothing but L is
 * ever written. The trap: only the lower triangle of A is read, so an asymmetric matrix is not noticed.
 */
import type { Tensor } from '../engine/index.js';
import { type Graph, GraphBuilder, matmul, type Precision, slice, subtract, transpose } from '../graph/index.js';
import { factorBlock, invertLower } from './choleskyBlock.js';
import type { Products } from './product.js';
import { checkedSize } from './squareMatrix.js';
import { rowsOf, zeros } from './window.js';

export interface CholeskyFactor<P extends Precision = 'float32'> {
  /** L [n, n], zeros above the diagonal. */
  readonly lower: Tensor<P>;
  /** Rows of a diagonal block; the last one may be shorter. */
  readonly block: number;
  /** The inverses of the diagonal blocks of L, in order: with them solves are products. */
  readonly inverses: readonly Tensor<P>[];
}

/** Its diagonal blocks are the part done here rather than on the engine, (n / BLOCK) · BLOCK³ / 3 multiplications. */
const BLOCK = 256;
/** Rows under a diagonal block done by one run. */
const ROWS = 1024;
/** Known columns eliminated by one product; the engine copies them out of their rows, into memory of its own. */
const INNER = 1024;

const ROUNDOFF: Readonly<Record<Precision, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/**
 * @param a symmetric positive definite [n, n]; its lower triangle is read, nothing is written to it
 * @throws MeedError when it is not square, not finite or not positive definite (with the pivot, and a damping to add)
 */
export async function cholesky<P extends Precision>(products: Products<P>, a: Tensor<P>): Promise<CholeskyFactor<P>> {
  const n = checkedSize(a);
  const { precision } = products;
  const lower = lowerTriangle(precision, a, n);
  const diagonal = Float64Array.from({ length: n }, (_, i) => a.data[i * n + i]);
  const inverses: Tensor<P>[] = [];
  for (let start = 0; start < n; start += BLOCK) {
    const end = Math.min(start + BLOCK, n);
    const k = end - start;
    const pivots = rowsOf(lower, start, end);
    const known = start === 0 ? undefined : await rankUpdate(products, pivots, start);
    const block = new Float64Array(k * k);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j <= i; j++)
        block[i * k + j] = pivots.data[i * n + start + j] - (known ? known.data[i * k + j] : 0);
    }
    factorBlock(block, k, { first: start, diagonal, roundoff: ROUNDOFF[precision] });
    for (let i = 0; i < k; i++) pivots.data.set(block.subarray(i * k, (i + 1) * k), i * n + start);
    const inverse: Tensor<P> = { shape: [k, k], data: zeros(precision, k * k) };
    inverse.data.set(invertLower(block, k));
    inverses.push(inverse);
    for (let row = end; row < n; row += ROWS) {
      const rows = rowsOf(lower, row, Math.min(row + ROWS, n));
      const panel = (await (await underBlock(products, rows.shape[0], n, start)).run({ rows, pivots, inverse })).panel;
      for (let i = 0; i < rows.shape[0]; i++) rows.data.set(panel.data.subarray(i * k, (i + 1) * k), i * n + start);
    }
  }
  return { lower, block: BLOCK, inverses };
}

/** Memory above the diagonal is never touched, so the system never provides it. */
function lowerTriangle<P extends Precision>(precision: P, a: Tensor<P>, n: number): Tensor<P> {
  const data = zeros(precision, n * n);
  for (let i = 0; i < n; i++) data.set(a.data.subarray(i * n, i * n + i + 1), i * n);
  return { shape: [n, n], data };
}

/** What the columns before `start` give to the diagonal block there. */
async function rankUpdate<P extends Precision>(
  products: Products<P>,
  pivots: Tensor<P>,
  start: number,
): Promise<Tensor<P>> {
  const program = await products.program(`cholesky diagonal ${pivots.shape} ${start}`, () => {
    const g = new GraphBuilder();
    const known = slice(g, g.input('pivots', pivots.shape), 1, 0, start);
    return g.build({ update: matmul(g, known, transpose(g, known)) });
  });
  return (await program.run({ pivots })).update;
}

function underBlock<P extends Precision>(products: Products<P>, rows: number, n: number, start: number) {
  return products.program(`cholesky panel ${rows} ${n} ${start}`, () => panelGraph(rows, n, start));
}

/** (A − L·L_pivotsᵀ)·L_diagonal⁻ᵀ for rows under the diagonal block that stands at `start`. */
function panelGraph(rowCount: number, n: number, start: number): Graph {
  const end = start + BLOCK;
  const g = new GraphBuilder();
  const rows = g.input('rows', [rowCount, n]);
  const inverse = g.input('inverse', [BLOCK, BLOCK]);
  let panel = slice(g, rows, 1, start, end);
  if (start > 0) {
    const pivots = g.input('pivots', [BLOCK, n]);
    for (let from = 0; from < start; from += INNER) {
      const to = Math.min(from + INNER, start);
      panel = subtract(g, panel, matmul(g, slice(g, rows, 1, from, to), transpose(g, slice(g, pivots, 1, from, to))));
    }
  }
  return g.build({ panel: matmul(g, panel, transpose(g, inverse)) });
}
