/** What test/engine/webgpuModels.test.ts asks of a strict WebGPU, each answer a line of JSON. */
import { writeSync } from 'node:fs';
import { cpuEngine, type DeviceTensor, type Engine, openEngine, type Tensor } from '../../../src/engine/index.js';
import { messageOf, Random } from '../../../src/foundation/index.js';
import { interpret } from '../../../src/graph/index.js';
import { openFactors, openKernel } from '../../../src/influence/index.js';
import { mlp, train as trainModel } from '../../../src/models/index.js';
import { cloud, featuresOf, sampleGradient } from '../../models/tiny.js';
import { errorOfLargest } from './errorOfLargest.js';
import { type ModelGraph, modelGraphs, smallModels } from './smallModels.js';

function say(key: string, value: unknown): void {
  writeSync(1, `${JSON.stringify({ key, value })}\n`);
}

function tensors({ graph, feeds }: ModelGraph): Record<string, Tensor> {
  return Object.fromEntries([...graph.inputs].map(([name, { shape }]) => [name, { shape, data: feeds[name] }]));
}

async function checked(engine: Engine, one: ModelGraph): Promise<unknown> {
  const program = await engine.compile(one.graph);
  const error = errorOfLargest(await program.run(tensors(one)), interpret(one.graph, one.feeds));
  await program.dispose();
  return { error };
}

/** Steps that are each fed the last one's results, which stay on the device or come to the host. */
async function train(engine: Engine, one: ModelGraph, steps: number, where: 'device' | 'host'): Promise<unknown> {
  const program = await engine.compile(one.graph, { keep: ['nextParameters', 'nextState'] });
  const feeds = tensors(one);
  let [parameters, state] = await Promise.all([engine.upload(feeds.parameters), engine.upload(feeds.state)]);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { host, kept } = await program.runKeeping({ ...feeds, parameters, state });
    losses.push(host.loss.data[0]);
    parameters.dispose();
    state.dispose();
    const settled = async (tensor: DeviceTensor): Promise<DeviceTensor> => {
      if (where === 'device') return tensor;
      const copy = await engine.upload(await tensor.read());
      tensor.dispose();
      return copy;
    };
    [parameters, state] = [await settled(kept.nextParameters), await settled(kept.nextState)];
  }
  const devices = [parameters.device, state.device];
  const weights = [...(await parameters.read()).data];
  parameters.dispose();
  state.dispose();
  await program.dispose();
  return { losses, devices, weights };
}

const engine = await openEngine({ engine: 'onnxruntime', device: 'webgpu', threads: 1, strict: 'strict' });
const all = smallModels.flatMap(modelGraphs);
for (const one of all) say(one.name, await checked(engine, one).catch((error) => ({ failed: messageOf(error) })));

const trained = all.find(({ name }) => name === 'conv net: step of AdamW');
if (!trained) throw new Error('no training step to repeat');
for (const where of ['device', 'host'] as const) say(`trained ${where}`, await train(engine, trained, 6, where));
{
  let { parameters, state } = trained.feeds as Record<string, ArrayLike<number>>;
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) {
    const exact = interpret(trained.graph, { ...trained.feeds, parameters, state });
    losses.push(exact.loss.data[0]);
    [parameters, state] = [exact.nextParameters.data, exact.nextState.data];
  }
  say('trained exactly', { losses, weights: [...Array.from(parameters)] });
}

{
  const widths = [5, 7, 3];
  const model = mlp(widths);
  const parameters = model.initialise(Random.named(2, 'kernel'));
  const [left, right] = [cloud(3, 5, 3, 1), cloud(6, 5, 3, 2)];
  const source = await openFactors(engine, model);
  const kernel = openKernel(engine);
  const total = { shape: [3, 6], data: new Float32Array(18) };
  const [a, b] = [await source.factors(parameters, left), await source.factors(parameters, right)];
  const { data } = await kernel.accumulate(total, 0.5, a, b);
  const gradients = [left, right].map((samples) =>
    Array.from(
      { length: samples.rows },
      (_, i) => sampleGradient(widths, parameters, featuresOf(samples, i), samples.targets[i]).gradient,
    ),
  );
  const exact = gradients[0].flatMap((u) => gradients[1].map((v) => 0.5 * u.reduce((sum, x, p) => sum + x * v[p], 0)));
  say('kernel', errorOfLargest({ k: { data } }, { k: { data: exact } }));
  await kernel.dispose();
  await source.dispose();
}
{
  const model = mlp([5, 7, 3]);
  const options = { epochs: 2, batch: 4, learningRate: 0.05, momentum: 0.9, seed: 1 };
  const [here, there] = [cpuEngine(), engine].map((one) => trainModel(one, model, cloud(10, 5, 3, 4), options));
  const ends = [await here, await there].map(({ states }) =>
    states.map(({ parameters, velocity }) => [...parameters, ...velocity]),
  );
  say('training', errorOfLargest({ w: { data: Float32Array.from(ends[1].flat()) } }, { w: { data: ends[0].flat() } }));
}
say('end', true);
