/**
 * The prover's arithmetic on BN254 beside ffjavascript's, in one run: nanoseconds of a product, points per second of
 * multi-scalar multiplications with random scalars and with scalars like a witness', what the curve's endomorphism makes
 * of them (the same sum with scalars not split, in turn), and beside each sum its floor: the products that it needs at
 * the time that a product took.
 *
 *   npx tsx bench/msm.ts [--quick] [--json FILE] [--sizes 12,13,14,15,16] [--threads 2] [--repeats 3] [--groups G1,G2]
 *
 * Like a witness: 40% zero, 30% one, 20% below 2¹⁶, 10% of full length. Both sides get the same points and scalars, and
 * their results must be equal. ffjavascript runs with its default threads, one a core. Times are medians; processor
 * seconds are of all threads, and tell what the work cost where other processes hold the cores.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildBn128, type Curve } from 'ffjavascript';
import { Random } from '../src/foundation/index.js';
import { WHOLE } from '../src/prover/fast/curveKernel.js';
import {
  type Arithmetic,
  BASE_FIELD,
  ELEMENT_BYTES,
  MultiScalar,
  openArithmetic,
  SCALAR_FIELD,
} from '../src/prover/fast/index.js';
import { cheapestDigits, sumProducts } from '../src/prover/fast/msmWidth.js';

const { values: given } = parseArgs({
  options: {
    json: { type: 'string' },
    sizes: { type: 'string', default: '12,13,14,15,16' },
    threads: { type: 'string', default: '2' },
    repeats: { type: 'string', default: '3' },
    groups: { type: 'string', default: 'G1,G2' },
    quick: { type: 'boolean', default: false },
  },
});
const logs = given.quick ? [8, 10] : given.sizes.split(',').map(Number);
const threads = Number(given.threads);
const repeats = given.quick ? 1 : Number(given.repeats);

/** Products and squares over Fq in one over Fq2, as products: three, and a square is two. */
const PRODUCTS_OF_DEGREE = { G1: 1, G2: 3 } as const;
const POINT_BYTES = { G1: 64, G2: 128 } as const;
const PRODUCT_COUNT = 4096;

