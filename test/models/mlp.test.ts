/** The perceptron's choices: what it begins with, and the nonlinearity between its layers. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { interpret } from '../../src/graph/index.js';
import { linear, logitsGraph, mlp } from '../../src/models/index.js';

/** Φ(z) by Simpson's rule from 0. */
function normalDistribution(z: number): number {
  const steps = 200;
  const density = (t: number): number => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(z);
  for (let k = 1; k < steps; k++) sum += (k % 2 === 1 ? 4 : 2) * density((z * k) / steps);
  return 0.5 + (sum * z) / (3 * steps);
}

describe('the beginning', () => {
  const widths = [400, 100, 10];

  it('is uniform within one over the root of the inputs, biases too', () => {
    const model = mlp(widths, { initialisation: 'uniform' });
    const flat = model.initialise(new Random(1));
    for (const [p, { offset, shape }] of model.parameters.entries()) {
      const bound = 1 / Math.sqrt(widths[Math.floor(p / 2)]);
      const size = shape.reduce((a, b) => a * b, 1);
      const part = flat.subarray(offset, offset + size);
      expect(Math.max(...part.map(Math.abs))).toBeLessThanOrEqual(bound);
      expect(Math.max(...part.map(Math.abs))).toBeGreaterThan(0.7 * bound);
      if (size < 1000) continue;
      const square = part.reduce((sum, x) => sum + x * x, 0) / size;
      expect(square / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    }
  });

  it("is He's otherwise: twice over the inputs is the variance, biases are zero", () => {
    const model = mlp(widths);
    const flat = model.initialise(new Random(1));
    const first = flat.subarray(0, 400 * 100);
    expect(first.reduce((sum, x) => sum + x * x, 0) / first.length / (2 / 400)).toBeCloseTo(1, 1);
    expect(flat.subarray(400 * 100, 400 * 100 + 100).every((x) => x === 0)).toBe(true);
  });

  it('is the same for a linear model as for a perceptron without hidden layers', () => {
    const of = (model: ReturnType<typeof mlp>) => model.initialise(new Random(7));
    expect(of(linear(6, 3, { initialisation: 'uniform' }))).toEqual(of(mlp([6, 3], { initialisation: 'uniform' })));
    expect(of(linear(6, 3))).not.toEqual(of(linear(6, 3, { initialisation: 'uniform' })));
  });
});

describe('between the layers', () => {
  it('stands z·Φ(z) where GELU is asked for', () => {
    const model = mlp([3, 4, 2], { activation: 'gelu', initialisation: 'uniform' });
    const w = model.initialise(new Random(2));
    const x = [0.5, -2, 1.5];
    const { logits } = interpret(logitsGraph(model, 1), { parameters: w, x: Float64Array.from(x) });
    const hidden = [0, 1, 2, 3].map((o) => {
      const z = x.reduce((sum, value, i) => sum + value * w[i * 4 + o], w[12 + o]);
      return z * normalDistribution(z);
    });
    for (const o of [0, 1]) {
      const expected = hidden.reduce((sum, h, i) => sum + h * w[16 + i * 2 + o], w[24 + o]);
      expect(logits.data[o]).toBeCloseTo(expected, 8);
    }
  });
});
