import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.js';
import { add, exp, GraphBuilder, matmul, multiply, reduceSum, reshape } from '../../src/graph/index.js';
import { operatorCases } from '../graph/operators.js';
import { checkCase } from './support/operatorCheck.js';
import { randomBroadcasts } from './support/randomBroadcasts.js';

const engine = await openEngine({ engine: 'tfjs', device: 'cpu', threads: 1, strict: 'strict' });

describe('TensorFlow.js agrees with the float64 interpreter', () => {
  for (const operatorCase of [...operatorCases, ...randomBroadcasts()]) {
    it(`${operatorCase.name}: value and gradients`, async () => {
      const before = tf.memory().numTensors;
      expect((await checkCase(engine, operatorCase)).error).toBeLessThan(2e-5);
      expect(tf.memory().numTensors).toBe(before);
    });
  }
});

describe('a program of TensorFlow.js', () => {
  it('names the package, its version and its backend', () => {
    expect(engine.name).toMatch(/^tfjs(-node)? \d+\.\d+\.\d+ cpu \(\w+\)$/);
    expect(engine.device).toBe('cpu');
  });

  it('feeds kept outputs back and holds no tensor more after each step', async () => {
    const before = tf.memory().numTensors;
    const g = new GraphBuilder();
    const x = g.input('x', [3, 2]);
    const y = multiply(g, x, g.constant([2], [1]));
    const program = await engine.compile(g.build({ y, same: x, flat: reshape(g, y, [6]), sum: reduceSum(g, y, [0]) }), {
      keep: ['y', 'same', 'flat'],
    });
    let state = await engine.upload({ shape: [3, 2], data: new Float32Array(6).fill(1) });
    const counts = new Set<number>();
    let last: Float32Array = new Float32Array();
    for (let step = 0; step < 10; step++) {
      const { host, kept } = await program.runKeeping({ x: state });
      kept.same.dispose();
      kept.flat.dispose();
      state.dispose();
      state = kept.y;
      last = host.sum.data;
      counts.add(tf.memory().numTensors);
    }
    expect([...last]).toEqual([3 * 1024, 3 * 1024]);
    expect([...(await state.read()).data]).toEqual(new Array(6).fill(1024));
    expect(counts.size).toBe(1);
    state.dispose();
    await program.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(state.read()).rejects.toThrow(/disposed of and is used again/);
    await expect(program.run({ x: state })).rejects.toThrow(/disposed of/);
  });

  it('frees what it computed when an operator fails', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const program = await engine.compile(g.build({ y: exp(g, add(g, x, x)) }));
    const before = tf.memory().numTensors;
    await expect(program.run({})).rejects.toThrow(/"x" has the shape \[2\].*nothing/);
    await expect(program.run({ x: { shape: [2], data: new Float32Array(3) } })).rejects.toThrow(/given 3 numbers/);
    expect(tf.memory().numTensors).toBe(before);
    await program.dispose();
  });

  it('refuses float64 and outputs that are not there', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ c: matmul(g, g.input('a', [2, 2]), g.input('b', [2, 2])) });
    await expect(engine.compile(graph, { precision: 'float64' })).rejects.toThrow(/no float64.*--engine onnxruntime/);
    await expect(engine.upload({ shape: [1], data: new Float64Array(1) } as never)).rejects.toThrow(/no float64/);
    await expect(engine.compile(graph, { keep: ['d' as 'c'] })).rejects.toThrow(/no output "d"/);
  });

  it('refuses devices that it has not', async () => {
    const options = { engine: 'tfjs', threads: 1, strict: 'strict' } as const;
    await expect(openEngine({ ...options, device: 'webgpu' })).rejects.toThrow(
      /no device webgpu.*--engine onnxruntime/,
    );
  });
});
