/** What the graphs made from a model give out: no numbers twice. */
import { describe, expect, it } from 'vitest';
import { decoder, factorGraph, INPUT, mlp } from '../../src/models/index.js';

describe('factors that hold the same numbers', () => {
  const partsOf = ({ blocks }: ReturnType<typeof factorGraph>) =>
    new Map(blocks.map(({ parameter, parts }) => [parameter, parts.map(({ output }) => output)]));

  it("share an output: a bias' gradient is its layer's right factor", () => {
    const factors = factorGraph(mlp([6, 5, 3]), 4);
    const parts = partsOf(factors);
    expect(parts.get('layer0.bias')).toEqual([parts.get('layer0.weight')?.[1]]);
    expect(parts.get('layer1.bias')).toEqual([parts.get('layer1.weight')?.[1]]);
    // the losses, both layers' right factors and the second's input: the first's is the graph's own
    expect(factors.graph.outputs.size).toBe(1 + 2 + 1);
    expect(parts.get('layer0.weight')?.[0]).toBe(INPUT);
    expect(factors.blocks[1].parts[0].shape).toEqual([4, 5]);
  });

  it('share an output: queries, keys and values read the same input', () => {
    const shape = { vocabulary: 7, context: 4, width: 8, layers: 1, heads: 2, keyValueHeads: 1, hidden: 12 } as const;
    const forms = { norm: 'rms', epsilon: 1e-5, positions: 'halves', feedForward: 'swiglu', head: 'untied' } as const;
    const parts = partsOf(factorGraph(decoder({ ...shape, ...forms, biased: [] }), 2));
    const left = (name: string) => parts.get(`layer0.${name}.weight`)?.[0];
    expect(left('query')).toBeDefined();
    expect([left('key'), left('value')]).toEqual([left('query'), left('query')]);
    expect(left('up')).toBe(left('gate'));
    expect(left('gate')).not.toBe(left('query'));
  });
});
