/**
 * MAGIC against retraining: one training of the 784-128-64-10 perceptron, whose weights begin as PyTorch's do, on the first
 * 5,000 MNIST digits, and the same training repeated (weights, order, masks and denominators unchanged) with 1%, 5%, 20%
 * and 50% of the samples at weight 0. LDS: Spearman's correlation over the subsets between the sum of the kept samples'
 * scores and −loss, averaged over queries, which are the first test digits; with 95% bootstrap intervals over queries and
 * subsets. Two protocols: GELU without dropout at rate .001, where the loss is a smooth function of the weights, and ReLU
 * with dropout .1 at rate .01, the field's. Prints Markdown.
 *
 *   npx tsx bench/magic.ts [--queries 500] [--subsets 32] [--epochs 50] [--workers 2] [--protocol gelu|relu-dropout] [--quick] [--json FILE]
 *
 * Retrainings and scores are kept in the cache folder and found again; "seconds a query" is measured apart on one thread,
 * over STEPS_TIMED steps. "floor": three steps forward and back for every step of the training.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mnistDigits } from '../datasets/mnist.js';
import { cpuEngine, encodeGraph } from '../src/engine/index.js';
import { cacheFolder, MeedError, Random, silent } from '../src/foundation/index.js';
import { drawSubsets, lds, masksOf } from '../src/influence/evaluation/index.js';
import { magic } from '../src/influence/magic/index.js';
import { openReplay } from '../src/influence/magic/replayedRun.js';
import {
  adjointStepGraph,
  type FastState,
  fastStepGraph,
  type Model,
  mlp,
  openOptimiser,
  type Recipe,
  type Samples,
  trainMany,
} from '../src/models/index.js';
import { localPool } from '../src/work/index.js';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '500' },
    subsets: { type: 'string', default: '32' },
    epochs: { type: 'string', default: '50' },
    workers: { type: 'string', default: '2' },
    protocol: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const QUICK = { queries: 8, subsets: 12, epochs: 8, workers: 1 };
const size = values.quick
  ? QUICK
  : {
      queries: Number(values.queries),
      subsets: Number(values.subsets),
      epochs: Number(values.epochs),
      workers: Number(values.workers),
    };

const TRAINED = 5000;
const SEED = 1;
const REMOVED = [0.01, 0.05, 0.2, 0.5];
const WIDTHS = [784, 128, 64, 10];
const SGD = { name: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
const STEPS_TIMED = 60;
const SHARED_BY = 8;

interface Protocol {
  readonly name: string;
  readonly model: Model;
  readonly recipe: Recipe;
}

const recipe = { epochs: size.epochs, batch: 64, optimiser: SGD } as const;
const known: readonly Protocol[] = [
  {
    name: 'gelu',
    model: mlp(WIDTHS, { activation: 'gelu', initialisation: 'uniform' }),
    recipe: { ...recipe, schedule: { name: 'constant', rate: 0.001 }, dropout: 0 },
  },
  {
    name: 'relu-dropout',
    model: mlp(WIDTHS, { initialisation: 'uniform' }),
    recipe: { ...recipe, schedule: { name: 'constant', rate: 0.01 }, dropout: 0.1 },
  },
];
const protocols = known.filter(({ name }) => values.protocol === undefined || values.protocol === name);
if (protocols.length === 0) {
  throw new MeedError(
    `There is no protocol ${values.protocol}`,
    `Choose of ${known.map(({ name }) => name).join(', ')}`,
  );
}

const digits = await mnistDigits({ train: TRAINED, test: size.queries }, { progress: silent });
const [samples, queries] = [digits.train, digits.test].map(
  ({ rows, width, features, labels }): Samples => ({ rows, width, features, targets: labels }),
);
const rows = Uint32Array.from({ length: TRAINED }, (_, row) => row);
const pool = localPool({ workers: size.workers });
const store = join(cacheFolder(), 'bench-magic');

/** Losses of the queries [subsets, queries] and the samples kept [subsets, samples]. */
async function truthOf({ model, recipe: given }: Protocol, removed: number) {
  const choice = { count: size.subsets, fraction: 1 - removed, seed: Math.round(1000 * removed) };
  const masks = masksOf(drawSubsets(TRAINED, choice), TRAINED);
  const members = Array.from({ length: size.subsets }, (_, k) => ({
    rows,
    seed: SEED,
    sampleWeights: masks.data.slice(k * TRAINED, (k + 1) * TRAINED),
  }));
  const shared = { ...given, model: model.definition, features: samples.features, targets: samples.targets };
  const trained = await trainMany({ ...shared, keep: [], queries }, members, { where: pool, store });
  const data = Float32Array.from(trained.flatMap(({ queryLosses }) => Array.from(queryLosses, (loss) => -loss)));
  return { masks, truth: { shape: [size.subsets, size.queries], data } };
}

