/**
 * GFLOP/s of a convolution and its two gradients on the CPU, and of pooling's in milliseconds: [64, 32, 16, 16] with 64
 * filters of 3×3. The filters' gradient is measured in both its forms, which is what src/graph/ops/convFilters.ts chose by.
 *
 *   npx tsx bench/convolution.ts [--threads 2] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuEngine } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import {
  conv,
  differentiate,
  GraphBuilder,
  matmul,
  maxPool,
  multiply,
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
const [N, C, SIDE, FILTERS, KERNEL] = [64, 32, 16, 64, 3];
const SECONDS = 2;
const PADDED = { pads: [1, 1, 1, 1] };
/** Multiplications and additions of one product; each gradient has as many. */
const OPERATIONS = 2 * N * FILTERS * C * KERNEL ** 2 * SIDE ** 2;

const engine = cpuEngine({ threads: Number(values.threads) });
const random = Random.named(1, 'bench');
const X: Shape = [N, C, SIDE, SIDE];
const W: Shape = [FILTERS, C, KERNEL, KERNEL];
const DY: Shape = [N, FILTERS, SIDE, SIDE];

/** Seconds of one run, the fastest of many. */
async function seconds(shapes: Readonly<Record<string, Shape>>, build: (g: GraphBuilder, v: Value[]) => Value) {
  const g = new GraphBuilder();
  const inputs = Object.entries(shapes).map(([name, shape]) => g.input(name, shape));
  const program = await engine.compile(g.build({ result: build(g, inputs) }));
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()) },
    ]),
  );
  let best = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) {
    const start = performance.now();
    await program.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  await program.dispose();
  return best / 1000;
}

/** The gradient of Σ y·dy in one of the inputs. */
function gradientOf(g: GraphBuilder, y: Value, dy: Value, input: Value): Value {
  return differentiate(g, reduceSum(g, multiply(g, y, dy), [...y.shape.keys()]), [input])[0];
}

/** The filters' gradient as a convolution whose channels are the samples, stride and dilation exchanged (here both 1). */
function asConvolution(g: GraphBuilder, x: Value, dy: Value): Value {
  const swap = [1, 0, 2, 3];
  const full = conv(g, transpose(g, x, swap), transpose(g, dy, swap), PADDED);
  return transpose(g, slice(g, slice(g, full, 2, 0, KERNEL), 3, 0, KERNEL), swap);
}

/** The filters' gradient as one matrix product for each sample, then summed. */
function bySamples(g: GraphBuilder, x: Value, dy: Value): Value {
  const flat = reshape(g, dy, [N, FILTERS, SIDE ** 2]);
  return reduceSum(g, matmul(g, flat, transpose(g, unfold(g, x, [KERNEL, KERNEL], PADDED))), [0]);
}

const convolutions = {
  forward: await seconds({ x: X, w: W }, (g, [x, w]) => conv(g, x, w, PADDED)),
  dx: await seconds({ x: X, w: W, dy: DY }, (g, [x, w, dy]) => gradientOf(g, conv(g, x, w, PADDED), dy, x)),
  dw: await seconds({ x: X, w: W, dy: DY }, (g, [x, w, dy]) => gradientOf(g, conv(g, x, w, PADDED), dy, w)),
  dwAsConvolution: await seconds({ x: X, dy: DY }, (g, [x, dy]) => asConvolution(g, x, dy)),
  dwBySamples: await seconds({ x: X, dy: DY }, (g, [x, dy]) => bySamples(g, x, dy)),
};
const pools = { tiles: { strides: [2, 2] }, overlapping: { strides: [1, 1], ...PADDED } };
const side = { tiles: 2, overlapping: 3 };
const result: Record<string, number> = {};
for (const [name, time] of Object.entries(convolutions)) result[`${name}Gflops`] = OPERATIONS / time / 1e9;
for (const name of ['tiles', 'overlapping'] as const) {
  const kernel = [side[name], side[name]];
  result[`${name}PoolMs`] = 1e3 * (await seconds({ x: X }, (g, [x]) => maxPool(g, x, kernel, pools[name])));
  result[`${name}PoolGradientMs`] =
    1e3 *
    (await seconds({ x: X }, (g, [x]) => {
      const y = maxPool(g, x, kernel, pools[name]);
      return differentiate(g, reduceSum(g, multiply(g, y, y), [0, 1, 2, 3]), [x])[0];
    }));
}
for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(28)} ${value.toFixed(2)}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
