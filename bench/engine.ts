/**
 * The engine's figures (npx tsx bench/engine.ts [--json FILE] [--repeats N]): the matrix product against ONNX Runtime
 * bare, in turns, so that the machine's noise falls on both; the overhead of a call; inner products of per-sample
 * gradients from captured factors. Best of all repeats, since whatever else runs only makes a figure worse.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { cpuEngine } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import { encodeOnnx, GraphBuilder, matmul, multiply } from '../src/graph/index.js';
import { openFactors, openKernel } from '../src/influence/index.js';
import { mlp } from '../src/models/index.js';

const { values } = parseArgs({ options: { json: { type: 'string' }, repeats: { type: 'string', default: '20' } } });
const REPEATS = Number(values.repeats);
const THREADS = availableParallelism();
const random = new Random(1);

function normals(shape: readonly number[]) {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { shape, data };
}

/** Best seconds of each task, run in turns. */
async function best(tasks: readonly (() => Promise<unknown>)[], repeats: number): Promise<number[]> {
  const seconds = tasks.map(() => Number.POSITIVE_INFINITY);
  for (let r = 0; r <= repeats; r++) {
    for (const [t, task] of tasks.entries()) {
      const begun = performance.now();
      await task();
      if (r > 0) seconds[t] = Math.min(seconds[t], (performance.now() - begun) / 1000);
    }
  }
  return seconds;
}

async function product(): Promise<{ matmulGflops: number; matmulShareOfBare: number }> {
  const n = 1024;
  const g = new GraphBuilder();
  const graph = g.build({ c: matmul(g, g.input('a', [n, n]), g.input('b', [n, n])) });
  const program = await cpuEngine({ threads: THREADS }).compile(graph);
  const session = await InferenceSession.create(encodeOnnx(graph), {
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
  });
  const [a, b] = [normals([n, n]), normals([n, n])];
  const feeds = { a: new OrtTensor('float32', a.data, a.shape), b: new OrtTensor('float32', b.data, b.shape) };
  const [ours, bare] = await best([() => program.run({ a, b }), () => session.run(feeds)], REPEATS);
  await program.dispose();
  await session.release();
  return { matmulGflops: (2 * n ** 3) / ours / 1e9, matmulShareOfBare: bare / ours };
}

/** One call of a graph with one input, one output and one operator on 16 numbers, mean over many calls. */
async function overhead(): Promise<number> {
  const calls = 2000;
  const g = new GraphBuilder();
  const x = g.input('x', [16]);
  const program = await cpuEngine({ threads: 1 }).compile(g.build({ y: multiply(g, x, x) }));
  const feed = { x: normals([16]) };
  const many = async () => {
    for (let i = 0; i < calls; i++) await program.run(feed);
  };
  const [seconds] = await best([many], Math.max(3, REPEATS / 4));
  await program.dispose();
  return (seconds / calls) * 1e6;
}

/** 64 outputs × 512 samples of the 784-128-64-10 perceptron: factors of both sides and all inner products. */
async function gradientProducts(): Promise<number> {
  const engine = cpuEngine({ threads: THREADS });
  const model = mlp([784, 128, 64, 10]);
  const parameters = model.initialise(random);
  const samples = (rows: number) => ({
    rows,
    width: 784,
    features: normals([rows, 784]).data,
    targets: Int32Array.from({ length: rows }, () => random.below(10)),
  });
  const [outputs, training] = [samples(64), samples(512)];
  const source = await openFactors(engine, model);
  const kernel = openKernel(engine);
  const total = { shape: [64, 512], data: new Float32Array(64 * 512) };
  const products = async () => {
    const left = await source.factors(parameters, outputs);
    await kernel.accumulate(total, 1, left, await source.factors(parameters, training));
  };
  const [seconds] = await best([products], REPEATS);
  await source.dispose();
  await kernel.dispose();
  return seconds * 1000;
}

const figures = {
  ...(await product()),
  graphOverheadUs: await overhead(),
  perSampleProductsMs: await gradientProducts(),
  threads: THREADS,
};
console.log(
  `matrix product 1024³, ${THREADS} threads  ${figures.matmulGflops.toFixed(0)} GFLOP/s, ${(100 * figures.matmulShareOfBare).toFixed(1)}% of bare`,
);
console.log(`call of a graph, 1 in, 1 out            ${figures.graphOverheadUs.toFixed(1)} µs`);
console.log(`64 × 512 gradient products of the MLP   ${figures.perSampleProductsMs.toFixed(2)} ms`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
