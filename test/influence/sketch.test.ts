import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { cpuEngine, type Tensor } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { fitBasis, gradDot, sketchOutputs, sketchSamples } from '../../src/influence/index.js';
import { mlp, selectSamples } from '../../src/models/index.js';
import { encodeRows, encoderHash, quantiseRows, readEncoder, writeEncoder } from '../../src/prover/encoder.js';
import { columnScales } from '../../src/prover/reference/index.js';
import { temporaryFolder } from '../data/fixture.js';
import { cloud } from '../models/tiny.js';

const engine = cpuEngine();

function toMatrix({ shape: [rows, columns], data }: Tensor): Matrix {
  return Matrix.from1DArray(rows, columns, data);
}

/** Singular values that fall by a factor of .75, so that the top d are well separated from the rest. */
function scores(rows: number, columns: number, seed: number, rank = Math.min(rows, columns)): Tensor {
  const random = new Random(seed);
  const gaussian = (r: number, c: number) =>
    Matrix.from1DArray(
      r,
      c,
      Array.from({ length: r * c }, () => random.normal()),
    );
  const left = gaussian(rows, rank);
  for (let i = 0; i < rank; i++) left.mulColumn(i, 0.75 ** i);
  return { shape: [rows, columns], data: Float32Array.from(left.mmul(gaussian(rank, columns)).to1DArray()) };
}

/** Rows divided by their norms: what the basis is fitted to. */
function unitRows(whole: Tensor): Tensor {
  const matrix = toMatrix(whole);
  for (let r = 0; r < matrix.rows; r++) matrix.mulRow(r, 1 / matrix.getRowVector(r).norm());
  return { shape: whole.shape, data: Float32Array.from(matrix.to1DArray()) };
}

describe('the spectral sketch', () => {
  const [m, n, d] = [30, 50, 6];
  const calibration = scores(m, n, 1);
  const unit = unitRows(calibration);
  const svd = new SingularValueDecomposition(toMatrix(unit), { autoTranspose: true });
  const right = svd.rightSingularVectors.subMatrix(0, n - 1, 0, d - 1);

  it('φ·ψ is the score projected onto the top right singular vectors of ml-matrix', async () => {
    const basis = await fitBasis(engine, calibration, d, 1);
    const phi = await sketchSamples(engine, basis, calibration);
    const outputs = scores(9, n, 2);
    const psi = await sketchOutputs(engine, outputs, phi);
    const sketched = toMatrix(psi).mmul(toMatrix(phi).transpose());
    const projected = toMatrix(outputs).mmul(right).mmul(right.transpose());
    expect(Matrix.sub(sketched, projected).norm() / projected.norm()).toBeLessThan(1e-3);
    // and for the calibration outputs, each of norm 1, it is the best approximation of rank d
    const own = toMatrix(await sketchOutputs(engine, unit, phi)).mmul(toMatrix(phi).transpose());
    const missed = Matrix.sub(own, toMatrix(unit)).norm();
    const best = Math.sqrt(svd.diagonal.slice(d).reduce((sum, value) => sum + value ** 2, 0));
    expect(Math.abs(missed / best - 1)).toBeLessThan(1e-3);
  });

  it('has orthonormal columns over the training rows', async () => {
    const phi = toMatrix(await sketchSamples(engine, await fitBasis(engine, calibration, d, 1), calibration));
    expect(Matrix.sub(phi.transpose().mmul(phi), Matrix.eye(d)).norm()).toBeLessThan(1e-3);
  });

  it('gives scores that do not depend on the seed, though its vectors may turn', async () => {
    const product = async (seed: number): Promise<Matrix> => {
      const phi = await sketchSamples(engine, await fitBasis(engine, calibration, d, seed), calibration);
      return toMatrix(await sketchOutputs(engine, calibration, phi)).mmul(toMatrix(phi).transpose());
    };
    const [a, b] = await Promise.all([product(1), product(2)]);
    expect(Matrix.sub(a, b).norm() / a.norm()).toBeLessThan(1e-4);
  });

  it('does not depend on the scale of any calibration output', async () => {
    const scaled = { ...calibration, data: calibration.data.map((x, i) => x * 2 ** (Math.floor(i / n) % 5)) };
    const phi = async (given: Tensor) => (await sketchSamples(engine, await fitBasis(engine, given, d, 1), given)).data;
    const [a, b] = [await phi(calibration), await phi(scaled)];
    for (const [i, x] of a.entries()) expect(Math.abs(x - b[i])).toBeLessThan(1e-5);
  });

  it('says which share of the variation it keeps', async () => {
    const squares = svd.diagonal.map((value) => value ** 2);
    const total = squares.reduce((a, b) => a + b, 0);
    for (const columns of [1, 6, 30]) {
      const { kept, singularValues } = await fitBasis(engine, calibration, columns, 1);
      expect(kept).toBeCloseTo(squares.slice(0, columns).reduce((a, b) => a + b, 0) / total, 4);
      expect(Math.abs(singularValues[0] / svd.diagonal[0] - 1)).toBeLessThan(1e-4);
    }
  });

  it('has zero columns, never NaN, where scores have fewer directions than it has columns', async () => {
    const poor = scores(m, n, 3, 2);
    const basis = await fitBasis(engine, poor, d, 1);
    const phi = await sketchSamples(engine, basis, poor);
    expect([...basis.singularValues.subarray(2)]).toEqual([0, 0, 0, 0]);
    for (const [i, x] of phi.data.entries()) {
      expect(Number.isFinite(x)).toBe(true);
      if (i % d >= 2) expect(x).toBe(0);
    }
    expect(basis.kept).toBeCloseTo(1, 5);
    const nothing = { shape: [m, n], data: new Float32Array(m * n) };
    const empty = await fitBasis(engine, nothing, d, 1);
    expect(empty.kept).toBe(0);
    expect(empty.encoder.data.every((x) => x === 0)).toBe(true);
  });

  it('refuses scores that are not finite', async () => {
    for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const broken = { shape: [m, n], data: calibration.data.with(77, bad) };
      await expect(fitBasis(engine, broken, d, 1)).rejects.toThrow(/matrix holds a number that is not finite/);
    }
  });
});

