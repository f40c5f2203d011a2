/**
 * What each device of this machine is and how fast it multiplies. The product is checked by Freivalds' test (C·r against
 * A·(B·r) in float64, for a random ±1 vector r), so a device that is fast and wrong is not praised.
 * The trap: a device returns before it has computed, so what is timed ends with a number that is read on the host.
 */
import { availableParallelism, totalmem } from 'node:os';
import { MeedError, Random } from '../foundation/index.js';
import { GraphBuilder, matmul, reduceSum } from '../graph/index.js';
import { type Adapter, webgpuAdapter } from './adapter.js';
import type { DeviceKind, Engine } from './engine.js';
import { cudaAdapter } from './nvidia.js';
import { openEngine } from './open.js';

export interface DeviceReport {
  /** The engine's name where it could be opened, else the device's. */
  readonly name: string;
  readonly adapter?: Adapter;
  /** Memory that programs may fill; absent where it cannot be known. */
  readonly memoryBytes?: number;
  /** 10⁹ operations a second of a product of PRODUCT × PRODUCT matrices, fp32. */
  readonly gflops?: number;
  /** What is missing and how to get it. */
  readonly missing?: string;
}

export const PRODUCT = 1024;
const RUNS = 5;
/** Software Vulkan takes seconds a product: no more of them than this. */
const ENOUGH_MS = 2000;
/** Of Σ|a||b|. Float32 sums of this length stay below it whatever their order, half precision and TF32 do not. */
export const TOLERANCE = 2 ** -20;

/** Never throws what a person can act on: it is in the report. */
export async function probeDevice(device: DeviceKind): Promise<DeviceReport> {
  return report(device, async () => ({
    engine: await openEngine({ engine: 'onnxruntime', device, threads: availableParallelism(), strict: 'strict' }),
    ...(await descriptionOf(device)),
  }));
}

/** The same of TensorFlow.js, on whatever device its installed package has. */
export async function probeTfjs(): Promise<DeviceReport> {
  return report('tfjs', async () => {
    const engine = await openEngine({ engine: 'tfjs', device: 'auto', threads: 1, strict: 'strict' });
    return { engine, ...(await descriptionOf(engine.device)) };
  });
}

type Description = Pick<DeviceReport, 'adapter' | 'memoryBytes'>;

async function report(name: string, open: () => Promise<{ engine: Engine } & Description>): Promise<DeviceReport> {
  try {
    const { engine, ...description } = await open();
    return { name: engine.name, ...description, gflops: await measureProduct(engine) };
  } catch (error) {
    if (error instanceof MeedError) return { name, missing: error.message };
    throw error;
  }
}

async function descriptionOf(device: DeviceKind): Promise<Description> {
  if (device === 'cpu') return { memoryBytes: hostMemory() };
  const gpu = await cudaAdapter();
  if (device === 'cuda') return { adapter: gpu, memoryBytes: gpu?.memoryBytes };
  const adapter = await webgpuAdapter();
  if (adapter?.kind === 'software') return { adapter, memoryBytes: hostMemory() };
  return { adapter, memoryBytes: adapter?.name.includes('NVIDIA') ? gpu?.memoryBytes : undefined };
}

/** What the machine has, or less where the container allows less. */
function hostMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/**
 * Best of a few products, after one that is checked.
 * @returns GFLOP/s
 * @throws MeedError when the product is wrong
 */
export async function measureProduct(engine: Engine): Promise<number> {
  const random = Random.named(1, 'product');
  const shape = [PRODUCT, PRODUCT];
  const matrix = () => ({
    shape,
    data: Float32Array.from({ length: PRODUCT * PRODUCT }, () => random.uniform() - 0.5),
  });
  const [a, b] = [matrix(), matrix()];
  const g = new GraphBuilder();
  const c = matmul(g, g.input('a', shape), g.input('b', shape));
  const program = await engine.compile(g.build({ c, sum: reduceSum(g, c, [0, 1]) }), { keep: ['c'] });
  const fed = { a: await engine.upload(a), b: await engine.upload(b) };
  const first = await program.runKeeping(fed);
  const product = await first.kept.c.read();
  first.kept.c.dispose();
  const error = productError(a.data, b.data, product.data, random);
  if (!(error <= TOLERANCE)) {
    throw new MeedError(
      `${engine.name} multiplies wrongly: a product is off by ${error.toExponential(1)} of its terms' magnitudes`,
      'Do not use this device; update its driver',
    );
  }
  let best = Number.POSITIVE_INFINITY;
  const begun = performance.now();
  for (let run = 0; run < RUNS && performance.now() - begun < ENOUGH_MS; run++) {
    const start = performance.now();
    const { kept } = await program.runKeeping(fed);
    best = Math.min(best, performance.now() - start);
    kept.c.dispose();
  }
  for (const tensor of [fed.a, fed.b]) tensor.dispose();
  await program.dispose();
  return (2 * PRODUCT ** 3) / (best * 1e6);
}

/**
 * How far c is from a·b along a random direction, relative to what rounding could explain: the sum of the magnitudes.
 * @param a, b, c PRODUCT × PRODUCT, row-major
 */
export function productError(a: Float32Array, b: Float32Array, c: Float32Array, random: Random): number {
  const signs = Float64Array.from({ length: PRODUCT }, () => (random.uniform() < 0.5 ? -1 : 1));
  const expected = timesVector(a, timesVector(b, signs));
  const actual = timesVector(c, signs);
  const ones = new Float64Array(PRODUCT).fill(1);
  const scale = timesVector(a.map(Math.abs), timesVector(b.map(Math.abs), ones));
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]) / scale[i]));
}

/** A square matrix times a vector, in float64. */
function timesVector(matrix: Float32Array, vector: Float64Array): Float64Array {
  return Float64Array.from({ length: PRODUCT }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < PRODUCT; j++) sum += matrix[i * PRODUCT + j] * vector[j];
    return sum;
  });
}
