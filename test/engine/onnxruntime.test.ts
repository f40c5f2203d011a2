import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { GraphBuilder, multiply } from '../../src/graph/index.js';
import { operatorCases } from '../graph/operators.js';
import { checkCase } from './support/operatorCheck.js';

describe('ONNX Runtime agrees with the float64 interpreter', () => {
  const engine = cpuEngine();
  for (const operatorCase of operatorCases) {
    it(`${operatorCase.name}: value and gradients`, async () => {
      expect((await checkCase(engine, operatorCase)).error).toBeLessThan(1e-5);
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
