/**
 * Householder reduction of a symmetric matrix to a tridiagonal one, A = Q·T·Qᵀ, in panels (Dongarra, Sorensen, Hammarling
 * 1989, LAPACK's dlatrd): inside a panel each reflector needs one product of the matrix with a vector, done here on the lower
 * triangle only, and a panel's rank-2k update is the engine's. The trap: a panel's later columns must see its earlier
 * reflectors before the matrix has them, so both factors of the pending update are applied to every vector.
 */

import { STRIP, subtractLower } from './lowerUpdate.js';
import type { Products } from './product.js';

/** Reflectors of one panel: I − V·T·Vᵀ is their product, first one leftmost. */
export interface ReflectorPanel {
  /** First row that V holds; the rows before are zeros. */
  readonly origin: number;
  /** Reflectors in the panel. */
  readonly count: number;
  /** V [n − origin, count] */
  readonly v: Float64Array;
  /** T [count, count], upper triangular. */
  readonly t: Float64Array;
}

export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** T[i + 1, i], one fewer than the diagonal. */
  readonly offDiagonal: Float64Array;
  readonly panels: readonly ReflectorPanel[];
}

const PANEL = 64;

/** @param a [n, n] symmetric, lower triangle read; destroyed */
export async function tridiagonalise(products: Products<'float64'>, a: Float64Array, n: number): Promise<Tridiagonal> {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(Math.max(0, n - 1));
  const panels: ReflectorPanel[] = [];
  for (let start = 0; start < n - 1; start += PANEL) {
    const count = Math.min(PANEL, n - 1 - start);
    const origin = Math.floor(start / STRIP) * STRIP;
    const rows = n - origin;
    const v = new Float64Array(rows * count);
    const w = new Float64Array(rows * count);
    const taus = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const column = start + i;
      applyPending(a, n, v, w, { origin, count, column, done: i });
      diagonal[column] = a[column * n + column];
      taus[i] = reflector(a, n, column, v, { origin, count, i });
      offDiagonal[column] = a[(column + 1) * n + column];
      if (taus[i] !== 0) updateFactor(a, n, v, w, taus[i], { origin, count, column, done: i });
    }
    panels.push({ origin, count, v, t: triangularFactor(v, taus, rows, count) });
    const next = start + count;
    const target = { data: a, size: n, origin: Math.floor(next / STRIP) * STRIP };
    const skip = target.origin - origin;
    await subtractLower(
      products,
      target,
      { shape: [rows - skip, 2 * count], data: besides(v, w, rows, count, { skip, from: next - origin }) },
      { shape: [rows - skip, 2 * count], data: besides(w, v, rows, count, { skip, from: next - origin }) },
    );
  }
  diagonal[n - 1] = a[n * n - 1];
  return { diagonal, offDiagonal, panels };
}

interface Place {
  readonly origin: number;
  readonly count: number;
  readonly column: number;
  /** Reflectors of this panel that the matrix has not seen. */
  readonly done: number;
}

/** Column `column` of A − V·Wᵀ − W·Vᵀ, from the diagonal down, written to A. */
function applyPending(
  a: Float64Array,
  n: number,
  v: Float64Array,
  w: Float64Array,
  { origin, count, column, done }: Place,
): void {
  const own = (column - origin) * count;
  for (let r = column; r < n; r++) {
    const row = (r - origin) * count;
    let sum = 0;
    for (let l = 0; l < done; l++) sum += v[row + l] * w[own + l] + w[row + l] * v[own + l];
    a[r * n + column] -= sum;
  }
}

/**
 * The reflector that takes the column under its sub-diagonal to zero: v (first entry 1) to V's column i, the sub-diagonal
 * entry to A.
 * @returns τ of I − τ·v·vᵀ; 0 where there is nothing to do
 */
function reflector(
  a: Float64Array,
  n: number,
  column: number,
  v: Float64Array,
  { origin, count, i }: { readonly origin: number; readonly count: number; readonly i: number },
): number {
  const head = a[(column + 1) * n + column];
  let largest = 0;
  for (let r = column + 2; r < n; r++) largest = Math.max(largest, Math.abs(a[r * n + column]));
  if (largest === 0) return 0;
  largest = Math.max(largest, Math.abs(head));
  let squares = 0;
  for (let r = column + 1; r < n; r++) squares += (a[r * n + column] / largest) ** 2;
  const norm = largest * Math.sqrt(squares);
  const beta = head >= 0 ? -norm : norm;
  v[(column + 1 - origin) * count + i] = 1;
  for (let r = column + 2; r < n; r++) v[(r - origin) * count + i] = a[r * n + column] / (head - beta);
  a[(column + 1) * n + column] = beta;
  return (beta - head) / beta;
}

