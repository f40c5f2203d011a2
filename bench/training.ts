/**
 * Training of the 784-128-64-10 perceptron at batch 64 with dropout .1, one thread: milliseconds of a step and of its
 * parts, and seconds of 100 half-subset retrainings of 50 epochs on 2,500 rows with two one-thread workers. Random pixels:
 * the time does not depend on them. Prints Markdown.
 *
 *   npx tsx bench/training.ts [--retrainings 100] [--epochs 50] [--json FILE]
 *
 * "floor": the five matrix products of the step, each alone in a graph of its own, call included.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuEngine } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import {
  add,
  differentiate,
  type Graph,
  GraphBuilder,
  gather,
  matmul,
  multiply,
  reduceSum,
  relu,
  reshape,
  type Shape,
  sizeOf,
  subtract,
  transpose,
  type Value,
} from '../src/graph/index.js';
import { fillDropoutMask, maskKey } from '../src/models/dropoutMasks.js';
import { openFastStep } from '../src/models/fastStep.js';
import { classLosses, mlp } from '../src/models/index.js';
import { sgd } from '../src/models/optimisers.js';
import type { FastState } from '../src/models/stepFeeds.js';
import { trainMany } from '../src/models/trainMany.js';
import { localPool } from '../src/work/index.js';

const { values } = parseArgs({
  options: {
    retrainings: { type: 'string', default: '100' },
    epochs: { type: 'string', default: '50' },
    json: { type: 'string' },
  },
});

const WIDTHS = [784, 128, 64, 10];
const [BATCH, ROWS, DROPOUT] = [64, 5000, 0.1];
const HIDDEN = WIDTHS[1] + WIDTHS[2];
const engine = cpuEngine();
const random = new Random(1);
const features = Float32Array.from({ length: ROWS * WIDTHS[0] }, () => random.normal() * 0.3);
const targets = Int32Array.from({ length: ROWS }, () => random.below(10));
const positions = random.permutation(ROWS).subarray(0, BATCH);

/** Best of several rounds: milliseconds of one call. */
async function milliseconds(calls: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const begun = performance.now();
    for (let i = 0; i < calls; i++) await call(i);
    best = Math.min(best, (performance.now() - begun) / calls);
  }
  return best;
}

const numbers = (shape: Shape) => ({
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * 0.1),
});

async function timeGraph(graph: Graph, calls: number, given: Readonly<Record<string, Float32Array>> = {}) {
  const program = await engine.compile(graph);
  const feeds = Object.fromEntries(
    [...graph.inputs].map(([name, { shape }]) => [name, given[name] ? { shape, data: given[name] } : numbers(shape)]),
  );
  const time = await milliseconds(calls, () => program.run(feeds));
  await program.dispose();
  return time;
}

async function floorOfProducts(): Promise<number> {
  let sum = 0;
  for (let l = 0; l < 3; l++) {
    const [fanIn, fanOut] = [WIDTHS[l], WIDTHS[l + 1]];
    const products: [Shape, Shape, 'plain' | 'left' | 'right'][] = [
      [[BATCH, fanIn], [fanIn, fanOut], 'plain'],
      [[BATCH, fanIn], [BATCH, fanOut], 'left'],
    ];
    if (l > 0) products.push([[BATCH, fanOut], [fanIn, fanOut], 'right']);
    for (const [a, b, turned] of products) {
      const g = new GraphBuilder();
      const [x, y] = [g.input('a', a), g.input('b', b)];
      const product = matmul(g, turned === 'left' ? transpose(g, x) : x, turned === 'right' ? transpose(g, y) : y);
      sum += await timeGraph(g.build({ product }), 200);
    }
  }
  return sum;
}

