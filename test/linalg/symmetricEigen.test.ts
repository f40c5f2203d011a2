import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { MeedError, Random } from '../../src/foundation/index.js';
import { openProducts, symmetricEigen } from '../../src/linalg/index.js';

const products = openProducts(cpuEngine(), 'float64');
afterAll(() => products.dispose());

function symmetric(n: number, entry: (i: number, j: number) => number): Tensor<'float64'> {
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) data[i * n + j] = data[j * n + i] = entry(i, j);
  return { shape: [n, n], data };
}

function random(n: number, seed: number): Tensor<'float64'> {
  const source = new Random(seed);
  return symmetric(n, () => source.normal());
}

const toMatrix = ({ shape: [rows, columns], data }: Tensor<'float64'>): Matrix =>
  Matrix.from1DArray(rows, columns, data);

/** Residual and orthogonality by ml-matrix' products, which share nothing with the engine's. */
async function expectEigenpairs(a: Tensor<'float64'>, tolerance = 1e-13): Promise<Float64Array> {
  const n = a.shape[0];
  const before = a.data.slice();
  const { values, vectors } = await symmetricEigen(products, a);
  expect(a.data).toEqual(before);
  const [matrix, v] = [toMatrix(a), toMatrix(vectors)];
  const residual = Matrix.sub(matrix.mmul(v), v.mmul(Matrix.diag([...values]))).norm();
  expect(residual).toBeLessThanOrEqual(tolerance * matrix.norm());
  expect(Matrix.sub(v.transpose().mmul(v), Matrix.eye(n)).max()).toBeLessThan(tolerance);
  for (let k = 1; k < n; k++) expect(values[k]).toBeGreaterThanOrEqual(values[k - 1]);
  return values;
}

describe('all eigenpairs of a symmetric matrix', () => {
  it.each([1, 2, 3, 5, 17, 64, 65, 66, 130, 257, 300])('of %i random rows have a residual of rounding', async (n) => {
    const a = random(n, n);
    const values = await expectEigenpairs(a);
    const peer = new EigenvalueDecomposition(toMatrix(a), { assumeSymmetric: true }).realEigenvalues;
    const expected = Float64Array.from(peer).sort();
    for (let k = 0; k < n; k++) expect(Math.abs(values[k] - expected[k])).toBeLessThan(1e-12 * n);
  });

  it('of the second difference are those of the textbook', async () => {
    const n = 200;
    const values = await expectEigenpairs(symmetric(n, (i, j) => (i === j ? 2 : i === j + 1 ? -1 : 0)));
    for (let k = 0; k < n; k++) expect(values[k]).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 12);
  });

  it('are right where values repeat, are nearly equal, or the matrix is of low rank', async () => {
    const n = 150;
    const source = new Random(3);
    const factor = Float64Array.from({ length: n * 4 }, () => source.normal());
    const lowRank = symmetric(n, (i, j) => {
      let sum = 0;
      for (let l = 0; l < 4; l++) sum += factor[i * 4 + l] * factor[j * 4 + l];
      return sum;
    });
    const values = await expectEigenpairs(lowRank);
    expect(values.filter((value) => Math.abs(value) > 1e-9)).toHaveLength(4);
    await expectEigenpairs(symmetric(n, (i, j) => (i === j ? 1 : 0)));
    await expectEigenpairs(symmetric(n, () => 1));
    await expectEigenpairs(symmetric(n, (i, j) => (i === j ? (i % 3) - 1 : 0)));
    // Wilkinson's: pairs that agree to all digits though no off-diagonal entry is small
    await expectEigenpairs(symmetric(101, (i, j) => (i === j ? Math.abs(i - 50) : i === j + 1 ? 1 : 0)));
    // glued: blocks joined by couplings around the roundoff
    await expectEigenpairs(
      symmetric(120, (i, j) => (i === j ? Math.abs((i % 21) - 10) : i === j + 1 ? (i % 21 === 0 ? 1e-15 : 1) : 0)),
    );
  });

  it('are right where entries span many orders, are huge, or tiny', async () => {
    const source = new Random(9);
    await expectEigenpairs(symmetric(90, (i, j) => 10 ** (-(i + j) / 8) * source.normal()));
    for (const scale of [1e290, 1e-290]) {
      const { values } = await symmetricEigen(
        products,
        symmetric(40, (i, j) => (i === j ? i * scale : 0)),
      );
      for (let k = 0; k < 40; k++) expect(values[k] / scale).toBeCloseTo(k, 10);
    }
  });

  it('of the zero matrix are zero with an orthonormal basis', async () => {
    expect(await expectEigenpairs(symmetric(20, () => 0))).toEqual(new Float64Array(20));
  });

  it('give a sum equal to the trace and a sum of squares equal to the squared norm', async () => {
    const a = random(400, 12);
    const { values } = await symmetricEigen(products, a);
    let trace = 0;
    for (let i = 0; i < 400; i++) trace += a.data[i * 401];
    const squares = a.data.reduce((sum, x) => sum + x * x, 0);
    expect(values.reduce((sum, x) => sum + x, 0)).toBeCloseTo(trace, 9);
    expect(values.reduce((sum, x) => sum + x * x, 0) / squares).toBeCloseTo(1, 12);
  });

  it('are refused for a matrix that is not square or not finite, which the message says', async () => {
    const flat: Tensor<'float64'> = { shape: [2, 3], data: new Float64Array(6) };
    await expect(symmetricEigen(products, flat)).rejects.toThrow(/shape \[2,3\].*not square/);
    const empty: Tensor<'float64'> = { shape: [0, 0], data: new Float64Array(0) };
    await expect(symmetricEigen(products, empty)).rejects.toThrow(/shape \[0,0\].*at least one row/);
    const broken = random(5, 1);
    broken.data[13] = Number.NaN;
    await expect(symmetricEigen(products, broken)).rejects.toThrow(/NaN in row 2, column 3/);
    broken.data[13] = Number.POSITIVE_INFINITY;
    await expect(symmetricEigen(products, broken)).rejects.toThrow(MeedError);
  });
});