interface SumRow {
  readonly group: 'G1' | 'G2';
  readonly scalars: 'random' | 'witness';
  readonly logPoints: number;
  readonly pointsPerSecond: number;
  readonly processorSeconds: number;
  /** The same sum with scalars not split. */
  readonly wholeSeconds: number;
  readonly wholeProcessorSeconds: number;
  readonly peerPointsPerSecond: number;
  readonly peerProcessorSeconds: number;
  /** Seconds that the products alone take on all threads. */
  readonly floorSeconds: number;
  readonly seconds: number;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

interface Timed {
  readonly result: Uint8Array;
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Runs both in turn, so that what else the machine does is in both. */
async function timedInTurn(works: readonly (() => Promise<Uint8Array>)[]): Promise<Timed[]> {
  const runs = works.map((): Timed[] => []);
  for (let run = 0; run < repeats; run++) {
    for (const [i, work] of works.entries()) {
      const before = process.cpuUsage();
      const start = performance.now();
      const result = await work();
      const seconds = (performance.now() - start) / 1e3;
      const { user, system } = process.cpuUsage(before);
      runs[i].push({ result, seconds, processorSeconds: (user + system) / 1e6 });
    }
  }
  return runs.map((of) => ({
    result: of[0].result,
    seconds: median(of.map(({ seconds }) => seconds)),
    processorSeconds: median(of.map(({ processorSeconds }) => processorSeconds)),
  }));
}

/** Nanoseconds of one call for each element, the best of many short runs: what other processes take is left out. */
function nanoseconds(call: () => void, elements: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < (given.quick ? 20 : 400); run++) {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6) / elements;
}

function products(arithmetic: Arithmetic, curve: Curve): Record<string, number> {
  const { kernel } = arithmetic;
  const mark = arithmetic.mark;
  const [a, b, out] = [0, 1, 2].map(() => arithmetic.allocate(PRODUCT_COUNT * ELEMENT_BYTES));
  arithmetic.bytes.set(scalarBytes('random', PRODUCT_COUNT, 1), a);
  arithmetic.bytes.set(scalarBytes('random', PRODUCT_COUNT, 2), b);
  const [left, right] = [1, 2].map((seed) => scalarBytes('random', 1, seed));
  const mul = (): void => {
    for (let i = 0; i < PRODUCT_COUNT; i++) curve.Fr.mul(left, right);
  };
  const figures = {
    multiply: nanoseconds(() => kernel.mulArray(BASE_FIELD, a, b, out, PRODUCT_COUNT), PRODUCT_COUNT),
    square: nanoseconds(() => kernel.squareArray(BASE_FIELD, a, out, PRODUCT_COUNT), PRODUCT_COUNT),
    scalarMultiply: nanoseconds(() => kernel.mulArray(SCALAR_FIELD, a, b, out, PRODUCT_COUNT), PRODUCT_COUNT),
    invert: nanoseconds(() => kernel.invertArray(BASE_FIELD, a, out, PRODUCT_COUNT), PRODUCT_COUNT),
    peerMultiply: nanoseconds(mul, PRODUCT_COUNT),
  };
  arithmetic.release(mark);
  return figures;
}

/** Integers below 2²⁵³, 32 bytes each. */
function scalarBytes(kind: SumRow['scalars'], count: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(count * ELEMENT_BYTES);
  for (let i = 0; i < count; i++) {
    const draw = kind === 'random' ? 1 : random.uniform();
    const length = draw < 0.4 ? 0 : draw < 0.7 ? 1 : draw < 0.9 ? 2 : ELEMENT_BYTES;
    for (let k = 0; k < length; k++) bytes[i * ELEMENT_BYTES + k] = random.below(256);
    if (length === 1) bytes[i * ELEMENT_BYTES] = 1;
    if (length === ELEMENT_BYTES) bytes[i * ELEMENT_BYTES + ELEMENT_BYTES - 1] &= 0x1f;
  }
  return bytes;
}

/** Distinct points: running sums of the generator. */
function pointBytes(curve: Curve, group: 'G1' | 'G2', count: number): Uint8Array {
  const { g, add, toAffine } = bound(curve[group]);
  const size = POINT_BYTES[group];
  const bytes = new Uint8Array(count * size);
  let point = g;
  for (let i = 0; i < count; i++) {
    bytes.set(toAffine(point).subarray(0, size), i * size);
    point = add(point, g);
  }
  return bytes;
}

function bound(group: Curve['G1'] | Curve['G2']) {
  return {
    g: group.g,
    add: (a: Uint8Array, b: Uint8Array) => group.add(a, b),
    toAffine: (a: Uint8Array) => group.toAffine(a),
  };
}

/** Products that a sum needs, by the model that chooses its digits. */
function productsOf(group: 'G1' | 'G2', scalars: Uint8Array): number {
  const count = scalars.length / ELEMENT_BYTES;
  let [long, present] = [0, 0];
  for (let i = 0; i < count; i++) {
    const at = scalars.subarray(i * ELEMENT_BYTES, (i + 1) * ELEMENT_BYTES);
    if (at.some((byte) => byte !== 0)) present++;
    if (at.subarray(8).some((byte) => byte !== 0)) long++;
  }
  return sumProducts(present, long, cheapestDigits(count, long, threads)) * PRODUCTS_OF_DEGREE[group];
}

const curve = await buildBn128(false);
const arithmetic = await openArithmetic({ threads });
try {
  const perProduct = products(arithmetic, curve);
  for (const [what, ns] of Object.entries(perProduct)) console.log(`${what}: ${ns.toFixed(1)} ns`);
  const most = 2 ** Math.max(...logs);
  const groups = (['G1', 'G2'] as const).filter((group) => given.groups.split(',').includes(group));
  const sizes = { g1: groups.includes('G1') ? most : 0, g2: groups.includes('G2') ? most : 0 };
  const split = new MultiScalar(arithmetic, sizes);
  const whole = new MultiScalar(arithmetic, { ...sizes, terms: WHOLE });
  const rows: SumRow[] = [];
  for (const group of groups) {
    const all = pointBytes(curve, group, most);
    for (const logPoints of logs) {
      const count = 2 ** logPoints;
      const bases = all.subarray(0, count * POINT_BYTES[group]);
      const mark = arithmetic.mark;
      const points = arithmetic.allocate(bases.length);
      const at = arithmetic.allocate(count * ELEMENT_BYTES);
      arithmetic.bytes.set(bases, points);
      arithmetic.kernel.fromKey(BASE_FIELD, points, points, bases.length / ELEMENT_BYTES);
      for (const kind of ['random', 'witness'] as const) {
        const scalars = scalarBytes(kind, count, 3);
        arithmetic.bytes.set(scalars, at);
        const sum = (by: MultiScalar) => (): Promise<Uint8Array> =>
          group === 'G1' ? by.g1(points, at, count) : by.g2(points, at, count);
        await sum(split)(); // the compiler's second tier
        const [ours, unsplit] = await timedInTurn([sum(split), sum(whole)]);
        const [peer] = await timedInTurn([() => curve[group].multiExpAffine(bases, scalars)]);
        const same = Buffer.from(curve[group].toAffine(peer.result)).equals(ours.result);
        if (!same || !Buffer.from(unsplit.result).equals(ours.result)) {
          throw new Error(`the sums of ${count} points on ${group} differ`);
        }
        const row: SumRow = {
          group,
          scalars: kind,
          logPoints,
          pointsPerSecond: count / ours.seconds,
          processorSeconds: ours.processorSeconds,
          wholeSeconds: unsplit.seconds,
          wholeProcessorSeconds: unsplit.processorSeconds,
          peerPointsPerSecond: count / peer.seconds,
          peerProcessorSeconds: peer.processorSeconds,
          floorSeconds: (productsOf(group, scalars) * perProduct.multiply) / 1e9 / threads,
          seconds: ours.seconds,
        };
        rows.push(row);
        console.log(
          `${group} 2^${logPoints} ${kind}: ${Math.round(row.pointsPerSecond)} points/s, ${row.seconds.toFixed(3)} s ` +
            `(processor ${row.processorSeconds.toFixed(3)} s, floor ${row.floorSeconds.toFixed(3)} s), ` +
            `not split ${row.wholeSeconds.toFixed(3)} s (processor ${row.wholeProcessorSeconds.toFixed(3)} s): ` +
            `${(row.wholeSeconds / row.seconds).toFixed(3)}× (processor ` +
            `${(row.wholeProcessorSeconds / row.processorSeconds).toFixed(3)}×), ffjavascript ` +
            `${Math.round(row.peerPointsPerSecond)} points/s ` +
            `(processor ${row.peerProcessorSeconds.toFixed(3)} s): ${(row.pointsPerSecond / row.peerPointsPerSecond).toFixed(2)}×`,
        );
      }
      arithmetic.release(mark);
    }
  }
  if (given.json)
    writeFileSync(given.json, `${JSON.stringify({ threads, nanoseconds: perProduct, sums: rows }, null, 2)}\n`);
} finally {
  await arithmetic.close();
  await curve.terminate();
}
