/**
 * The eigenpairs of largest magnitude of a symmetric matrix that is only known by its product with a block of vectors, by
 * randomised subspace iteration with Rayleigh–Ritz (Halko, Martinsson, Tropp 2011; Golub & Van Loan, section 8.2.4): one
 * product a step, until every wanted pair's residual is small. The trap: pairs whose values lie close together
 * converge slowly, so the residual reached is returned and is what to judge by; pairs below float32 noise are zero.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { MeedError, Random } from '../foundation/index.js';
import { orthonormalise } from './orthonormal.js';
import { openProducts, type Products } from './product.js';
import { ritzPairs } from './ritzPairs.js';
import type { SymmetricEigen } from './symmetricEigen.js';

export interface TopEigenOptions {
  /** Rows of the matrix. */
  readonly size: number;
  /** Pairs wanted. */
  readonly count: number;
  readonly seed: number;
  /** Residual ‖A·v − λ·v‖ relative to the largest |λ| at which to stop. */
  readonly tolerance?: number;
  /** Products with the matrix at most. */
  readonly mostSteps?: number;
}

export interface TopEigen {
  /** By magnitude, largest first; 0 beyond the numerical rank. */
  readonly values: Float64Array;
  /** [size, count], orthonormal columns (zero beyond the numerical rank). */
  readonly vectors: Tensor;
  /** ‖A·v − λ·v‖ relative to the largest |λ|, for each pair. */
  readonly residuals: Float64Array;
}

const OVERSAMPLING = 16;
/** Relative to the largest value: float32 has 24 bits, and products of thousands of terms lose a few. */
const NOISE = 1e-5;

/**
 * @param apply A·X of a block X [size, width]
 * @throws MeedError when `count` does not fit, or `apply` gives another shape or a number that is not finite
 */
export async function topEigen(
  engine: Engine,
  apply: (block: Tensor) => Promise<Tensor>,
  { size, count, seed, tolerance = 1e-4, mostSteps = 60 }: TopEigenOptions,
): Promise<TopEigen> {
  if (!Number.isInteger(count) || count < 1 || count > size) {
    throw new MeedError(`${count} eigenpairs of a matrix of ${size} rows were asked for`, `Ask for 1 to ${size}`);
  }
  const products = openProducts(engine);
  const exact = openProducts(engine, 'float64');
  try {
    const width = Math.min(count + OVERSAMPLING, size);
    const random = Random.named(seed, 'subspace');
    const start = Float32Array.from({ length: size * width }, () => random.normal());
    let basis = await orthonormalise(products, { shape: [size, width], data: start });
    for (let step = 1; ; step++) {
      const image = checkedImage(await apply(basis), size, width);
      const ritz = await ritzPairs(products, exact, basis, image);
      const found = await pairs(products, basis, image, ritz, count);
      if (step >= mostSteps || found.residuals.every((residual) => residual <= tolerance)) return found;
      basis = await orthonormalise(products, image);
    }
  } finally {
    await products.dispose();
    await exact.dispose();
  }
}

function checkedImage(image: Tensor, size: number, width: number): Tensor {
  if (image.shape[0] !== size || image.shape[1] !== width) {
    throw new MeedError(
      `The matrix took a block of shape [${size},${width}] to [${image.shape}]`,
      'Give a square matrix: its product has the shape of the block',
    );
  }
  if (!image.data.every(Number.isFinite)) {
    throw new MeedError(
      'A product with the matrix holds a number that is not finite',
      'Check what the matrix is computed from: a training that diverged gives such numbers (lower the learning rate)',
    );
  }
  return image;
}

async function pairs(
  products: Products,
  basis: Tensor,
  image: Tensor,
  ritz: SymmetricEigen,
  count: number,
): Promise<TopEigen> {
  const [size, width] = basis.shape;
  const order = Array.from(ritz.values.keys()).sort((i, j) => Math.abs(ritz.values[j]) - Math.abs(ritz.values[i]));
  const largest = Math.abs(ritz.values[order[0]]);
  const values = new Float64Array(count);
  const rotation = new Float32Array(width * count);
  for (let k = 0; k < count; k++) {
    const value = ritz.values[order[k]];
    if (!(Math.abs(value) > NOISE * largest)) break;
    values[k] = value;
    for (let i = 0; i < width; i++) rotation[i * count + k] = ritz.vectors.data[i * width + order[k]];
  }
  const vectors = await products.multiply('ab', basis, { shape: [width, count], data: rotation });
  const images = await products.multiply('ab', image, { shape: [width, count], data: rotation });
  const squares = new Float64Array(count);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < count; k++) {
      squares[k] += (images.data[i * count + k] - values[k] * vectors.data[i * count + k]) ** 2;
    }
  }
  return { values, vectors, residuals: squares.map((square) => (largest > 0 ? Math.sqrt(square) / largest : 0)) };
}
