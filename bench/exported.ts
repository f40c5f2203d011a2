/**
 * Whether exported graphs give the same numbers in another language: graphs of every kind we write (logits, factors of
 * per-sample gradients, whole training steps) are run here and by Python's onnxruntime on the same inputs, and the largest
 * relative difference is printed. The two link different builds of the runtime, so equal to rounding is what can be asked.
 *
 *   npx tsx bench/exported.ts --python "$(bash bench/peers/setup.sh)" [--json FILE]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuEngine, type Tensor } from '../src/engine/index.js';
import { Random } from '../src/foundation/index.js';
import { encodeOnnx, type Graph, sizeOf } from '../src/graph/index.js';
import {
  adamW,
  decoder,
  factorGraph,
  fastStepGraph,
  logitsGraph,
  type Model,
  mlp,
  type Optimiser,
  sgd,
} from '../src/models/index.js';

const { values } = parseArgs({ options: { python: { type: 'string' }, json: { type: 'string' } } });
if (values.python === undefined) {
  process.stderr.write('Give the Python that has onnxruntime: --python "$(bash bench/peers/setup.sh)".\n');
  process.exit(2);
}
const BATCH = 4;
const random = new Random(1);

/** Inputs of a model's graphs: initial weights, whole numbers below `classes` where ids stand, normal numbers elsewhere. */
function feedsOf(graph: Graph, model: Model, ids: readonly string[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { shape }] of graph.inputs) {
    const entry = (): number => {
      if (ids.includes(name)) return random.below(model.classes);
      return name === 'weights' || name === 'rates' ? 0.01 : random.normal();
    };
    const data = name === 'parameters' ? model.initialise(random) : Float32Array.from({ length: sizeOf(shape) }, entry);
    // an optimiser's state of a training that begins
    feeds[name] = { shape, data: name === 'state' ? data.fill(0) : data };
  }
  return feeds;
}

async function exportCase(folder: string, name: string, graph: Graph, feeds: Record<string, Tensor>): Promise<void> {
  const to = join(folder, name);
  mkdirSync(to);
  writeFileSync(join(to, 'model.onnx'), encodeOnnx(graph));
  const program = await cpuEngine().compile(graph);
  const results = await program.run(feeds);
  await program.dispose();
  const written = (tensors: Readonly<Record<string, Tensor>>, side: string) =>
    Object.entries(tensors).map(([tensor, { shape, data }], i) => {
      const file = `${side}${i}.f32`;
      writeFileSync(join(to, file), data);
      return { name: tensor, shape, file };
    });
  const tensors = { inputs: written(feeds, 'in'), outputs: written(results, 'out') };
  writeFileSync(join(to, 'tensors.json'), JSON.stringify(tensors));
}

const folder = mkdtempSync(join(tmpdir(), 'meed-exported-'));
try {
  const perceptron = mlp([784, 128, 64, 10]);
  const transformer = decoder({
    vocabulary: 64,
    context: 16,
    width: 32,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    hidden: 48,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'halves',
    feedForward: 'swiglu',
    head: 'untied',
    biased: [],
  });
  const cases: [string, Model, readonly string[], Optimiser][] = [
    ['mlp', perceptron, ['targets'], sgd({ momentum: 0.9 })],
    ['decoder', transformer, ['x', 'targets'], adamW()],
  ];
  for (const [name, model, ids, optimiser] of cases) {
    const graphs = {
      logits: logitsGraph(model, BATCH),
      factors: factorGraph(model, BATCH).graph,
      step: fastStepGraph(model, { batch: BATCH, optimiser, dropout: 0, seed: 1 }),
    };
    for (const [kind, graph] of Object.entries(graphs)) {
      await exportCase(folder, `${name}-${kind}`, graph, feedsOf(graph, model, ids));
    }
  }
  const script = join(import.meta.dirname, 'peers', 'exported.py');
  const json = values.json === undefined ? [] : ['--json', values.json];
  const { status } = spawnSync(values.python, [script, folder, ...json], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
