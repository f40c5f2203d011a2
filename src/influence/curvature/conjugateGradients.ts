/**
 * (H + λI)⁻¹·b by conjugate gradients (Hestenes and Stiefel 1952; Golub & Van Loan, section 11.3), for many b at once: each
 * has its own steps, they share only the runs that multiply them with the curvature. One that has arrived stands still.
 * The trap: on an indefinite matrix the steps are still finite and mean nothing; a direction of negative curvature is
 * therefore an error, not a result.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import type { WorkWatch } from '../watch.js';
import { addScaled, inner, rowOf, rowsFrom, unitRows } from './vectors.js';

export interface GradientSteps {
  /** Steps at most. */
  readonly iterations: number;
  /** ‖b − (H + λI)x‖ ÷ ‖b‖ at which a vector has arrived. */
  readonly tolerance: number;
  /** Vectors multiplied together. */
  readonly width: number;
}

export interface Solved {
  /** [vectors, P] */
  readonly solutions: Tensor;
  /** ‖r‖ ÷ ‖b‖ of each, as the recurrence tells it; 0 of a vector of zeros. */
  readonly residuals: Float64Array;
}

/**
 * @param apply (H + λI)·v for rows v
 * @throws MeedError when the matrix is not positive definite along a step
 */
export async function conjugateGradients(
  apply: (vectors: Tensor) => Promise<Tensor>,
  b: Tensor,
  { iterations, tolerance, width }: GradientSteps,
  watch: WorkWatch,
): Promise<Solved> {
  const [count, length] = b.shape;
  const solutions: Tensor = { shape: b.shape, data: new Float32Array(count * length) };
  const residuals = new Float64Array(count);
  for (let first = 0; first < count; first += width) {
    const rows = Math.min(width, count - first);
    const x = rowsFrom(solutions, first, rows);
    const { units: r, lengths } = unitRows(rowsFrom(b, first, rows));
    const p: Tensor = { shape: x.shape, data: r.data.slice() };
    const squares = Float64Array.from({ length: rows }, (_, k) => inner(rowOf(r, k), rowOf(r, k)));
    const whole = squares.slice();
    for (let step = 0; step < iterations; step++) {
      const going = Array.from(squares.keys()).filter((k) => squares[k] > tolerance ** 2 * whole[k]);
      if (going.length === 0) break;
      watch.throwIfCancelled();
      const image = await apply(p);
      for (const k of going) {
        const [direction, curved, rest] = [rowOf(p, k), rowOf(image, k), rowOf(r, k)];
        const bend = inner(direction, curved);
        if (!(bend > 0)) throw indefinite(bend / inner(direction, direction));
        const length = squares[k] / bend;
        addScaled(rowOf(x, k), length, direction);
        addScaled(rest, -length, curved);
        const square = inner(rest, rest);
        const turn = square / squares[k];
        for (let e = 0; e < direction.length; e++) direction[e] = rest[e] + turn * direction[e];
        squares[k] = square;
      }
      watch.progress(first + (rows * (step + 1)) / iterations, count, 'solves');
    }
    for (let k = 0; k < rows; k++) {
      residuals[first + k] = whole[k] > 0 ? Math.sqrt(squares[k] / whole[k]) : 0;
      const solution = rowOf(x, k);
      for (let e = 0; e < solution.length; e++) solution[e] *= lengths[k];
    }
    watch.progress(first + rows, count, 'solves');
  }
  return { solutions, residuals };
}

function indefinite(curvature: number): MeedError {
  return new MeedError(
    `The curvature with its damping is not positive definite: along one direction it is ${curvature.toExponential(2)}`,
    'Raise the damping above the most negative curvature, or choose the curvature gauss-newton, which has none',
  );
}
