/**
 * The top singular triples of a matrix by randomised subspace iteration (Halko, Martinsson, Tropp 2011, algorithm 4.4),
 * with all large products on the engine. The trap: singular values below float32 noise have arbitrary vectors; their
 * columns are returned as zero, never as noise.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Tensor } from '../engine/index.js';
import { MeedError, Random } from '../foundation/index.js';
import { orthonormalise } from './orthonormal.js';
import type { Products } from './product.js';

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
 * @param rank how many triples; beyond min(rows, columns) they are zero
 */
export async function topSingular(products: Products, m: Tensor, rank: number, seed: number): Promise<SingularTriples> {
  const [rows, columns] = m.shape;
  if (!m.data.every(Number.isFinite)) {
    throw new MeedError(
      'The score matrix holds a number that is not finite',
      'Check the training for divergence (lower the learning rate)',
    );
  }
  const width = Math.min(rank + OVERSAMPLING, rows, columns);
  const random = Random.named(seed, 'subspace');
  const start = Float32Array.from({ length: columns * width }, () => random.normal());
  let q = await orthonormalise(products, await products.multiply('ab', m, { shape: [columns, width], data: start }));
  for (let i = 0; i < ITERATIONS; i++) {
    const z = await orthonormalise(products, await products.multiply('aTb', m, q));
    q = await orthonormalise(products, await products.multiply('ab', m, z));
  }
  // Rayleigh–Ritz: eigenvectors of QᵀM MᵀQ
  const b = await products.multiply('aTb', m, q);
  const gram = await products.multiply('aTb', b, b);
  const symmetric = Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (_, j) => (gram.data[i * width + j] + gram.data[j * width + i]) / 2),
  );
  const eigen = new EigenvalueDecomposition(new Matrix(symmetric), { assumeSymmetric: true });
  const order = eigen.realEigenvalues
    .map((_, i) => i)
    .sort((i, j) => eigen.realEigenvalues[j] - eigen.realEigenvalues[i]);
  const largest = Math.sqrt(Math.max(0, eigen.realEigenvalues[order[0]]));
  const values = new Float64Array(rank);
  const rotation = new Float32Array(width * rank);
  for (let k = 0; k < Math.min(rank, width); k++) {
    const value = Math.sqrt(Math.max(0, eigen.realEigenvalues[order[k]]));
    if (!(value > NOISE * largest)) break;
    values[k] = value;
    for (let i = 0; i < width; i++) rotation[i * rank + k] = eigen.eigenvectorMatrix.get(i, order[k]);
  }
  const left = await products.multiply('ab', q, { shape: [width, rank], data: rotation });
  return { left, values };
}