describe('the published encoder', () => {
  const model = mlp([5, 6, 3]);
  const parameters = model.initialise(new Random(4));
  const samples = cloud(300, 5, 3, 5);
  const calibration = cloud(40, 5, 3, 6);
  const columns = 8;

  async function fitted() {
    const scorer = await gradDot(engine, model, parameters);
    const matrix = await scorer.score(calibration, samples);
    const basis = await fitBasis(engine, matrix, columns, 1);
    const sketches = await sketchSamples(engine, basis, matrix);
    const scales = columnScales(sketches.data, columns);
    return {
      scorer,
      sketches,
      encoder: { calibration, basis: basis.encoder, singularValues: basis.singularValues, scales },
    };
  }

  it('gives one row alone the sketch that it has among all', async () => {
    const { scorer, sketches, encoder } = await fitted();
    const integers = quantiseRows(sketches, encoder.scales);
    for (const rows of [[0], [299], [256, 3], [7, 7, 8]]) {
      const alone = await encodeRows(engine, scorer, encoder, selectSamples(samples, rows));
      const quantised = quantiseRows(alone, encoder.scales);
      for (const [i, row] of rows.entries()) {
        for (let j = 0; j < columns; j++) {
          // another shape of product may end in another last bit; the scale is the unit of the comparison
          const difference = alone.data[i * columns + j] - sketches.data[row * columns + j];
          expect(Math.abs(difference)).toBeLessThan(1e-3 * encoder.scales[j]);
          expect(Math.abs(quantised[i * columns + j] - integers[row * columns + j])).toBeLessThanOrEqual(1);
        }
      }
    }
    await scorer.dispose();
  });

  it('comes back from disk with the same hash, which changes with any of its numbers', async () => {
    const { scorer, encoder } = await fitted();
    await scorer.dispose();
    const folder = temporaryFolder();
    await writeEncoder(folder, encoder);
    expect(await readEncoder(folder)).toEqual(encoder);
    const hashes = [
      encoder,
      { ...encoder, scales: encoder.scales.with(3, encoder.scales[3] * 2) },
      { ...encoder, singularValues: encoder.singularValues.with(0, 1) },
      { ...encoder, basis: { ...encoder.basis, data: encoder.basis.data.with(5, 9) } },
      {
        ...encoder,
        calibration: { ...calibration, targets: calibration.targets.with(0, 2 - calibration.targets[0] || 1) },
      },
      { ...encoder, calibration: { ...calibration, features: calibration.features.with(0, 9) } },
    ].map(encoderHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
