import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  differentiate,
  GraphBuilder,
  interpret,
  multiply,
  reduceSum,
  sizeOf,
  type Value,
} from '../../src/graph/index.js';
import { operatorCases } from './operators.js';

const STEP = 1e-5;

function sumAll(g: GraphBuilder, x: Value): Value {
  return reduceSum(
    g,
    x,
    x.shape.map((_, i) => i),
  );
}

describe('gradient rules against central differences in float64', () => {
  for (const { name, shapes, domain, build } of operatorCases) {
    it(name, () => {
      const random = Random.named(7, name);
      const g = new GraphBuilder();
      const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
      const y = build(g, inputs);
      // a random weighting of the outputs, squared, so that no coordinate's error can hide and dy depends on x
      const weights = g.constant(
        Float32Array.from({ length: sizeOf(y.shape) }, () => random.normal()),
        y.shape,
      );
      const scalar = sumAll(g, multiply(g, multiply(g, y, y), weights));
      const gradients = differentiate(g, scalar, inputs);
      const graph = g.build({ scalar, ...Object.fromEntries(gradients.map((value, i) => [`g${i}`, value])) });
      const feeds = Object.fromEntries(
        shapes.map((shape, i) => [
          `x${i}`,
          Float64Array.from({ length: sizeOf(shape) }, () => {
            const magnitude = 0.3 + random.uniform();
            return domain === 'positive' || random.uniform() < 0.5 ? magnitude : -magnitude;
          }),
        ]),
      );
      const exact = interpret(graph, feeds);
      const value = (changed: Record<string, Float64Array>): number => interpret(graph, changed).scalar.data[0];
      for (const i of shapes.keys()) {
        for (let j = 0; j < sizeOf(shapes[i]); j++) {
          const shifted = (by: number) => ({ ...feeds, [`x${i}`]: feeds[`x${i}`].with(j, feeds[`x${i}`][j] + by) });
          const numeric = (value(shifted(STEP)) - value(shifted(-STEP))) / (2 * STEP);
          expect(exact[`g${i}`].data[j]).toBeCloseTo(numeric, 6);
        }
      }
    });
  }

  it('differentiates its own gradients (Hessian-vector product of every operator)', () => {
    for (const { name, shapes, domain, build } of operatorCases) {
      const random = Random.named(11, name);
      const g = new GraphBuilder();
      const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
      const y = build(g, inputs);
      const first = differentiate(g, sumAll(g, multiply(g, y, y)), inputs);
      const directional = first.map((gradient) => {
        const direction = g.constant(
          Float32Array.from({ length: sizeOf(gradient.shape) }, () => random.normal()),
          gradient.shape,
        );
        return sumAll(g, multiply(g, gradient, direction));
      });
      const second = differentiate(g, directional[0], inputs);
      const graph = g.build({ d: directional[0], ...Object.fromEntries(second.map((v, i) => [`h${i}`, v])) });
      const feeds = Object.fromEntries(
        shapes.map((shape, i) => [
          `x${i}`,
          Float64Array.from(
            { length: sizeOf(shape) },
            () => (0.3 + random.uniform()) * (domain === 'real' && random.uniform() < 0.5 ? -1 : 1),
          ),
        ]),
      );
      const exact = interpret(graph, feeds);
      const at = (by: number) => interpret(graph, { ...feeds, x0: feeds.x0.with(0, feeds.x0[0] + by) }).d.data[0];
      expect(exact.h0.data[0], name).toBeCloseTo((at(STEP) - at(-STEP)) / (2 * STEP), 5);
    }
  });

  it('refuses to differentiate what is not a scalar', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    expect(() => differentiate(g, x, [x])).toThrow(/Only a scalar/);
  });

  it('gives zeros where the scalar does not depend on the value', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const z = g.input('z', [3]);
    const [dz] = differentiate(g, sumAll(g, x), [z]);
    expect([...interpret(g.build({ dz }), {}).dz.data]).toEqual([0, 0, 0]);
  });
});
