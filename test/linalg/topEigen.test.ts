import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { openProducts, symmetricEigen, topEigen } from '../../src/linalg/index.js';

const engine = cpuEngine();

const toTensor = (m: Matrix): Tensor => ({ shape: [m.rows, m.columns], data: Float32Array.from(m.to1DArray()) });
const toMatrix = ({ shape: [rows, columns], data }: Tensor): Matrix => Matrix.from1DArray(rows, columns, data);
const product = (a: Matrix) => async (block: Tensor) => toTensor(a.mmul(toMatrix(block)));

/** Values that fall in magnitude and alternate in sign, in general position. */
function alternating(n: number): Matrix {
  const random = new Random(5);
  const x = Matrix.from1DArray(
    n,
    n,
    Float64Array.from({ length: n * n }, () => random.normal()),
  );
  const weights = Matrix.diag(Array.from({ length: n }, (_, i) => (-1) ** i * 0.8 ** i));
  return x.mmul(weights).mmul(x.transpose());
}

describe('the eigenpairs of largest magnitude', () => {
  it('are those of the whole decomposition, positive and negative, with the residuals they claim', async () => {
    const a = alternating(120);
    const exact = openProducts(engine, 'float64');
    const all = await symmetricEigen(exact, { shape: [120, 120], data: Float64Array.from(a.to1DArray()) });
    await exact.dispose();
    const expected = all.values.toSorted((x, y) => Math.abs(y) - Math.abs(x));
    const { values, vectors, residuals } = await topEigen(engine, product(a), { size: 120, count: 12, seed: 1 });
    const v = toMatrix(vectors);
    expect(Matrix.sub(v.transpose().mmul(v), Matrix.eye(12)).norm()).toBeLessThan(1e-4);
    for (let k = 0; k < 12; k++) {
      expect(Math.abs(values[k] - expected[k]) / Math.abs(expected[0])).toBeLessThan(1e-5);
      const vector = v.getColumnVector(k);
      const residual = Matrix.sub(a.mmul(vector), Matrix.mul(vector, values[k])).norm() / Math.abs(values[0]);
      expect(residual).toBeLessThan(1.2e-4);
      expect(Math.abs(residual - residuals[k])).toBeLessThan(2e-6);
    }
    expect(values.some((value) => value < 0) && values.some((value) => value > 0)).toBe(true);
  });

  it('say by their residuals that one step was not enough', async () => {
    const { residuals } = await topEigen(engine, product(alternating(120)), {
      size: 120,
      count: 12,
      seed: 1,
      mostSteps: 1,
    });
    expect(Math.max(...residuals)).toBeGreaterThan(1e-2);
  });

  it('beyond the rank are zero, for the zero matrix all, and for one row the entry', async () => {
    const x = Matrix.from1DArray(
      40,
      2,
      Float64Array.from({ length: 80 }, (_, i) => Math.sin(i * i)),
    );
    const low = await topEigen(engine, product(x.mmul(x.transpose())), { size: 40, count: 5, seed: 1 });
    expect([...low.values.subarray(2)]).toEqual([0, 0, 0]);
    expect(low.values[1]).toBeGreaterThan(0);
    const zero = await topEigen(engine, product(Matrix.zeros(6, 6)), { size: 6, count: 6, seed: 1 });
    expect([...zero.values, ...zero.residuals, ...zero.vectors.data].every((entry) => entry === 0)).toBe(true);
    const one = await topEigen(engine, product(new Matrix([[-2.5]])), { size: 1, count: 1, seed: 1 });
    expect(one.values[0]).toBeCloseTo(-2.5, 6);
  });

  it('of repeated values are an orthonormal basis', async () => {
    const { values, vectors } = await topEigen(engine, product(Matrix.eye(50).mul(3)), { size: 50, count: 4, seed: 2 });
    for (const value of values) expect(value).toBeCloseTo(3, 5);
    const v = toMatrix(vectors);
    expect(Matrix.sub(v.transpose().mmul(v), Matrix.eye(4)).norm()).toBeLessThan(1e-5);
  });

  it('are refused for counts, shapes and numbers that make no sense', async () => {
    const a = product(Matrix.eye(4));
    for (const count of [0, 5, 1.5]) {
      await expect(topEigen(engine, a, { size: 4, count, seed: 1 })).rejects.toThrow(/Ask for 1 to 4|were asked for/);
    }
    const flat = product(Matrix.ones(3, 4));
    await expect(topEigen(engine, flat, { size: 4, count: 1, seed: 1 })).rejects.toThrow(/to \[3,4\]/);
    const broken = product(Matrix.ones(4, 4).mul(Number.NaN));
    await expect(topEigen(engine, broken, { size: 4, count: 1, seed: 1 })).rejects.toThrow(/not finite/);
  });
});
