/** Eigenpairs of a small symmetric matrix in float64 by cyclic Jacobi rotations (Golub & Van Loan, section 8.5), slow and sure. */

export interface DenseEigen {
  readonly values: Float64Array;
  /** Column k belongs to value k. */
  readonly vectors: readonly Float64Array[];
}

export function jacobiEigen(a: readonly Float64Array[]): DenseEigen {
  const n = a.length;
  const m = a.map((row) => row.slice());
  const v = a.map((_, i) => Float64Array.from({ length: n }, (_x, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(m[p][q]) < 1e-300) continue;
        const theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [x, y] = [m[k][p], m[k][q]];
          m[k][p] = c * x - s * y;
          m[k][q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [m[p][k], m[q][k]];
          m[p][k] = c * x - s * y;
          m[q][k] = s * x + c * y;
          const [z, w] = [v[k][p], v[k][q]];
          v[k][p] = c * z - s * w;
          v[k][q] = s * z + c * w;
        }
      }
    }
  }
  return { values: Float64Array.from({ length: n }, (_, i) => m[i][i]), vectors: v };
}
