import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { differentiate, GraphBuilder, interpret, multiply, reduceSum } from '../../src/graph/index.js';
import { differentiated, feedsOf, operatorCases } from '../graph/operators.js';

describe('ONNX Runtime agrees with the float64 interpreter', () => {
  const engine = cpuEngine();
  for (const operatorCase of operatorCases) {
    const { name, shapes } = operatorCase;
    it(`${name}: value and gradients`, async () => {
      const random = Random.named(3, name);
      const g = new GraphBuilder();
      const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
      const y = operatorCase.build(g, inputs);
      const scalar = reduceSum(
        g,
        multiply(g, y, y),
        y.shape.map((_, i) => i),
      );
      const wrt = differentiated(operatorCase).map((i) => inputs[i]);
      const gradients = differentiate(g, scalar, wrt);
      const graph = g.build({ y, ...Object.fromEntries(gradients.map((value, i) => [`g${i}`, value])) });
      const exactly = feedsOf(operatorCase, random);
      const feeds = Object.fromEntries(
        shapes.map((shape, i) => [`x${i}`, { shape, data: Float32Array.from(exactly[`x${i}`]) }]),
      );
      const program = await engine.compile(graph);
      const fast = await program.run(feeds);
      await program.dispose();
      const exact = interpret(graph, Object.fromEntries(Object.entries(feeds).map(([key, { data }]) => [key, data])));
      for (const output of Object.keys(exact)) {
        expect(fast[output].shape).toEqual(exact[output].shape);
        for (const [i, value] of exact[output].data.entries()) {
          expect(Math.abs(fast[output].data[i] - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
        }
      }
    });
  }

  it('names the input that is missing or misshapen', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3]);
    const program = await engine.compile(g.build({ y: multiply(g, x, x) }));
    await expect(program.run({})).rejects.toThrow(/"x" has the shape \[2,3\].*nothing/);
    await expect(program.run({ x: { shape: [3, 2], data: new Float32Array(6) } })).rejects.toThrow(/\[3,2\]/);
    await program.dispose();
  });
});
