import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { openProducts, orthonormalise, topSingular } from '../../src/linalg/index.js';

const engine = cpuEngine();
const products = openProducts(engine);
afterAll(() => products.dispose());

function gaussian(rows: number, columns: number, seed: number): Tensor {
  const random = new Random(seed);
  return { shape: [rows, columns], data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

function toMatrix({ shape: [rows, columns], data }: Tensor): Matrix {
  return Matrix.from1DArray(rows, columns, data);
}

function toTensor(m: Matrix): Tensor {
  return { shape: [m.rows, m.columns], data: Float32Array.from(m.to1DArray()) };
}

/** Columns whose singular values fall like 1 / (1 + i), as scores' do, in general position. */
function decaying(rows: number, columns: number, seed: number): Tensor {
  const inner = Math.min(rows, columns, 60);
  const left = toMatrix(gaussian(rows, inner, seed));
  const right = toMatrix(gaussian(inner, columns, seed + 1));
  for (let i = 0; i < inner; i++) left.mulColumn(i, 1 / (1 + i));
  return toTensor(left.mmul(right));
}

const column = (m: Matrix, j: number): number => Math.sqrt(m.getColumn(j).reduce((sum, x) => sum + x * x, 0));

describe('products', () => {
  it('are those of ml-matrix in every form', async () => {
    const [a, b] = [gaussian(7, 5, 1), gaussian(7, 4, 2)];
    const c = gaussian(6, 5, 3);
    const cases = [
      [await products.multiply('aTb', a, b), toMatrix(a).transpose().mmul(toMatrix(b))],
      [await products.multiply('abT', a, c), toMatrix(a).mmul(toMatrix(c).transpose())],
      [await products.multiply('ab', toTensor(toMatrix(a).transpose()), b), toMatrix(a).transpose().mmul(toMatrix(b))],
    ] as const;
    for (const [result, exact] of cases) {
      expect(result.shape).toEqual([exact.rows, exact.columns]);
      for (const [i, x] of exact.to1DArray().entries()) expect(result.data[i]).toBeCloseTo(x, 4);
    }
  });
});

describe('an orthonormal basis', () => {
  it('is orthonormal and spans the columns', async () => {
    const y = gaussian(50, 12, 4);
    const q = toMatrix(await orthonormalise(products, y));
    const gram = q.transpose().mmul(q);
    expect(Matrix.sub(gram, Matrix.eye(12)).norm()).toBeLessThan(1e-5);
    const exact = toMatrix(y);
    expect(Matrix.sub(q.mmul(q.transpose().mmul(exact)), exact).norm() / exact.norm()).toBeLessThan(1e-5);
  });

  it('is orthonormal also where columns are nearly parallel or of very different length', async () => {
    const y = toMatrix(gaussian(80, 6, 5));
    for (let i = 0; i < 80; i++) {
      y.set(i, 1, y.get(i, 0) + 1e-3 * y.get(i, 1));
      y.set(i, 2, 1e4 * y.get(i, 2));
      y.set(i, 3, 1e-4 * y.get(i, 3));
    }
    const q = toMatrix(await orthonormalise(products, toTensor(y)));
    expect(Matrix.sub(q.transpose().mmul(q), Matrix.eye(6)).norm()).toBeLessThan(1e-4);
  });

  it('gives zero for columns of zeros, and for dependent ones zero or a direction orthogonal to all others', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const y = toMatrix(gaussian(40, 7, 100 + seed));
      for (let i = 0; i < 40; i++) {
        y.set(i, 2, y.get(i, 0) - 2 * y.get(i, 1));
        y.set(i, 4, 0);
        y.set(i, 5, 3 * y.get(i, 3));
        y.set(i, 6, y.get(i, 0) * (seed % 5));
      }
      const q = toMatrix(await orthonormalise(products, toTensor(y)));
      const gram = q.transpose().mmul(q);
      for (const j of [0, 1, 3]) expect(gram.get(j, j)).toBeCloseTo(1, 4);
      expect(gram.get(4, 4)).toBe(0);
      // every column is a unit vector or zero, and orthogonal to the others
      expect(Matrix.sub(gram, Matrix.diag(gram.diagonal().map(Math.round))).norm()).toBeLessThan(1e-4);
      expect(gram.diagonal().every((square) => Math.round(square) === 0 || Math.round(square) === 1)).toBe(true);
    }
  });
});