/** A step of `models` perceptrons with separate tensors; with one model there is no ensemble axis. */
function ensembleStep(models: number, rows: 'fed' | 'gathered'): Graph {
  const g = new GraphBuilder();
  const front = models === 1 ? [] : [models];
  const parameters: Value[] = [];
  const velocities: Value[] = [];
  for (let l = 0; l < 3; l++) {
    for (const [name, shape] of [
      ['w', [WIDTHS[l], WIDTHS[l + 1]]],
      ['b', [1, WIDTHS[l + 1]]],
    ] as const) {
      parameters.push(g.input(`${name}${l}`, [...front, ...shape]));
      velocities.push(g.input(`v${name}${l}`, [...front, ...shape]));
    }
  }
  const x =
    rows === 'fed'
      ? g.input('x', [...front, BATCH, WIDTHS[0]])
      : gather(g, g.constant(features, [ROWS, WIDTHS[0]]), g.input('rows', [...front, BATCH]), 0);
  let a = x;
  for (let l = 0; l < 3; l++) {
    if (l > 0) a = multiply(g, relu(g, a), g.input(`mask${l}`, [...front, BATCH, WIDTHS[l]]));
    a = add(g, matmul(g, a, parameters[2 * l]), parameters[2 * l + 1]);
  }
  const all = models * BATCH;
  const losses = classLosses(g, reshape(g, a, [all, 10]), g.input('targets', [all, 1]));
  const loss = reduceSum(g, multiply(g, losses, g.constant([1 / BATCH], [1])), [0]);
  const outputs: Record<string, Value> = { loss };
  for (const [i, gradient] of differentiate(g, loss, parameters).entries()) {
    const velocity = add(g, multiply(g, velocities[i], g.constant([0.9], [1])), gradient);
    outputs[`nv${i}`] = velocity;
    outputs[`np${i}`] = subtract(g, parameters[i], multiply(g, velocity, g.constant([0.01], [1])));
  }
  return g.build(outputs);
}

const idsOf = (models: number): Record<string, Float32Array> => {
  const repeated = Array.from({ length: models }, () => [...positions]).flat();
  return {
    rows: Float32Array.from(repeated),
    targets: Float32Array.from(repeated, (row) => targets[row]),
  };
};

const figures: Record<string, number> = {};
const say = (key: string, what: string, value: number, unit: string): void => {
  figures[key] = value;
  process.stdout.write(`| ${what} | ${value.toFixed(unit === 's' ? 1 : 3)} ${unit} |\n`);
};
process.stdout.write('| one thread, batch 64 | |\n|---|---|\n');

say('productFloorMs', 'floor: the matrix products alone', await floorOfProducts(), 'ms');
const mask = new Float32Array(BATCH * HIDDEN);
say(
  'maskMs',
  `${mask.length.toLocaleString('en')} dropout masks`,
  await milliseconds(500, async (i) => fillDropoutMask(mask, maskKey(1, i), DROPOUT)),
  'ms',
);
const model = mlp(WIDTHS);
const samples = { rows: ROWS, width: WIDTHS[0], features, targets };
for (const [key, dropout] of [
  ['mlpStepWithoutDropoutMs', 0],
  ['mlpStepMs', DROPOUT],
] as const) {
  const step = await openFastStep(engine, model, { batch: BATCH, optimiser: sgd({ momentum: 0.9 }), dropout, seed: 1 });
  let now: FastState = { parameters: model.initialise(new Random(2)), state: new Float32Array(model.parameterCount) };
  const time = await milliseconds(150, async (i) => {
    now = await step.run(now, samples, positions, { step: i, rate: 0.001 });
  });
  await step.dispose();
  say(key, `step, rows copied and masks made (dropout ${dropout})`, time, 'ms');
}
say('separateFedMs', 'separate tensors, rows fed', await timeGraph(ensembleStep(1, 'fed'), 150, idsOf(1)), 'ms');
say(
  'separateGatheredMs',
  'separate tensors, rows gathered in the graph',
  await timeGraph(ensembleStep(1, 'gathered'), 150, idsOf(1)),
  'ms',
);
for (const models of [4, 16]) {
  for (const [rows, what] of [
    ['fed', 'Fed'],
    ['gathered', 'Gathered'],
  ] as const) {
    const time = await timeGraph(ensembleStep(models, rows), Math.ceil(150 / models), idsOf(models));
    say(`ensemble${models}${what}Ms`, `ensemble axis of ${models}, rows ${rows}, per model`, time / models, 'ms');
  }
}

const [retrainings, epochs] = [Number(values.retrainings), Number(values.epochs)];
const members = Array.from({ length: retrainings }, (_, seed) => ({
  seed,
  rows: new Random(seed).permutation(ROWS).slice(0, ROWS / 2),
}));
const pool = localPool({ workers: 2 });
const begun = performance.now();
await trainMany(
  {
    model: mlp(WIDTHS).definition,
    features,
    targets,
    epochs,
    batch: BATCH,
    optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
    schedule: { name: 'constant', rate: 0.01 },
    dropout: DROPOUT,
  },
  members,
  { where: pool },
);
const seconds = (performance.now() - begun) / 1000;
await pool.close();
say(
  `retrain${retrainings}Seconds`,
  `${retrainings} retrainings of ${epochs} epochs on ${ROWS / 2} rows, two workers`,
  seconds,
  's',
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
