/** One graph for all samples against the same graph run for each sample apart, in float64: every operator and its gradient. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { differentiate, GraphBuilder, interpret, multiply, reduceSum, type Value } from '../../src/graph/index.js';
import { vectorise } from '../../src/graph/vectorise.js';
import { differentiated, feedsOf, operatorCases } from './operators.js';

const SAMPLES = 3;

describe('a computation for all samples at once is that for each', () => {
  it.each(operatorCases)('$name', (operatorCase) => {
    const random = Random.named(3, operatorCase.name);
    for (const k of differentiated(operatorCase)) {
      const g = new GraphBuilder();
      const inputs = operatorCase.shapes.map((shape, i) => g.input(`x${i}`, shape));
      const all = g.input('all', [SAMPLES, ...inputs[k].shape]);
      const y = operatorCase.build(g, inputs);
      const wrt = differentiated(operatorCase).map((i) => inputs[i]);
      const total = reduceSum(g, multiply(g, y, multiply(g, y, y)), [...y.shape.keys()]);
      const gradients = differentiate(g, total, wrt);
      const results = [y, ...gradients];
      const together = vectorise(g, inputs[k], all, results);
      const named = (values: readonly Value[]) => Object.fromEntries(values.map((value, i) => [`r${i}`, value]));
      const feeds = feedsOf(operatorCase, random);
      const each = Array.from({ length: SAMPLES }, () => feedsOf(operatorCase, random)[`x${k}`]);
      const stacked = Float64Array.from(each.flatMap((one) => [...one]));
      const actual = interpret(g.build(named(together)), { ...feeds, all: stacked });
      for (const [i, one] of each.entries()) {
        const expected = interpret(g.build(named(results)), { ...feeds, [`x${k}`]: one });
        for (const [name, { shape, data }] of Object.entries(expected)) {
          expect(actual[name].shape).toEqual([SAMPLES, ...shape]);
          const own = actual[name].data.subarray(i * data.length, (i + 1) * data.length);
          for (const [at, value] of data.entries()) expect(own[at]).toBeCloseTo(value, 9);
        }
      }
    }
  });

  it('and what does not depend on the sample is repeated', () => {
    const g = new GraphBuilder();
    const [x, c] = [g.input('x', [2]), g.input('c', [2])];
    const [repeated] = vectorise(g, x, g.input('all', [SAMPLES, 2]), [multiply(g, c, c)]);
    expect([...interpret(g.build({ repeated }), { c: [2, 3] }).repeated.data]).toEqual([4, 9, 4, 9, 4, 9]);
  });
});
