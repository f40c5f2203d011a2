/**
 * The top singular triples of a matrix by randomised subspace iteration (Halko, Martinsson, Tropp 2011, algorithm 4.4),
 * with all large products on the engine. The trap: singular values below float32 noise have arbitrary vectors; their
 * columns are returned as zero, never as noise.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { MeedError, Random } from '../foundation/index.js';
import { orthonormalise } from './orthonormal.js';
import { openProducts, type Products } from './product.js';
import { ritzPairs } from './ritzPairs.js';

export interface SingularTriples {
  /** Left vectors [m, rank], orthonormal columns (zero beyond the numerical rank). */
  readonly left: Tensor;
  /** Singular values, largest first, 0 beyond the numerical rank. */
  readonly values: Float64Array;
}

const OVERSAMPLING = 16;
const ITERATIONS = 4;
/** Relative to the largest singular value: float32 has 24 bits, and products of thousands of terms lose a few. */
const NOISE = 1e-5;

/**
 * @param m    matrix [rows, columns]
 * @param rank how many triples, at least 1; beyond min(rows, columns) they are zero
 * @throws MeedError when `rank` is no such number or the matrix is not finite
 */
export async function topSingular(engine: Engine, m: Tensor, rank: number, seed: number): Promise<SingularTriples> {
  if (!Number.isInteger(rank) || rank < 1) {
    throw new MeedError(`${rank} singular triples of a matrix were asked for`, 'Ask for a whole number from 1');
  }
  if (!m.data.every(Number.isFinite)) {
    throw new MeedError(
      'The matrix holds a number that is not finite',
      'Check the training for divergence (lower the learning rate)',
    );
  }
  const products = openProducts(engine);
  const exact = openProducts(engine, 'float64');
  try {
    const basis = await leftSubspace(products, m, Math.min(rank + OVERSAMPLING, ...m.shape), seed);
    const image = await products.multiply('aTb', m, basis);
    const ritz = await ritzPairs(products, exact, image, image);
    const width = ritz.values.length;
    const singular = ritz.values.map((value) => Math.sqrt(Math.max(0, value)));
    const values = new Float64Array(rank);
    const rotation = new Float32Array(width * rank);
    for (let k = 0; k < Math.min(rank, width); k++) {
      const at = width - 1 - k; // ascending
      if (!(singular[at] > NOISE * singular[width - 1])) break;
      values[k] = singular[at];
      for (let i = 0; i < width; i++) rotation[i * rank + k] = ritz.vectors.data[i * width + at];
    }
    return { left: await products.multiply('ab', basis, { shape: [width, rank], data: rotation }), values };
  } finally {
    await products.dispose();
    await exact.dispose();
  }
}

/** Orthonormal columns [rows, width] that span the left vectors of the largest singular values. */
async function leftSubspace(products: Products, m: Tensor, width: number, seed: number): Promise<Tensor> {
  const columns = m.shape[1];
  const random = Random.named(seed, 'subspace');
  const start = Float32Array.from({ length: columns * width }, () => random.normal());
  let basis = await orthonormalise(
    products,
    await products.multiply('ab', m, { shape: [columns, width], data: start }),
  );
  for (let i = 0; i < ITERATIONS; i++) {
    const rows = await orthonormalise(products, await products.multiply('aTb', m, basis));
    basis = await orthonormalise(products, await products.multiply('ab', m, rows));
  }
  return basis;
}
