/**
 * The dense decompositions at the sizes that attribution meets: seconds, rate, residual, and beside each the floor: its flops
 * at the rate that the engine's plain product reached in the same process, just before.
 *
 *   npx tsx bench/linalg.ts [--json FILE] [--cholesky 2048,8192] [--eigen 512,1024,2048,4096] [--top 4096] [--peer 512]
 *
 * The peer is ml-matrix' EigenvalueDecomposition at the sizes of --peer. A size 0 leaves a part out.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { cpuEngine, type Tensor } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import type { Precision } from '../src/graph/index.js';
import { cholesky, choleskySolve, openProducts, symmetricEigen, topEigen } from '../src/linalg/index.js';

const { values: given } = parseArgs({
  options: {
    json: { type: 'string' },
    cholesky: { type: 'string', default: '2048,8192' },
    eigen: { type: 'string', default: '512,1024,2048,4096' },
    top: { type: 'string', default: '4096' },
    peer: { type: 'string', default: '512' },
  },
});
const sizes = (list: string): number[] => list.split(',').map(Number).filter(Boolean);

interface Row {
  readonly what: string;
  readonly size: number;
  readonly seconds: number;
  /** Processor time of all threads: what the work cost even where another process held the cores. */
  readonly processorSeconds: number;
  readonly gigaflops?: number;
  readonly floorSeconds?: number;
  /** Relative residual of the decomposition. */
  readonly residual: number;
  /** ‖VᵀV − I‖, Frobenius. */
  readonly orthogonality?: number;
}

const THREADS = 2;
const engine = cpuEngine({ threads: THREADS });
const rows: Row[] = [];

async function timed<T>(work: () => Promise<T>) {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (performance.now() - start) / 1e3, processorSeconds: (user + system) / 1e6 };
}

