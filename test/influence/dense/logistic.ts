/**
 * Multinomial logistic regression with ridge, (1/n)·Σ_i w_i·loss_i + λ/2·‖θ‖², brought to its optimum in float64 by Newton's
 * method with explicit loops: what leaving a sample out really changes.
 */
import type { Samples } from '../../../src/models/index.js';
import { solveDense } from './dense.js';

export interface Logistic {
  readonly samples: Samples;
  readonly classes: number;
  readonly ridge: number;
}

/** θ as the flat vector of mlp([width, classes]): weights [width, classes], then biases. */
export function optimum({ samples, classes, ridge }: Logistic, weightOf: (row: number) => number): Float64Array {
  const { rows, width } = samples;
  const size = (width + 1) * classes;
  const flat = new Float64Array(size);
  for (let step = 0; step < 60; step++) {
    const gradient = flat.map((w) => ridge * w);
    const hessian = Array.from({ length: size }, (_, i) => {
      const row = new Float64Array(size);
      row[i] = ridge;
      return row;
    });
    for (let i = 0; i < rows; i++) {
      const x = [...samples.features.subarray(i * width, (i + 1) * width), 1];
      const p = softmax(logitsOf(flat, x, classes));
      const weight = weightOf(i) / rows;
      for (const [j, xj] of x.entries()) {
        for (let c = 0; c < classes; c++) {
          gradient[j * classes + c] += weight * xj * (p[c] - (samples.targets[i] === c ? 1 : 0));
          for (const [k, xk] of x.entries()) {
            for (let d = 0; d < classes; d++) {
              hessian[j * classes + c][k * classes + d] += weight * xj * xk * p[c] * ((c === d ? 1 : 0) - p[d]);
            }
          }
        }
      }
    }
    const move = solveDense(hessian, 0, gradient);
    for (let p = 0; p < size; p++) flat[p] -= move[p];
    if (move.every((by) => Math.abs(by) < 1e-13)) return flat;
  }
  throw new Error('Newton did not arrive');
}

export function lossAt(flat: ArrayLike<number>, samples: Samples, row: number, classes: number): number {
  const x = [...samples.features.subarray(row * samples.width, (row + 1) * samples.width), 1];
  return -Math.log(softmax(logitsOf(flat, x, classes))[samples.targets[row]]);
}

function logitsOf(flat: ArrayLike<number>, x: readonly number[], classes: number): number[] {
  return Array.from({ length: classes }, (_, c) => x.reduce((sum, xj, j) => sum + xj * flat[j * classes + c], 0));
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const shares = logits.map((z) => Math.exp(z - largest));
  const total = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / total);
}
