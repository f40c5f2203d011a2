import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { MeedError, Random } from '../../src/foundation/index.js';
import { cholesky, choleskySolve, openProducts, solveLower, solveUpper } from '../../src/linalg/index.js';

const engine = cpuEngine();
const single = openProducts(engine);
const double = openProducts(engine, 'float64');
afterAll(async () => {
  await single.dispose();
  await double.dispose();
});

function gaussian(rows: number, columns: number, seed: number): Matrix {
  const random = new Random(seed);
  return Matrix.from1DArray(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => random.normal()),
  );
}

/** Second moments of n samples plus damping. */
function positive(n: number, seed: number): Matrix {
  const x = gaussian(n, n, seed);
  return x.transpose().mmul(x).div(n).add(Matrix.eye(n).mul(0.1));
}

const in32 = (m: Matrix): Tensor => ({ shape: [m.rows, m.columns], data: Float32Array.from(m.to1DArray()) });
const in64 = (m: Matrix): Tensor<'float64'> => ({
  shape: [m.rows, m.columns],
  data: Float64Array.from(m.to1DArray()),
});
const toMatrix = ({ shape: [rows, columns], data }: Tensor | Tensor<'float64'>): Matrix =>
  Matrix.from1DArray(rows, columns, data);
const relative = (a: Matrix, b: Matrix): number => Matrix.sub(a, b).norm() / b.norm();

// one block, its edges, several blocks with and without a rest
const SIZES = [1, 2, 30, 255, 256, 257, 520];

describe('the Cholesky factor', () => {
  it.each(SIZES)('of %i rows is that of ml-matrix in float64, and multiplies back to the matrix', async (n) => {
    const a = positive(n, n);
    const lower = toMatrix((await cholesky(double, in64(a))).lower);
    expect(relative(lower, new CholeskyDecomposition(a).lowerTriangularMatrix)).toBeLessThan(1e-13);
    expect(relative(lower.mmul(lower.transpose()), a)).toBeLessThan(1e-14);
  });

  it.each(SIZES)('of %i rows multiplies back to the matrix in float32', async (n) => {
    const a = positive(n, n);
    const lower = toMatrix((await cholesky(single, in32(a))).lower);
    expect(relative(lower.mmul(lower.transpose()), a)).toBeLessThan(1e-6);
  });

  it('of more rows than one run takes under a block multiplies back to the matrix', async () => {
    const n = 1500;
    const a = new Float32Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j] = Math.exp(-Math.abs(i - j) / 40);
    const { lower } = await cholesky(single, { shape: [n, n], data: a });
    const product = await single.multiply('abT', lower, lower);
    for (let i = 0; i < n * n; i += 7) expect(Math.abs(product.data[i] - a[i])).toBeLessThan(2e-6);
  });

  it('reads the lower triangle only and leaves the matrix alone', async () => {
    const a = in64(positive(300, 4));
    const upset = { shape: a.shape, data: a.data.slice() };
    for (let i = 0; i < 300; i++) for (let j = i + 1; j < 300; j++) upset.data[i * 300 + j] = 1e6;
    const before = upset.data.slice();
    expect((await cholesky(double, upset)).lower.data).toEqual((await cholesky(double, a)).lower.data);
    expect(upset.data).toEqual(before);
  });

  it('is refused where a pivot is not positive, naming it, and exists once damped', async () => {
    for (const [n, at] of [
      [10, 7],
      [300, 0],
      [300, 280],
    ]) {
      const a = positive(n, 5);
      a.set(at, at, -3);
      const error = await cholesky(double, in64(a)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(MeedError);
      expect(String(error)).toContain(`pivot ${at} of ${n}`);
    }
    const shifted = positive(300, 6).sub(Matrix.eye(300).mul(0.3));
    const error = await cholesky(double, in64(shifted)).then(() => '', String);
    expect(error).toMatch(/not positive definite/);
    await cholesky(double, in64(Matrix.add(shifted, Matrix.eye(300).mul(0.3))));
  });

  it('is refused for zero, rank-deficient, not square and not finite matrices', async () => {
    await expect(cholesky(single, in32(Matrix.zeros(4, 4)))).rejects.toThrow(/pivot 0 of 4/);
    const x = gaussian(3, 8, 1);
    await expect(cholesky(double, in64(x.transpose().mmul(x)))).rejects.toThrow(/pivot [3-7] of 8/);
    await expect(cholesky(single, in32(Matrix.ones(2, 3)))).rejects.toThrow(/not square/);
    const broken = positive(4, 1);
    broken.set(2, 1, Number.NaN);
    await expect(cholesky(single, in32(broken))).rejects.toThrow(/NaN in row 2, column 1/);
  });
});

describe('solves with the factor', () => {
  it.each(SIZES)('of %i rows give back the unknowns, for one and for many right-hand sides', async (n) => {
    const a = positive(n, n);
    const factor = await cholesky(double, in64(a));
    const lower = toMatrix(factor.lower);
    for (const columns of [1, 9]) {
      const x = gaussian(n, columns, 77);
      const solved = {
        lower: await solveLower(double, factor, in64(lower.mmul(x))),
        upper: await solveUpper(double, factor, in64(lower.transpose().mmul(x))),
        both: await choleskySolve(double, factor, in64(a.mmul(x))),
      };
      expect(relative(toMatrix(solved.lower), x)).toBeLessThan(1e-11);
      expect(relative(toMatrix(solved.upper), x)).toBeLessThan(1e-11);
      expect(relative(toMatrix(solved.both), x)).toBeLessThan(1e-11);
    }
  });

  it('in float32 leave a residual of its rounding and the right-hand sides alone', async () => {
    const a = positive(400, 2);
    const b = in32(gaussian(400, 20, 3));
    const before = b.data.slice();
    const x = toMatrix(await choleskySolve(single, await cholesky(single, in32(a)), b));
    expect(relative(a.mmul(x), toMatrix(b))).toBeLessThan(1e-4);
    expect(b.data).toEqual(before);
  });

  it('refuse right-hand sides of another height', async () => {
    const factor = await cholesky(double, in64(positive(5, 1)));
    await expect(choleskySolve(double, factor, in64(gaussian(4, 2, 1)))).rejects.toThrow(/shape \[4,2\].*\[5,5\]/);
  });
});
