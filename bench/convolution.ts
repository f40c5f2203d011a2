/**
 * Convolution and pooling on the CPU, each beside other forms of the same result, in turns, so that other work on the
 * machine slows all of them: GFLOP/s of a convolution and its gradients for several shapes, with the forms of the filters'
 * gradient among which src/graph/ops/convFilters.ts chose, and milliseconds of max pooling's gradient with the masked form that
 * src/graph/ops/maxPool.ts replaces. What is differentiated is Σ y·dy, so dx and dw hold one multiplication of dy more.
 *
 *   npx tsx bench/convolution.ts [--threads 2] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuEngine } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import {
  argMax,
  conv,
  differentiate,
  equal,
  GraphBuilder,
  matmul,
  maxPool,
  multiply,
  pad,
  reduceSum,
  reshape,
  type Shape,
  sizeOf,
  slice,
  transpose,
  unfold,
  type Value,
} from '../src/graph/index.js';

const { values } = parseArgs({ options: { threads: { type: 'string', default: '2' }, json: { type: 'string' } } });
const SECONDS = 3;
const engine = cpuEngine({ threads: Number(values.threads) });
const random = Random.named(1, 'bench');

type Build = (g: GraphBuilder, inputs: readonly Value[]) => Value;

/** Seconds of one run of each form, the fastest of many, taken in turns. */
async function seconds<Form extends string>(
  shapes: readonly Shape[],
  forms: Readonly<Record<Form, Build>>,
): Promise<Record<Form, number>> {
  const feeds = shapes.map((shape) => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  }));
  const programs = [];
  for (const [name, build] of Object.entries<Build>(forms)) {
    const g = new GraphBuilder();
    const graph = g.build({
      result: build(
        g,
        shapes.map((shape, i) => g.input(`x${i}`, shape)),
      ),
    });
    const fed = Object.fromEntries([...graph.inputs.keys()].map((input) => [input, feeds[Number(input.slice(1))]]));
    programs.push({ name, fed, program: await engine.compile(graph), best: Number.POSITIVE_INFINITY });
  }
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) {
    for (const one of programs) {
      const start = performance.now();
      await one.program.run(one.fed);
      one.best = Math.min(one.best, performance.now() - start);
    }
  }
  for (const { program } of programs) await program.dispose();
  return Object.fromEntries(programs.map(({ name, best }) => [name, best / 1000])) as Record<Form, number>;
}

/** The gradient of Σ y·dy in one of the inputs. */
function gradientOf(g: GraphBuilder, y: Value, dy: Value, input: Value): Value {
  return differentiate(g, reduceSum(g, multiply(g, y, dy), [...y.shape.keys()]), [input])[0];
}

const SWAP = [1, 0, 2, 3];

/** The filters' gradient as a convolution whose channels are the samples, stride and dilation exchanged (here both 1). */
function asConvolution(g: GraphBuilder, x: Value, dy: Value, kernel: number, pads: readonly number[]): Value {
  const full = conv(g, transpose(g, x, SWAP), transpose(g, dy, SWAP), { pads });
  return transpose(g, slice(g, slice(g, full, 2, 0, kernel), 3, 0, kernel), SWAP);
}

/** The filters' gradient as one matrix product for each sample, then summed. */
function bySamples(g: GraphBuilder, x: Value, dy: Value, kernel: number, pads: readonly number[]): Value {
  const flat = reshape(g, dy, [dy.shape[0], dy.shape[1], dy.shape[2] * dy.shape[3]]);
  return reduceSum(g, matmul(g, flat, transpose(g, unfold(g, x, [kernel, kernel], { pads }))), [0]);
}