describe('the top singular triples', () => {
  it.each([
    [90, 40, 10],
    [40, 90, 12],
    [60, 60, 20],
  ])(
    'of a %i × %i matrix are those of ml-matrix: %i values to 1e-4, vectors by residual',
    async (rows, columns, rank) => {
      const m = decaying(rows, columns, 7);
      const exact = toMatrix(m);
      const expected = new SingularValueDecomposition(exact, { autoTranspose: true }).diagonal;
      const { left, values } = await topSingular(engine, m, rank, 1);
      const u = toMatrix(left);
      for (let k = 0; k < rank; k++) {
        expect(Math.abs(values[k] / expected[k] - 1)).toBeLessThan(1e-4);
        const vector = u.getColumnVector(k);
        const image = exact.mmul(exact.transpose().mmul(vector));
        const residual = Matrix.sub(image, Matrix.mul(vector, values[k] ** 2)).norm();
        expect(residual / values[0] ** 2).toBeLessThan(1e-4);
      }
      expect(Matrix.sub(u.transpose().mmul(u), Matrix.eye(rank)).norm()).toBeLessThan(1e-4);
      for (let k = 1; k < rank; k++) expect(values[k]).toBeLessThanOrEqual(values[k - 1]);
    },
  );

  it('beyond the rank are zero', async () => {
    const m = toTensor(toMatrix(gaussian(30, 3, 8)).mmul(toMatrix(gaussian(3, 20, 9))));
    const { left, values } = await topSingular(engine, m, 6, 1);
    expect([...values.subarray(3)]).toEqual([0, 0, 0]);
    expect(values[2]).toBeGreaterThan(0);
    const u = toMatrix(left);
    expect([0, 1, 2, 3, 4, 5].map((k) => Math.round(column(u, k) * 1e4) / 1e4)).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it('of a matrix smaller than asked for, and of zeros, are padded with zeros', async () => {
    const small = await topSingular(engine, gaussian(3, 2, 10), 5, 1);
    expect(small.left.shape).toEqual([3, 5]);
    expect(small.values.length).toBe(5);
    expect(small.values[1]).toBeGreaterThan(0);
    expect([...small.values.subarray(2)]).toEqual([0, 0, 0]);
    const zero = await topSingular(engine, { shape: [4, 6], data: new Float32Array(24) }, 2, 1);
    expect([...zero.values]).toEqual([0, 0]);
    expect(zero.left.data.every((x) => x === 0)).toBe(true);
  });

  it('are the same bits for the same seed, and the same values for another', async () => {
    const m = decaying(60, 50, 11);
    const one = await topSingular(engine, m, 8, 1);
    expect(await topSingular(engine, m, 8, 1)).toEqual(one);
    const other = await topSingular(engine, m, 8, 2);
    for (const [k, value] of one.values.entries()) expect(Math.abs(other.values[k] / value - 1)).toBeLessThan(1e-5);
  });

  it.each([0, -1, 1.5, Number.NaN])('are refused for %s of them', async (rank) => {
    await expect(topSingular(engine, gaussian(4, 4, 1), rank, 1)).rejects.toThrow(/singular triples .* were asked for/);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are refused where the matrix holds %s', async (bad) => {
    const m = gaussian(4, 4, 1);
    m.data[5] = bad;
    await expect(topSingular(engine, m, 2, 1)).rejects.toThrow(/matrix holds a number that is not finite/);
  });

  it('of 2000 × 600 at d = 128 take seconds', async () => {
    const m = decaying(2000, 600, 12);
    const noise = gaussian(2000, 600, 13);
    for (let i = 0; i < m.data.length; i++) m.data[i] += 0.01 * noise.data[i];
    const began = performance.now();
    const { values } = await topSingular(engine, m, 128, 1);
    const seconds = (performance.now() - began) / 1000;
    process.stdout.write(`top 128 singular triples of 2000 × 600: ${seconds.toFixed(2)} s\n`);
    expect(seconds).toBeLessThan(10);
    expect(values[127]).toBeGreaterThan(0);
  });
});
