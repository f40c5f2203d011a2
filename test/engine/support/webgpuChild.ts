/** What test/engine/webgpu.test.ts asks of WebGPU, each answer a line of JSON, so that a crash loses only what follows it. */
import { writeSync } from 'node:fs';
import { openEngine } from '../../../src/engine/index.js';
import { messageOf } from '../../../src/foundation/index.js';
import { add, exp, GraphBuilder, matmul, multiply, reduceSum } from '../../../src/graph/index.js';
import { unaryOperator } from '../../../src/graph/ops/unary.js';
import { operatorCases } from '../../graph/operators.js';
import { checkCase } from './operatorCheck.js';
import { randomBroadcasts } from './randomBroadcasts.js';

/** Sign, which WebGPU has not. */
const SIGN = unaryOperator({
  name: 'Sign',
  compute: Math.sign,
  tfjs: (tf, x) => tf.sign(x),
  gradient: () => undefined,
});

function say(key: string, value: unknown): void {
  writeSync(1, `${JSON.stringify({ key, value })}\n`);
}

async function refusal(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return 'not refused';
  } catch (error) {
    return messageOf(error);
  }
}

const told: string[][] = [];
const engine = await openEngine({
  engine: 'onnxruntime',
  device: 'webgpu',
  threads: 1,
  strict: 'lenient',
  onHandedBack: (operators) => told.push([...operators]),
});
say('name', engine.name);
for (const operatorCase of [...operatorCases, ...randomBroadcasts()]) {
  say(
    `case ${operatorCase.name}`,
    await checkCase(engine, operatorCase).catch((error) => ({ failed: messageOf(error) })),
  );
}

{
  const g = new GraphBuilder();
  const x = g.input('x', [64]);
  const y = multiply(g, x, g.constant([0.999], [1]));
  const program = await engine.compile(g.build({ y, same: x, sum: reduceSum(g, y, [0]) }), { keep: ['y', 'same'] });
  let state = await engine.upload({ shape: [64], data: new Float32Array(64).fill(1) });
  const steps = 3000;
  const memory: number[] = [];
  let sum = 0;
  for (let step = 1; step <= steps; step++) {
    const { host, kept } = await program.runKeeping({ x: state });
    sum = host.sum.data[0];
    kept.same.dispose();
    state.dispose();
    state = kept.y;
    if (step % 1000 === 0) memory.push(process.memoryUsage().rss);
  }
  await program.dispose();
  say('feedback', { value: (await state.read()).data[0], sum, expected: 0.999 ** steps, memory });
  const { shape, data } = await state.read();
  const again = await engine.upload({ shape, data });
  state.dispose();
  say('read after dispose', await refusal(() => state.read()));
  say('shared memory outlives', (await again.read()).data[0] === data[0]);
  const h = new GraphBuilder();
  const square = await engine.compile(h.build({ z: multiply(h, h.input('x', [64]), h.input('x2', [64])) }));
  say('feed after dispose', await refusal(() => square.run({ x: state, x2: again })));
  const cpu = await openEngine({ engine: 'onnxruntime', device: 'cpu', threads: 1, strict: 'strict' });
  const onCpu = await cpu.compile(h.build({ z: exp(h, h.input('x3', [64])) }));
  say('fed to the CPU', await refusal(() => onCpu.run({ x3: again })));
}

{
  const g = new GraphBuilder();
  const twice = await engine.compile(g.build({ y: add(g, g.input('x', [8]), g.input('x2', [8])) }), { keep: ['y'] });
  const one = { shape: [8], data: new Float32Array(8).fill(1) };
  const { y } = (await twice.runKeeping({ x: one, x2: one })).kept;
  const h = new GraphBuilder();
  const z = h.input('z', [8]);
  const through = await engine.compile(h.build({ same: z, other: exp(h, z) }), { keep: ['same'] });
  const { same } = (await through.runKeeping({ z: y })).kept;
  await twice.dispose();
  y.dispose();
  await through.dispose();
  const survived = (await same.read()).data[0];
  same.dispose();
  say('outlives its program', survived);
}

{
  const g = new GraphBuilder();
  const x = g.input('x', [4]);
  const graph = g.build({ y: add(g, g.apply(SIGN, [add(g, x, x)]), x) });
  const program = await engine.compile(graph, { keep: ['y'] });
  const device = await engine.upload({ shape: [4], data: Float32Array.of(-2, 3, 0, 1) });
  const { kept } = await program.runKeeping({ x: device });
  say('handed back', { operators: program.handedBack, told, y: [...(await kept.y.read()).data] });
  const strict = await openEngine({ engine: 'onnxruntime', device: 'webgpu', threads: 1, strict: 'strict' });
  say('strict', await refusal(() => strict.compile(graph)));
  say('strict float64', await refusal(() => strict.compile(graph, { precision: 'float64' })));
  const wide = await engine.compile(graph, { precision: 'float64' });
  const { y } = await wide.run({ x: { shape: [4], data: Float64Array.of(-2, 3, 0, 1e-12) } });
  say('float64', { operators: wide.handedBack, y: [...y.data] });
}

{
  const g = new GraphBuilder();
  const program = await engine.compile(g.build({ c: matmul(g, g.input('a', [3, 70]), g.input('b', [70, 5])) }));
  say('misshapen', await refusal(() => program.run({ a: { shape: [70, 3], data: new Float32Array(210) } })));
  say('too short', await refusal(() => program.run({ a: { shape: [3, 70], data: new Float32Array(9) } })));
}
const auto = await openEngine({ engine: 'onnxruntime', device: 'auto', threads: 1, strict: 'lenient' });
say('auto', auto.device);
say('end', true);
