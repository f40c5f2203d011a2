/** An index out of range is one sentence on every engine, and never a number. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.js';
import { explainIndexError } from '../../src/engine/indexError.js';
import { MeedError } from '../../src/foundation/index.js';
import {
  crossEntropy,
  GraphBuilder,
  gather,
  gatherElements,
  reshape,
  scatterAdd,
  type Value,
} from '../../src/graph/index.js';

const table = (g: GraphBuilder): Value => g.constant([1, 2, 3, 4, 5, 6], [2, 3]);

/** Each chooses from three by the indices [2, 1]. */
const choices: Readonly<Record<string, (g: GraphBuilder, indices: Value) => Value>> = {
  gather: (g, indices) => gather(g, table(g), indices, 1),
  'one entry of each row': (g, indices) => gatherElements(g, table(g), indices, 1),
  'a sum into rows': (g, indices) => scatterAdd(g, indices, g.constant([1, 2], [2, 1]), 3),
  'cross-entropy': (g, indices) => crossEntropy(g, table(g), reshape(g, indices, [2])),
};

describe.each(['onnxruntime', 'tfjs'] as const)('on %s', async (kind) => {
  const engine = await openEngine({ engine: kind, device: 'cpu', threads: 1, strict: 'strict' });

  it.each(Object.keys(choices))('%s', async (name) => {
    const g = new GraphBuilder();
    const program = await engine.compile(g.build({ y: choices[name](g, g.input('indices', [2, 1])) }));
    const run = (...indices: number[]) =>
      program.run({ indices: { shape: [2, 1], data: Float32Array.from(indices) } }).catch((error: unknown) => error);
    expect(await run(0, 2)).toHaveProperty('y');
    for (const wrong of [[3, 0], [0, 3], ...(name === 'cross-entropy' ? [] : [[-4, 0]])]) {
      const error = await run(...wrong);
      expect(error).toBeInstanceOf(MeedError);
      expect((error as MeedError).message).toMatch(/^An index that the graph was fed lies outside .+vocabulary/);
    }
    await program.dispose();
  });
});

it('other errors pass through', () => {
  const error = new Error('Failed to allocate memory for requested buffer of size 17592186044416');
  expect(explainIndexError(error)).toBe(error);
});
