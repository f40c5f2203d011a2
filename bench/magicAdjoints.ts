/**
 * How adjoints of several outputs are best taken back through one training step: one after the other (what
 * src/influence/magic does), several in one graph that share its forward pass, or on a leading axis. Milliseconds for each
 * adjoint, the least of some calls, for the 784-128-64-10 perceptron with GELU at batch 64, SGD with momentum, one thread;
 * and of the step forward. Random numbers: the time does not depend on them. Prints Markdown.
 *
 *   npx tsx bench/magicAdjoints.ts [--calls 100] [--quick] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuEngine, type Tensor } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import {
  add,
  differentiate,
  type Graph,
  GraphBuilder,
  multiply,
  reduceSum,
  sizeOf,
  slice,
  type Value,
} from '../src/graph/index.js';
import { vectorise } from '../src/graph/vectorise.js';
import { batchLoss } from '../src/models/fastStep.js';
import { adjointStepGraph, fastStepGraph, mlp, sgd } from '../src/models/index.js';
import { flattened, stateInput, step, unpack } from '../src/models/trainingGraphs.js';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const CALLS = values.quick ? 5 : Number(values.calls);
const COUNTS = values.quick ? [2] : [2, 4, 8];

const model = mlp([784, 128, 64, 10], { activation: 'gelu' });
const options = { batch: 64, optimiser: sgd({ momentum: 0.9 }), dropout: 0, seed: 1 };
const P = model.parameterCount;

/** The step and what its adjoint is made of. */
function begin() {
  const g = new GraphBuilder();
  const parameters = unpack(g, model, g.input('parameters', [P]));
  const { loss, weights } = batchLoss(g, model, parameters, options);
  const gradient = flattened(g, differentiate(g, loss, parameters));
  const carried = g.input('carried', [P]);
  const state = stateInput(g, model, options.optimiser);
  const next = step(g, carried, state, gradient, options.optimiser, undefined);
  const back = (parametersAdjoint: Value, stateAdjoint: Value) => {
    const along = (value: Value, adjoint: Value) => reduceSum(g, multiply(g, value, adjoint), [0]);
    const scalar = add(g, along(next.nextParameters, parametersAdjoint), along(next.nextState, stateAdjoint));
    const [moved, beforeState, beforeWeights, ...parts] = differentiate(g, scalar, [
      carried,
      state,
      weights,
      ...parameters,
    ]);
    return [add(g, moved, flattened(g, parts)), beforeState, beforeWeights];
  };
  return { g, back };
}

function sharing(count: number): Graph {
  const { g, back } = begin();
  const outputs: Record<string, Value> = {};
  for (let c = 0; c < count; c++) {
    const given = back(g.input(`adjointParameters${c}`, [P]), g.input(`adjointState${c}`, [P]));
    for (const [i, value] of given.entries()) outputs[`before${c}_${i}`] = value;
  }
  return g.build(outputs);
}

function leadingAxis(count: number): Graph {
  const { g, back } = begin();
  const one = g.input('one', [2 * P]);
  const given = back(slice(g, one, 0, 0, P), slice(g, one, 0, P, 2 * P));
  const all = vectorise(g, one, g.input('adjoints', [count, 2 * P]), given);
  return g.build(Object.fromEntries(all.map((value, i) => [`before${i}`, value])));
}

const random = new Random(1);

function fed({ inputs }: Graph): Record<string, Tensor> {
  const feed = (name: string, size: number): Float32Array => {
    if (name === 'targets') return Float32Array.from({ length: size }, () => random.below(10));
    if (name === 'weights') return new Float32Array(size).fill(1 / options.batch);
    if (name === 'rates') return Float32Array.of(0.001);
    return Float32Array.from({ length: size }, () => 0.05 * random.normal());
  };
  return Object.fromEntries([...inputs].map(([name, { shape }]) => [name, { shape, data: feed(name, sizeOf(shape)) }]));
}

async function least(graph: Graph, count: number): Promise<number> {
  const program = await cpuEngine().compile(graph);
  const feeds = fed(graph);
  let best = Number.POSITIVE_INFINITY;
  for (let call = 0; call < CALLS; call++) {
    const begun = performance.now();
    await program.run(feeds);
    best = Math.min(best, performance.now() - begun);
  }
  await program.dispose();
  return best / count;
}

const rows: { name: string; milliseconds: number }[] = [
  { name: 'a step forward', milliseconds: await least(fastStepGraph(model, options), 1) },
  { name: 'one adjoint', milliseconds: await least(adjointStepGraph(model, options), 1) },
];
for (const count of COUNTS) {
  rows.push({ name: `each of ${count} in one graph`, milliseconds: await least(sharing(count), count) });
  rows.push({ name: `each of ${count} on a leading axis`, milliseconds: await least(leadingAxis(count), count) });
}
console.log('| | ms |\n|---|---|');
for (const { name, milliseconds } of rows) console.log(`| ${name} | ${milliseconds.toFixed(2)} |`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