/** W's next column: τ·(A' v) − ½τ²(vᵀA'v)·v, A' the matrix with all pending updates. */
function updateFactor(
  a: Float64Array,
  n: number,
  v: Float64Array,
  w: Float64Array,
  tau: number,
  { origin, count, column, done }: Place,
): void {
  const first = column + 1;
  const x = new Float64Array(n);
  for (let r = first; r < n; r++) x[r] = v[(r - origin) * count + done];
  const y = symmetricTimesVector(a, n, first, x);
  const vx = new Float64Array(done);
  const wx = new Float64Array(done);
  for (let r = first; r < n; r++) {
    const row = (r - origin) * count;
    const xr = x[r];
    for (let l = 0; l < done; l++) {
      vx[l] += v[row + l] * xr;
      wx[l] += w[row + l] * xr;
    }
  }
  let inner = 0;
  for (let r = first; r < n; r++) {
    const row = (r - origin) * count;
    let sum = y[r];
    for (let l = 0; l < done; l++) sum -= v[row + l] * wx[l] + w[row + l] * vx[l];
    y[r] = tau * sum;
    inner += y[r] * x[r];
  }
  const half = (tau * inner) / 2;
  for (let r = first; r < n; r++) w[(r - origin) * count + done] = y[r] - half * x[r];
}

/** A·x over rows and columns from `first`, reading the lower triangle once, four rows at a time. */
function symmetricTimesVector(a: Float64Array, n: number, first: number, x: Float64Array): Float64Array {
  const y = new Float64Array(n);
  let r = first;
  for (; r + 4 <= n; r += 4) {
    const [r0, r1, r2, r3] = [r * n, (r + 1) * n, (r + 2) * n, (r + 3) * n];
    const [x0, x1, x2, x3] = [x[r], x[r + 1], x[r + 2], x[r + 3]];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let c = first; c < r; c++) {
      const a0 = a[r0 + c];
      const a1 = a[r1 + c];
      const a2 = a[r2 + c];
      const a3 = a[r3 + c];
      const xc = x[c];
      s0 += a0 * xc;
      s1 += a1 * xc;
      s2 += a2 * xc;
      s3 += a3 * xc;
      y[c] += a0 * x0 + a1 * x1 + (a2 * x2 + a3 * x3);
    }
    y[r] += s0;
    y[r + 1] += s1;
    y[r + 2] += s2;
    y[r + 3] += s3;
    for (let i = r; i < r + 4; i++) addTriangleRow(a, n, i, r, x, y);
  }
  for (; r < n; r++) addTriangleRow(a, n, r, first, x, y);
  return y;
}

/** Row i's entries from column `from` to the diagonal, and their mirror images. */
function addTriangleRow(a: Float64Array, n: number, i: number, from: number, x: Float64Array, y: Float64Array): void {
  for (let c = from; c < i; c++) {
    y[i] += a[i * n + c] * x[c];
    y[c] += a[i * n + c] * x[i];
  }
  y[i] += a[i * n + i] * x[i];
}

/** [left | right] row by row, rows before `from` zero, the first `skip` rows left out. */
function besides(
  left: Float64Array,
  right: Float64Array,
  rows: number,
  count: number,
  { skip, from }: { readonly skip: number; readonly from: number },
): Float64Array {
  const both = new Float64Array((rows - skip) * 2 * count);
  for (let r = Math.max(skip, from); r < rows; r++) {
    const to = (r - skip) * 2 * count;
    both.set(left.subarray(r * count, (r + 1) * count), to);
    both.set(right.subarray(r * count, (r + 1) * count), to + count);
  }
  return both;
}

/** T of the compact WY form (Schreiber and Van Loan 1989): T[:i, i] = −τ_i·T[:i, :i]·(V[:, :i]ᵀ v_i). */
function triangularFactor(v: Float64Array, taus: Float64Array, rows: number, count: number): Float64Array {
  const gram = new Float64Array(count * count);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < count; i++) {
      const x = v[r * count + i];
      if (x === 0) continue;
      for (let l = 0; l < i; l++) gram[i * count + l] += x * v[r * count + l];
    }
  }
  const t = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let r = 0; r < i; r++) {
      let sum = 0;
      for (let l = r; l < i; l++) sum += t[r * count + l] * gram[i * count + l];
      t[r * count + i] = -taus[i] * sum;
    }
    t[i * count + i] = taus[i];
  }
  return t;
}
