/**
 * The eigenpairs of largest magnitude of a symmetric matrix known by its products, by Arnoldi's iteration from a random vector
 * (Schioppa et al. 2022, algorithm 1): an orthonormal basis of the Krylov space, the small matrix of the products within
 * it, and its eigenpairs carried back. Every new vector is made orthogonal to all others, twice, since the short
 * recurrence that symmetry allows loses orthogonality in float32. The trap: when the space is exhausted the rest
 * is rounding; it ends there.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { Random } from '../../foundation/index.js';
import { openProducts, symmetricEigen } from '../../linalg/index.js';
import type { WorkWatch } from '../watch.js';
import { addScaled, inner, rowOf } from './vectors.js';

export interface RitzPairs {
  /** By magnitude, largest first. */
  readonly values: Float64Array;
  /** [pairs, P], orthonormal rows. */
  readonly vectors: Tensor;
}

export interface KrylovOptions {
  /** Length P of a vector. */
  readonly size: number;
  /** Products with the matrix at most. */
  readonly iterations: number;
  /** Pairs kept at most. */
  readonly rank: number;
  readonly seed: number;
}

/** Length of what is new in a product, relative to the product, that is rounding of float32. */
const EXHAUSTED = 1e-5;

/** @param apply A·v of one vector [1, P] */
export async function ritzVectors(
  engine: Engine,
  apply: (vector: Tensor) => Promise<Tensor>,
  { size, iterations, rank, seed }: KrylovOptions,
  watch: WorkWatch,
): Promise<RitzPairs> {
  const random = Random.named(seed, 'arnoldi');
  const most = Math.min(iterations, size);
  const basis: Float32Array[] = [];
  const columns: Float64Array[] = [];
  let next: Float64Array | undefined = Float64Array.from({ length: size }, () => random.normal());
  while (next && basis.length < most) {
    watch.throwIfCancelled();
    const length = Math.sqrt(inner(next, next));
    const vector: Float32Array = Float32Array.from(next, (value) => value / length);
    basis.push(vector);
    const image: Tensor = await apply({ shape: [1, size], data: vector });
    const rest: Float64Array = Float64Array.from(image.data);
    const before = Math.sqrt(inner(rest, rest));
    const coefficients = new Float64Array(most);
    for (const pass of [0, 1]) {
      for (const [k, known] of basis.entries()) {
        const along = inner(known, rest);
        if (pass === 0) coefficients[k] = along;
        else coefficients[k] += along;
        addScaled(rest, -along, known);
      }
    }
    columns.push(coefficients);
    next = Math.sqrt(inner(rest, rest)) > EXHAUSTED * before ? rest : undefined;
    watch.progress(basis.length, most, 'Krylov vectors');
  }
  return carriedBack(engine, basis, columns, Math.min(rank, basis.length), size);
}

async function carriedBack(
  engine: Engine,
  basis: readonly Float32Array[],
  columns: readonly Float64Array[],
  count: number,
  size: number,
): Promise<RitzPairs> {
  const width = basis.length;
  const small = new Float64Array(width * width);
  for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) small[i * width + j] = projected(columns, i, j);
  const exact = openProducts(engine, 'float64');
  try {
    const { values, vectors } = await symmetricEigen(exact, { shape: [width, width], data: small });
    const order = Array.from(values.keys()).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
    const kept: Tensor = { shape: [count, size], data: new Float32Array(count * size) };
    for (let k = 0; k < count; k++) {
      const sum = new Float64Array(size);
      for (const [i, vector] of basis.entries()) addScaled(sum, vectors.data[i * width + order[k]], vector);
      rowOf(kept, k).set(sum);
    }
    return { values: Float64Array.from({ length: count }, (_, k) => values[order[k]]), vectors: kept };
  } finally {
    await exact.dispose();
  }
}

/** Entry (i, j) of the symmetric small matrix: column j tells rows up to j, and the row below is the column's mirror. */
function projected(columns: readonly Float64Array[], i: number, j: number): number {
  return i <= j ? columns[j][i] : columns[i][j];
}
