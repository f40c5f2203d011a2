/**
 * Kernel weights Z(λ) = K_qt (K_tt + λI)⁻¹ for many dampings. By the push-through identity they are the primal scores
 * φ_q (ΦᵀΦ + λI)⁻¹ Φᵀ with K = ΦΦᵀ, so an influence with P × P curvature costs n × n numbers, and nothing is projected.
 * Two exact routes: a Cholesky factor for each damping, n³/3 multiplications; or one eigendecomposition, after which
 * every damping and every rank is one product. The eigendecomposition costs as much as dozens of factors (bench/linalg.ts
 * times both), so it is taken for long paths alone and wherever a rank is asked for.
 * Dampings are relative to the mean eigenvalue trace(K)/n: a kernel's scale says nothing, so none is better than another.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { cholesky, choleskySolve, openProducts, type Products, symmetricEigen } from '../../linalg/index.js';
import { transposed } from './transposed.js';

export interface DualPoint {
  /** λ relative to the mean eigenvalue, above 0. */
  readonly damping: number;
  /** Eigen-directions kept, largest first; all unless told. */
  readonly rank?: number;
}

/** Points from which on one eigendecomposition is cheaper than a factor for each. */
const FACTORS_PER_EIGEN = 60;

/**
 * @param kernel K_tt [n, n]; symmetric, positive semi-definite
 * @param cross  K_tq [n, m]
 * @returns Z [m, n] of each point, in their order
 * @throws MeedError when a damping is not above 0 or the kernel is not finite
 */
export async function* dualPath(
  engine: Engine,
  kernel: Tensor,
  cross: Tensor,
  points: readonly DualPoint[],
): AsyncGenerator<Tensor, void, void> {
  for (const { damping, rank } of points) checkPoint(damping, rank, kernel.shape[0]);
  const mean = meanEigenvalue(kernel);
  // all gradients are zero: nothing is like anything
  if (mean === 0) {
    for (const _ of points)
      yield { shape: [cross.shape[1], cross.shape[0]], data: new Float32Array(cross.data.length) };
    return;
  }
  if (points.length >= FACTORS_PER_EIGEN || points.some(({ rank }) => rank !== undefined)) {
    yield* byEigenvectors(engine, kernel, cross, points, mean);
    return;
  }
  const products = openProducts(engine);
  try {
    for (const { damping } of points) yield await byFactor(products, kernel, cross, damping * mean);
  } finally {
    await products.dispose();
  }
}

async function byFactor(products: Products, kernel: Tensor, cross: Tensor, lambda: number): Promise<Tensor> {
  const n = kernel.shape[0];
  const damped = { shape: kernel.shape, data: kernel.data.slice() };
  for (let i = 0; i < n; i++) damped.data[i * n + i] += lambda;
  return transposed(await choleskySolve(products, await cholesky(products, damped), cross));
}

async function* byEigenvectors(
  engine: Engine,
  kernel: Tensor,
  cross: Tensor,
  points: readonly DualPoint[],
  mean: number,
): AsyncGenerator<Tensor, void, void> {
  const n = kernel.shape[0];
  const [products, exact] = [openProducts(engine), openProducts(engine, 'float64')];
  try {
    const wide = { shape: kernel.shape, data: Float64Array.from(kernel.data) };
    const { values, vectors } = await symmetricEigen(exact, wide);
    const basis: Tensor = { shape: [n, n], data: Float32Array.from(vectors.data) };
    const inside = await products.multiply('aTb', cross, basis);
    const m = inside.shape[0];
    for (const { damping, rank = n } of points) {
      const scaled: Tensor = { shape: [m, n], data: new Float32Array(m * n) };
      for (let k = n - rank; k < n; k++) {
        const factor = 1 / (Math.max(0, values[k]) + damping * mean);
        for (let q = 0; q < m; q++) scaled.data[q * n + k] = inside.data[q * n + k] * factor;
      }
      yield await products.multiply('abT', scaled, basis);
    }
  } finally {
    await products.dispose();
    await exact.dispose();
  }
}

/** trace(K)/n. @throws MeedError when it is not finite */
export function meanEigenvalue({ shape: [n], data }: Tensor): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += data[i * n + i];
  if (Number.isFinite(trace)) return n === 0 ? 0 : trace / n;
  throw new MeedError(
    `The products of the samples' gradients add up to ${trace}`,
    'Check the weights: a training that diverged gives such gradients (lower the learning rate)',
  );
}

function checkPoint(damping: number, rank: number | undefined, n: number): void {
  if (!(damping > 0 && Number.isFinite(damping))) {
    throw new MeedError(`The damping is ${damping}`, 'Give a number above 0: 1 is the mean eigenvalue', {
      exitCode: 2,
    });
  }
  if (rank !== undefined && !(Number.isInteger(rank) && rank >= 1 && rank <= n)) {
    throw new MeedError(`The rank is ${rank}, the kernel has ${n}`, `Give a whole number from 1 to ${n}`, {
      exitCode: 2,
    });
  }
}
