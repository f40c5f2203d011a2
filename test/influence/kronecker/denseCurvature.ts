/** The curvature of a layer as K-FAC and EK-FAC take it, as a dense matrix in float64, from gradients written out. */
import { dot } from '../dense/dense.js';
import { jacobiEigen } from '../dense/jacobi.js';
import { flat, type Matrix } from './subjects.js';

const zeros = (n: number): Float64Array[] => Array.from({ length: n }, () => new Float64Array(n));

/** a and δ of G = a δᵀ whose last row is δ itself. */
function factorsOf(matrix: Matrix): { readonly a: Float64Array; readonly delta: Float64Array } {
  const delta = matrix[matrix.length - 1];
  return { a: Float64Array.from(matrix, (row) => dot(row, delta) / dot(delta, delta)), delta };
}

function addOuter(into: readonly Float64Array[], x: ArrayLike<number>, weight: number): void {
  for (let i = 0; i < x.length; i++) for (let j = 0; j < x.length; j++) into[i][j] += weight * x[i] * x[j];
}

/** A ⊗ S, or Q Λ Qᵀ with Q of Jacobi's, as a dense matrix over a layer's entries. */
export function denseCurvature(gradients: readonly Matrix[], kind: 'kfac' | 'ekfac'): Float64Array[] {
  const [rows, columns] = [gradients[0].length, gradients[0][0].length];
  const [a, s] = [zeros(rows), zeros(columns)];
  for (const gradient of gradients) {
    const factors = factorsOf(gradient);
    addOuter(a, factors.a, 1 / gradients.length);
    addOuter(s, factors.delta, 1 / gradients.length);
  }
  const whole = zeros(rows * columns);
  if (kind === 'kfac') {
    for (let i = 0; i < rows * columns; i++) {
      for (let j = 0; j < rows * columns; j++) {
        whole[i][j] = a[Math.floor(i / columns)][Math.floor(j / columns)] * s[i % columns][j % columns];
      }
    }
    return whole;
  }
  const [left, right] = [jacobiEigen(a).vectors, jacobiEigen(s).vectors];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const direction = Float64Array.from(
        { length: rows * columns },
        (_, i) => left[Math.floor(i / columns)][r] * right[i % columns][c],
      );
      const moment = gradients.reduce((sum, g) => sum + dot(flat(g), direction) ** 2 / gradients.length, 0);
      addOuter(whole, direction, moment);
    }
  }
  return whole;
}
