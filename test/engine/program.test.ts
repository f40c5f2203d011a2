import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { exp, GraphBuilder, matmul, multiply } from '../../src/graph/index.js';

const engine = cpuEngine();

describe('a compiled program', () => {
  it('is named by the library and its version', () => {
    expect(engine.name).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ cpu$/);
  });

  it('passes inputs and constants straight through, and gives one value under two names', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const y = exp(g, x);
    const program = await engine.compile(g.build({ same: x, y, again: y, c: g.constant([7], [1]) }));
    const result = await program.run({ x: { shape: [2], data: Float32Array.of(0, 1) } });
    await program.dispose();
    expect([...result.same.data]).toEqual([0, 1]);
    expect(result.again).toEqual(result.y);
    expect([...result.c.data]).toEqual([7]);
  });

  it('keeps its outputs when it runs again', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const program = await engine.compile(g.build({ y: multiply(g, x, x) }));
    const first = await program.run({ x: { shape: [2], data: Float32Array.of(2, 3) } });
    await program.run({ x: { shape: [2], data: Float32Array.of(5, 6) } });
    await program.dispose();
    expect([...first.y.data]).toEqual([4, 9]);
  });

  it('takes a view of a larger buffer', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const program = await engine.compile(g.build({ y: multiply(g, x, x) }));
    const { y } = await program.run({ x: { shape: [2], data: Float32Array.of(9, 2, 3, 9).subarray(1, 3) } });
    await program.dispose();
    expect([...y.data]).toEqual([4, 9]);
  });

  it('gives the same bits with one thread and with two', async () => {
    const random = new Random(5);
    const g = new GraphBuilder();
    const graph = g.build({ c: matmul(g, g.input('a', [64, 300]), g.input('b', [300, 50])) });
    const tensor = (shape: number[]) => ({
      shape,
      data: Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
    });
    const feeds = { a: tensor([64, 300]), b: tensor([300, 50]) };
    const [one, two] = await Promise.all(
      [1, 2].map(async (threads) => {
        const program = await cpuEngine({ threads }).compile(graph);
        const { c } = await program.run(feeds);
        await program.dispose();
        return c.data;
      }),
    );
    expect(one).toEqual(two);
  });
});
