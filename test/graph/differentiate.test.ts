import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  add,
  differentiate,
  GraphBuilder,
  interpret,
  multiply,
  reduceSum,
  reshape,
  sizeOf,
  type Value,
} from '../../src/graph/index.js';
import { differentiated, feedsOf, operatorCases } from './operators.js';

const STEP = 1e-5;

function sumAll(g: GraphBuilder, x: Value): Value {
  return reduceSum(
    g,
    x,
    x.shape.map((_, i) => i),
  );
}

describe('gradient rules against central differences in float64', () => {
  for (const operatorCase of operatorCases) {
    it(operatorCase.name, () => {
      const { name, shapes } = operatorCase;
      const random = Random.named(7, name);
      const g = new GraphBuilder();
      const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
      const y = operatorCase.build(g, inputs);
      const wrt = differentiated(operatorCase);
      // a random weighting of the outputs, squared, so that no coordinate's error can hide and dy depends on x
      const weights = g.constant(
        Float32Array.from({ length: sizeOf(y.shape) }, () => random.normal()),
        y.shape,
      );
      const scalar = sumAll(g, multiply(g, multiply(g, y, y), weights));
      const gradients = differentiate(
        g,
        scalar,
        wrt.map((i) => inputs[i]),
      );
      const graph = g.build({ scalar, ...Object.fromEntries(gradients.map((value, k) => [`g${wrt[k]}`, value])) });
      const feeds = feedsOf(operatorCase, random);
      const exact = interpret(graph, feeds);
      const value = (changed: Record<string, Float64Array>): number => interpret(graph, changed).scalar.data[0];
      for (const i of wrt) {
        for (let j = 0; j < sizeOf(shapes[i]); j++) {
          const shifted = (by: number) => ({ ...feeds, [`x${i}`]: feeds[`x${i}`].with(j, feeds[`x${i}`][j] + by) });
          const numeric = (value(shifted(STEP)) - value(shifted(-STEP))) / (2 * STEP);
          expect(exact[`g${i}`].data[j]).toBeCloseTo(numeric, 6);
        }
      }
    });
  }

  it.each(operatorCases)('differentiates its own gradients: Hessian-vector product of $name', (operatorCase) => {
    const { name, shapes } = operatorCase;
    const random = Random.named(11, name);
    const g = new GraphBuilder();
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
    const y = operatorCase.build(g, inputs);
    const wrt = differentiated(operatorCase);
    const differentiable = wrt.map((i) => inputs[i]);
    const along = differentiate(g, sumAll(g, multiply(g, y, y)), differentiable)
      .map((gradient) => {
        const direction = g.constant(
          Float32Array.from({ length: sizeOf(gradient.shape) }, () => random.normal()),
          gradient.shape,
        );
        return sumAll(g, multiply(g, gradient, direction));
      })
      .map((part) => reshape(g, part, []))
      .reduce((sum, part) => add(g, sum, part));
    const second = differentiate(g, along, differentiable);
    const graph = g.build({ along, ...Object.fromEntries(second.map((v, k) => [`h${wrt[k]}`, v])) });
    const feeds = feedsOf(operatorCase, random);
    const exact = interpret(graph, feeds);
    for (const i of wrt) {
      for (const [j, entry] of feeds[`x${i}`].entries()) {
        const at = (by: number) =>
          interpret(graph, { ...feeds, [`x${i}`]: feeds[`x${i}`].with(j, entry + by) }).along.data[0];
        const numeric = (at(STEP) - at(-STEP)) / (2 * STEP);
        const error = Math.abs(exact[`h${i}`].data[j] - numeric) / (1 + Math.abs(numeric));
        expect(error, `input ${i}, entry ${j}`).toBeLessThan(1e-5);
      }
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
