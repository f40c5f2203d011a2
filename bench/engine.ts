/**
 * The engine's figures: the matrix product, ONNX Runtime bare and the decoder's step in turns, so that the machine's noise
 * falls on all; the overhead of a call; inner products of per-sample gradients from captured factors; training
 * (bench/training.ts); and PyTorch on the same shapes. Best of all repeats, since whatever else runs only makes a figure
 * worse.
 *
 *   npx tsx bench/engine.ts [--json FILE] [--repeats 20] [--training full|short|none] [--peers "$(bash bench/peers/setup.sh)"]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { cpuEngine } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import { encodeOnnx, GraphBuilder, matmul, multiply } from '../src/graph/index.js';
import { openFactors, openKernel } from '../src/influence/index.js';
import { adamW, decoder, mlp, openFastStep } from '../src/models/index.js';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    repeats: { type: 'string', default: '20' },
    training: { type: 'string', default: 'full' },
    peers: { type: 'string' },
  },
});
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

/** Something to be timed, and the operations that one run of it counts. */
interface Timed {
  readonly operations: number;
  run(): Promise<unknown>;
  dispose(): Promise<void>;
}

/** A product of 1024³ by our program and by ONNX Runtime bare. */
async function openProducts(): Promise<{ ours: Timed; bare: Timed }> {
  const n = 1024;
  const operations = 2 * n ** 3;
  const g = new GraphBuilder();
  const graph = g.build({ c: matmul(g, g.input('a', [n, n]), g.input('b', [n, n])) });
  const program = await cpuEngine({ threads: THREADS }).compile(graph);
  const session = await InferenceSession.create(encodeOnnx(graph), {
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
  });
  const [a, b] = [normals([n, n]), normals([n, n])];
  const feeds = { a: new OrtTensor('float32', a.data, a.shape), b: new OrtTensor('float32', b.data, b.shape) };
  return {
    ours: { operations, run: () => program.run({ a, b }), dispose: () => program.dispose() },
    bare: { operations, run: () => session.run(feeds), dispose: () => session.release() },
  };
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

/** Four layers, 128 wide, context 128, batch 16, vocabulary 512, AdamW: counts 6 · parameters · tokens operations a step. */
async function openDecoderStep(): Promise<Timed & { readonly parameters: number }> {
  const [context, batch, vocabulary] = [128, 16, 512];
  const model = decoder({
    vocabulary,
    context,
    width: 128,
    layers: 4,
    heads: 4,
    keyValueHeads: 4,
    hidden: 384,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'halves',
    feedForward: 'swiglu',
    head: 'untied',
    biased: [],
  });
  const tokens = () => Int32Array.from({ length: batch * context }, () => random.below(vocabulary));
  const samples = { rows: batch, width: context, features: Float32Array.from(tokens()), targets: tokens() };
  const step = await openFastStep(cpuEngine({ threads: THREADS }), model, {
    batch,
    optimiser: adamW(),
    dropout: 0,
    seed: 1,
  });
  const state = new Float32Array(adamW().stateSize(model.parameterCount));
  const from = { parameters: model.initialise(random), state };
  const positions = Uint32Array.from({ length: batch }, (_, i) => i);
  return {
    parameters: model.parameterCount,
    operations: 6 * model.parameterCount * batch * context,
    run: () => step.run(from, samples, positions, { step: 0, rate: 1e-3 }),
    dispose: () => step.dispose(),
  };
}

/** Figures of another command's JSON file, which prints its own progress. */
function figuresOf(command: string, args: readonly string[]): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'meed-bench-'));
  const file = join(folder, 'figures.json');
  try {
    const { status } = spawnSync(command, [...args, '--json', file], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`);
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const figures: Record<string, unknown> = { threads: THREADS };
const say = (what: string, key: string, value: number, unit: string): void => {
  figures[key] = value;
  process.stdout.write(`| ${what} | ${value.toPrecision(4)} ${unit} |\n`);
};

process.stdout.write(`| ${THREADS} threads | |\n|---|---|\n`);
const { ours, bare } = await openProducts();
const step = await openDecoderStep();
const timed = [ours, bare, step];
const seconds = await best(
  timed.map(({ run }) => run),
  REPEATS,
);
const [rate, bareRate, stepRate] = timed.map(({ operations }, i) => operations / seconds[i] / 1e9);
for (const { dispose } of timed) await dispose();
say('matrix product 1024³, fp32', 'matmulGflops', rate, 'GFLOP/s');
say('the same, share of ONNX Runtime bare', 'matmulShareOfBare', rate / bareRate, '');
say('call of a graph, one input, one output', 'graphOverheadUs', await overhead(), 'µs');
say('64 × 512 gradient products of the MLP', 'perSampleProductsMs', await gradientProducts(), 'ms');
say(`step of a decoder of ${step.parameters} parameters`, 'decoderStepMs', seconds[2] * 1000, 'ms');
say('its share of the matrix rate', 'decoderTrainShare', stepRate / rate, '');
if (values.training !== 'none') {
  const args = values.training === 'short' ? ['--retrainings', '4', '--epochs', '5'] : [];
  const script = join(import.meta.dirname, 'training.ts');
  Object.assign(figures, figuresOf(process.execPath, [...process.execArgv, script, ...args]));
}
if (values.peers !== undefined) {
  figures.peers = figuresOf(values.peers, [join(import.meta.dirname, 'peers', 'engine.py')]);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