/** Max pooling's gradient by a mask over all taps of all windows. */
function masked(g: GraphBuilder, x: Value, dy: Value, side: number, stride: number, around: number): Value {
  const [n, channels, height, width] = x.shape;
  const padded = pad(g, x, [0, 0, around, around], [0, 0, around, around], -1e30);
  const kernel = [side, side];
  const positions = dy.shape[2] * dy.shape[3];
  const byTap = (y: Value): Value => reshape(g, y, [n, channels, side ** 2, positions]);
  const windows = unfold(g, padded, kernel, { strides: [stride, stride] });
  const taps = g.constant(
    Array.from({ length: side ** 2 }, (_, tap) => tap),
    [side ** 2, 1],
  );
  const mask = equal(g, argMax(g, byTap(windows), 2), taps);
  const taken = reshape(g, multiply(g, mask, reshape(g, dy, [n, channels, 1, positions])), windows.shape);
  const whole = gradientOf(g, windows, taken, padded);
  return slice(g, slice(g, whole, 2, around, around + height), 3, around, around + width);
}

const result: Record<string, number> = {};
console.log(`${'x × filters'.padEnd(32)} forward       dx       dw  dw by samples  as convolution`);
for (const [n, channels, side, filters, kernel] of [
  [64, 32, 16, 64, 3],
  [64, 3, 32, 32, 3],
  [64, 128, 4, 128, 3],
  [64, 1, 28, 6, 5],
  [64, 64, 8, 64, 1],
  [8, 64, 32, 64, 3],
]) {
  const around = (kernel - 1) / 2;
  const pads = [around, around, around, around];
  const shapes = [
    [n, channels, side, side],
    [filters, channels, kernel, kernel],
    [n, filters, side, side],
  ];
  const times = await seconds(shapes, {
    forward: (g, [x, w]) => conv(g, x, w, { pads }),
    dx: (g, [x, w, dy]) => gradientOf(g, conv(g, x, w, { pads }), dy, x),
    dw: (g, [x, w, dy]) => gradientOf(g, conv(g, x, w, { pads }), dy, w),
    dwBySamples: (g, [x, , dy]) => bySamples(g, x, dy, kernel, pads),
    dwAsConvolution: (g, [x, , dy]) => asConvolution(g, x, dy, kernel, pads),
  });
  const operations = 2 * n * filters * channels * kernel ** 2 * side ** 2;
  const name = `[${shapes[0]}] × [${filters}, ${kernel}×${kernel}]`;
  const rates = Object.entries(times).map(([form, time]): [string, number] => [form, operations / time / 1e9]);
  for (const [form, rate] of rates) result[`${name} ${form} GFLOP/s`] = rate;
  console.log(name.padEnd(32), ...rates.map(([, rate], i) => rate.toFixed(1).padStart([7, 8, 8, 14, 15][i])));
}
console.log(`\n${'pooling [64, 32, 16, 16], ms'.padEnd(32)} forward  gradient  masked  ratio`);
for (const [name, side, stride, around] of [
  ['2×2 tiles', 2, 2, 0],
  ['3×3, stride 1', 3, 1, 1],
  ['3×3, stride 2', 3, 2, 1],
] as const) {
  const out = Math.floor((16 + 2 * around - side) / stride) + 1;
  const shapes = [
    [64, 32, 16, 16],
    [64, 32, out, out],
  ];
  const options = { strides: [stride, stride], pads: [around, around, around, around] };
  const times = await seconds(shapes, {
    forward: (g, [x]) => maxPool(g, x, [side, side], options),
    gradient: (g, [x, dy]) => gradientOf(g, maxPool(g, x, [side, side], options), dy, x),
    masked: (g, [x, dy]) => masked(g, x, dy, side, stride, around),
  });
  const ratio = times.masked / times.gradient;
  for (const [form, time] of Object.entries(times)) result[`pooling ${name} ${form} ms`] = 1e3 * time;
  result[`pooling ${name} ratio`] = ratio;
  const cells = Object.values(times).map((time) => (1e3 * time).toFixed(2).padStart(8));
  console.log(name.padEnd(32), ...cells, ratio.toFixed(1).padStart(7));
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