/** Milliseconds of a step and of a step back, the median over some steps in the middle of a training. */
async function timesOf({ model, recipe: given }: Protocol) {
  const options = { ...given, optimiser: openOptimiser(given.optimiser), seed: SEED };
  const replay = await openReplay({
    stepProgram: encodeGraph(fastStepGraph(model, options)),
    adjointProgram: encodeGraph(adjointStepGraph(model, options)),
    recipe: given,
    seed: SEED,
    samples,
    rows,
    initial: model.initialise(Random.named(SEED, 'weights')),
    steps: STEPS_TIMED,
  });
  const [steps, backs]: number[][] = [[], []];
  let state: FastState = replay.initial;
  let adjoint: FastState = { parameters: state.parameters, state: new Float32Array(state.state.length) };
  for (let step = 0; step < STEPS_TIMED; step++) {
    const begun = performance.now();
    const next = await replay.advance(state, step);
    const between = performance.now();
    adjoint = await replay.adjoin(state, step, adjoint, () => {});
    steps.push(between - begun);
    backs.push(performance.now() - between);
    state = next;
  }
  await replay.dispose();
  const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1];
  return { step: median(steps), back: median(backs) };
}

const results = [];
try {
  for (const protocol of protocols) {
    const { model, recipe: given } = protocol;
    const shared = { ...given, model: model.definition, features: samples.features, targets: samples.targets };
    const [{ states, queryLosses }] = await trainMany({ ...shared, queries }, [{ rows, seed: SEED }], { store });
    const run = { recipe: given, seed: SEED, trained: states[0].parameters };
    const about = { name: 'magic', scale: 'loss', additivity: 'relative' } as const;
    const scorer = await magic(cpuEngine(), model, samples, run, about, { where: pool, store });
    const begun = performance.now();
    const scores = await scorer.score(queries, samples);
    const wallSeconds = (performance.now() - begun) / 1000;
    await scorer.dispose();
    const { step, back } = await timesOf(protocol);
    const total = given.epochs * Math.ceil(TRAINED / given.batch);
    const secondsAQuery = (total * (back + (2 * step) / SHARED_BY)) / 1000;
    const floorSeconds = (3 * total * step) / 1000;
    const measured = [];
    for (const removed of REMOVED) {
      const { value, low, high, dropped } = lds({ scores, ...(await truthOf(protocol, removed)) });
      measured.push({ removed, lds: value, low, high, dropped });
    }
    const meanLoss = queryLosses.reduce((sum, loss) => sum + loss, 0) / size.queries;
    results.push({
      protocol: protocol.name,
      steps: total,
      meanLoss,
      measured,
      wallSeconds,
      step,
      back,
      secondsAQuery,
      floorSeconds,
    });
  }
} finally {
  await pool.close();
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;
console.log(
  `MAGIC on one training: MNIST, ${TRAINED} samples, ${size.epochs} epochs, ${size.queries} queries, ${size.subsets} subsets of each size\n`,
);
console.log(`| protocol | ${REMOVED.map((removed) => `LDS, ${percent(removed)} removed`).join(' | ')} |`);
console.log(`|---|${REMOVED.map(() => '---').join('|')}|`);
for (const { protocol, measured } of results) {
  const cells = measured.map(
    ({ lds: value, low, high }) => `${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`,
  );
  console.log(`| ${protocol} | ${cells.join(' | ')} |`);
}
console.log('\n| protocol | steps | ms a step | ms a step back | seconds a query, one thread | floor |');
console.log('|---|---|---|---|---|---|');
for (const { protocol, steps, step, back, secondsAQuery, floorSeconds } of results) {
  const numbers = [steps, step.toFixed(2), back.toFixed(2), secondsAQuery.toFixed(1), floorSeconds.toFixed(1)];
  console.log(`| ${protocol} | ${numbers.join(' | ')} |`);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ ...size, results }, null, 2)}\n`);
