/** The form in which gradients are kept for products: the same products whatever the form, and no more memory than stated. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { type FactorTerm, GraphBuilder, interpret, type Shape, sizeOf } from '../../src/graph/index.js';
import { blockNorms, blockProducts, productForm } from '../../src/influence/blockProducts.js';

function outer(g: GraphBuilder, name: string, [n, groups, t, r, c]: readonly number[]): FactorTerm {
  const left = g.input(`${name}.left`, [n, groups, t, r]);
  const right = g.input(`${name}.right`, [n, groups, t, c]);
  return { kind: 'outer', left, right };
}

describe('the form of gradients in products', () => {
  // [samples, groups, positions, R, C]
  it.each<[string, Shape, FactorTerm['kind']]>([
    ['many positions of a small filter: written out', [3, 1, 40, 5, 4], 'direct'],
    ['groups of filters: written out, group by group', [3, 2, 30, 4, 3], 'direct'],
    ['one position: factors', [3, 1, 1, 6, 5], 'outer'],
    ['gradients of more than twice the size: factors', [2, 1, 4, 40, 40], 'outer'],
  ])('%s', (_, shape, kind) => {
    const g = new GraphBuilder();
    const terms = ['a', 'b'].map((name) => outer(g, name, shape));
    const forms = terms.map((term) => productForm(g, term));
    expect(forms.map((form) => form.kind)).toEqual([kind, kind]);
    if (kind === 'outer') expect(forms).toEqual(terms);
    const graph = g.build({
      asFactors: blockProducts(g, terms[0], terms[1]),
      asFormed: blockProducts(g, forms[0], forms[1]),
      norms: blockNorms(g, terms[0]),
      formedNorms: blockNorms(g, forms[0]),
    });
    const random = new Random(5);
    const feeds: Record<string, Float64Array> = {};
    for (const [name, value] of graph.inputs) {
      feeds[name] = Float64Array.from({ length: sizeOf(value.shape) }, () => random.normal());
    }
    const result = interpret(graph, feeds);
    const scale = Math.max(...result.asFactors.data.map(Math.abs));
    expect(scale).toBeGreaterThan(0);
    for (const [a, b] of [
      [result.asFactors, result.asFormed],
      [result.norms, result.formedNorms],
    ]) {
      for (const [i, value] of b.data.entries()) expect(value / scale).toBeCloseTo(a.data[i] / scale, 12);
    }
    // an independent derivation of one entry: G_0 of a times G_1 of b, written out by loops
    const [n, groups, t, r, c] = shape;
    const entry = (name: string, sample: number, group: number, i: number, j: number): number => {
      let sum = 0;
      for (let p = 0; p < t; p++) {
        const at = (sample * groups + group) * t + p;
        sum += feeds[`${name}.left`][at * r + i] * feeds[`${name}.right`][at * c + j];
      }
      return sum;
    };
    let product = 0;
    for (let group = 0; group < groups; group++)
      for (let i = 0; i < r; i++)
        for (let j = 0; j < c; j++) product += entry('a', 0, group, i, j) * entry('b', 1, group, i, j);
    expect(result.asFormed.shape).toEqual([n, n]);
    expect(result.asFormed.data[1] / scale).toBeCloseTo(product / scale, 12);
  });
});