function report(row: Row): void {
  rows.push(row);
  const figures = Object.entries(row).filter(([key]) => key !== 'what' && key !== 'size');
  const shown = figures.flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value.toPrecision(3)}`]));
  console.log(`${row.what} ${row.size}: ${shown.join(', ')}`);
}

/** Flops per second of a square product, the best of three. */
async function productRate(precision: Precision): Promise<number> {
  const n = 1024;
  const products = openProducts(engine, precision);
  const data = precision === 'float64' ? new Float64Array(n * n).fill(0.5) : new Float32Array(n * n).fill(0.5);
  const a: Tensor<Precision> = { shape: [n, n], data };
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) best = Math.min(best, (await timed(() => products.multiply('ab', a, a))).seconds);
  await products.dispose();
  return (2 * n ** 3) / best;
}

/** Decaying correlations plus noise on the diagonal: positive definite, condition about 10³. */
function covariance(n: number): Tensor {
  const data = new Float32Array(n * n);
  const of = Float32Array.from({ length: n }, (_, lag) => Math.exp(-lag / 50) * Math.cos(lag / 9));
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) data[i * n + j] = of[Math.abs(i - j)] + (i === j ? 0.1 : 0);
  return { shape: [n, n], data };
}

function randomSymmetric(n: number): Tensor<'float64'> {
  const random = new Random(n);
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) data[i * n + j] = data[j * n + i] = random.normal();
  return { shape: [n, n], data };
}

function norm(data: Float32Array | Float64Array): number {
  let squares = 0;
  for (const x of data) squares += x * x;
  return Math.sqrt(squares);
}

async function benchCholesky(n: number): Promise<void> {
  const rate = await productRate('float32');
  const products = openProducts(engine);
  const a = covariance(n);
  const random = new Random(1);
  const columns = 64;
  const x: Tensor = {
    shape: [n, columns],
    data: Float32Array.from({ length: n * columns }, () => random.normal()),
  };
  const b = await products.multiply('ab', a, x);
  const factor = await timed(() => cholesky(products, a));
  const solve = await timed(() => choleskySolve(products, factor.result, b));
  const { lower } = factor.result;
  const image = await products.multiply('aTb', lower, x);
  const again = await products.multiply('ab', lower, image);
  const flops = n ** 3 / 3;
  report({
    what: 'Cholesky float32',
    size: n,
    seconds: factor.seconds,
    processorSeconds: factor.processorSeconds,
    gigaflops: flops / factor.seconds / 1e9,
    floorSeconds: flops / rate,
    residual: norm(again.data.map((value, i) => value - b.data[i])) / norm(b.data),
  });
  const applied = await products.multiply('ab', a, solve.result);
  const solveFlops = 2 * n * n * columns;
  report({
    what: `solve for ${columns} right-hand sides float32`,
    size: n,
    seconds: solve.seconds,
    processorSeconds: solve.processorSeconds,
    gigaflops: solveFlops / solve.seconds / 1e9,
    floorSeconds: solveFlops / rate,
    residual: norm(applied.data.map((value, i) => value - b.data[i])) / norm(b.data),
  });
  await products.dispose();
}

async function benchEigen(n: number): Promise<void> {
  const rate = await productRate('float64');
  const products = openProducts(engine, 'float64');
  const a = randomSymmetric(n);
  const { result, seconds, processorSeconds } = await timed(() => symmetricEigen(products, a));
  await products.dispose();
  const checks = openProducts(engine, 'float64');
  const { values, vectors } = result;
  const image = (await checks.multiply('ab', a, vectors)).data;
  for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) image[i * n + k] -= vectors.data[i * n + k] * values[k];
  const gram = (await checks.multiply('aTb', vectors, vectors)).data;
  for (let i = 0; i < n; i++) gram[i * n + i] -= 1;
  await checks.dispose();
  // reduction 4/3, back-transformation 2, and at most 4/3 for the products of divide and conquer without deflation
  const flops = (4 / 3 + 2 + 4 / 3) * n ** 3;
  report({
    what: 'symmetric eigenpairs float64',
    size: n,
    seconds,
    processorSeconds,
    gigaflops: flops / seconds / 1e9,
    floorSeconds: flops / rate,
    residual: norm(image) / norm(a.data),
    orthogonality: norm(gram),
  });
}

async function benchPeer(n: number): Promise<void> {
  const a = randomSymmetric(n);
  const matrix = Matrix.from1DArray(n, n, a.data);
  const options = { assumeSymmetric: true };
  const { result, seconds, processorSeconds } = await timed(async () => new EigenvalueDecomposition(matrix, options));
  const v = result.eigenvectorMatrix;
  const image = matrix.mmul(v).sub(v.clone().mulRowVector(result.realEigenvalues));
  report({
    what: 'peer: ml-matrix EigenvalueDecomposition',
    size: n,
    seconds,
    processorSeconds,
    residual: image.norm() / matrix.norm(),
  });
}

/** Top 64 of x·xᵀ with decaying columns, never formed. */
async function benchTop(n: number): Promise<void> {
  const products = openProducts(engine);
  const random = new Random(2);
  const inner = 512;
  const data = Float32Array.from({ length: n * inner }, (_, i) => random.normal() / (1 + (i % inner)));
  const x: Tensor = { shape: [n, inner], data };
  let steps = 0;
  const apply = async (block: Tensor): Promise<Tensor> => {
    steps++;
    return products.multiply('ab', x, await products.multiply('aTb', x, block));
  };
  const top = await timed(() => topEigen(engine, apply, { size: n, count: 64, seed: 1 }));
  report({
    what: `top 64 eigenpairs float32 in ${steps} products with the matrix`,
    size: n,
    seconds: top.seconds,
    processorSeconds: top.processorSeconds,
    residual: Math.max(...top.result.residuals),
  });
  await products.dispose();
}

for (const n of sizes(given.cholesky)) await benchCholesky(n);
for (const n of sizes(given.top)) await benchTop(n);
for (const n of sizes(given.peer)) await benchPeer(n);
for (const n of sizes(given.eigen)) await benchEigen(n);
if (given.json !== undefined) {
  writeFileSync(given.json, `${JSON.stringify({ engine: engine.name, threads: THREADS, rows }, null, 2)}\n`);
}
