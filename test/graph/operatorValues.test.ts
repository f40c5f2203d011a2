/** Operators against published values, identities of the literature, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { MeedError, Random } from '../../src/foundation/index.js';
import {
  argMax,
  clip,
  crossEntropy,
  dropout,
  erf,
  GraphBuilder,
  gather,
  gatherElements,
  gelu,
  groupNorm,
  interpret,
  layerNorm,
  logSumExp,
  matmul,
  not,
  oneHot,
  power,
  reduceMean,
  rotary,
  round,
  scalar,
  scaledDotProduct,
  scatterAdd,
  softmax,
  split,
  squaredError,
  tile,
  transpose,
  trilu,
  type Value,
  where,
} from '../../src/graph/index.js';

function evaluate(
  build: (g: GraphBuilder, x: Value) => Value,
  data: readonly number[],
  shape: readonly number[] = [data.length],
) {
  const g = new GraphBuilder();
  const y = build(g, g.input('x', shape));
  return [...interpret(g.build({ y }), { x: data }).y.data];
}

describe('published values', () => {
  it('of the error function (Abramowitz and Stegun, table 7.1)', () => {
    const values = evaluate((g, x) => erf(g, x), [0, 0.5, 1, 1.5, 2, -1, 9, Number.POSITIVE_INFINITY]);
    const table = [0, 0.5204998778, 0.8427007929, 0.9661051465, 0.995322265, -0.8427007929, 1, 1];
    for (const [i, value] of table.entries()) expect(values[i]).toBeCloseTo(value, 9);
    expect(evaluate((g, x) => erf(g, x), [Number.NaN])).toEqual([Number.NaN]);
  });

  it('of GELU: x·Φ(x) at 1 by the normal table, and within 5e-4 of it by tanh', () => {
    expect(evaluate((g, x) => gelu(g, x, 'exact'), [1])[0]).toBeCloseTo(0.8413447461, 9);
    for (let x = -6; x <= 6; x += 0.25) {
      const [exact, near] = (['exact', 'tanh'] as const).map((form) => evaluate((g, v) => gelu(g, v, form), [x])[0]);
      expect(Math.abs(exact - near)).toBeLessThan(5e-4);
      const inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
      expect(near).toBeCloseTo(0.5 * x * (1 + Math.tanh(inner)), 12);
    }
  });

  it('of rounding halves to even (IEEE 754)', () => {
    expect(evaluate(round, [0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 2.4, -2.6]).map((y) => y + 0)).toEqual([
      0, 2, 2, 4, 0, -2, -2, 2, -3,
    ]);
  });
});

describe('identities', () => {
  const random = new Random(3);
  const normals = (count: number) => Array.from({ length: count }, () => random.normal());

  it('equal logits cost log C, an ignored id nothing', () => {
    const losses = evaluate(
      (g, ids) => crossEntropy(g, g.constant(new Float64Array(12).fill(900), [3, 4]), ids),
      [0, 3, -1],
    );
    expect(losses[0]).toBeCloseTo(Math.log(4), 12);
    expect(losses[1]).toBeCloseTo(Math.log(4), 12);
    expect(losses[2]).toBe(0);
  });

  it('log Σ exp does not overflow and is shift-equivariant', () => {
    const [y] = evaluate((g, x) => logSumExp(g, x, [0]), [1000, 1000]);
    expect(y).toBeCloseTo(1000 + Math.LN2, 9);
  });

  it.each(['halves', 'interleaved'] as const)(
    'rotated by %s, products depend on the distance of positions',
    (pairs) => {
      const [q, k] = [normals(6), normals(6)];
      const product = (m: number, n: number) => {
        const g = new GraphBuilder();
        const angles = (position: number, f: (x: number) => number) =>
          g.constant(
            [1, 0.1, 0.01].map((frequency) => f(position * frequency)),
            [1, 3],
          );
        const at = (data: number[], position: number) =>
          rotary(g, g.constant(data, [1, 6]), angles(position, Math.cos), angles(position, Math.sin), pairs);
        return interpret(g.build({ y: matmul(g, at(q, m), transpose(g, at(k, n))) }), {}).y.data[0];
      };
      expect(product(7, 3)).toBeCloseTo(product(11, 7), 12);
      expect(product(7, 3)).not.toBeCloseTo(product(7, 4), 2);
      expect(product(5, 5)).toBeCloseTo(
        q.reduce((sum, value, i) => sum + value * k[i], 0),
        12,
      );
    },
  );

  it('causal attention does not see what comes later, and the last query sees all', () => {
    const run = (k: number[], causal: 'causal' | 'full') => {
      const g = new GraphBuilder();
      const [keys, fixed] = [g.constant(k, [3, 2]), g.constant([1, 2, 3, 4, 5, 6], [3, 2])];
      return interpret(g.build({ y: scaledDotProduct(g, fixed, keys, fixed, { causal }) }), {}).y.data;
    };
    const [before, after] = [run([1, 2, 3, 4, 5, 6], 'causal'), run([1, 2, 3, 4, 9, -6], 'causal')];
    expect(after.slice(0, 4)).toEqual(before.slice(0, 4));
    expect(after.slice(4)).not.toEqual(before.slice(4));
    expect(before.slice(4)).toEqual(run([1, 2, 3, 4, 5, 6], 'full').slice(4));
  });

  it('a normalised row has mean 0 and variance 1, whatever its shift and scale', () => {
    const x = normals(8);
    const norm = (data: number[]) => evaluate((g, v) => layerNorm(g, v, 0, undefined, undefined, 0), data);
    const y = norm(x);
    expect(y.reduce((a, b) => a + b)).toBeCloseTo(0, 12);
    expect(y.reduce((sum, value) => sum + value * value, 0) / 8).toBeCloseTo(1, 12);
    for (const [i, value] of norm(x.map((entry) => 100 - 3 * entry)).entries()) expect(value).toBeCloseTo(-y[i], 9);
  });

  it('a triangle without its ∞', () => {
    const infinite = new Array<number>(4).fill(Number.NEGATIVE_INFINITY);
    expect(evaluate((g, x) => trilu(g, x, 'upper', 1), infinite, [2, 2])).toEqual([0, Number.NEGATIVE_INFINITY, 0, 0]);
  });

  it('gathering adds up to the one-hot product, scattering to its transpose', () => {
    const table = normals(12);
    const ids = [2, 0, 2, 3];
    const g = new GraphBuilder();
    const [t, i] = [g.constant(table, [4, 3]), g.constant(ids, [4])];
    const hot = oneHot(g, i, 4);
    const { a, b, c, d } = interpret(
      g.build({
        a: gather(g, t, i, 0),
        b: matmul(g, hot, t),
        c: scatterAdd(g, i, t, 4),
        d: matmul(g, transpose(g, hot), t),
      }),
      {},
    );
    for (const [at, value] of b.data.entries()) expect(a.data[at]).toBeCloseTo(value, 14);
    for (const [at, value] of d.data.entries()) expect(c.data[at]).toBeCloseTo(value, 14);
  });

  it('a kept share of dropout has the expected value of all', () => {
    const keep = (g: GraphBuilder, x: Value) => dropout(g, x, g.constant([1, 1, 1, 0], [4]), 0.25);
    expect(evaluate((g, x) => reduceMean(g, keep(g, x), [0]), [3, 3, 3, 3])).toEqual([3]);
  });

  it('small whole powers are products, of negative numbers too', () => {
    expect(evaluate((g, x) => power(g, x, scalar(g, 2)), [-3, 0])).toEqual([9, 0]);
    expect(evaluate((g, x) => power(g, x, scalar(g, 0)), [-3, 0])).toEqual([1, 1]);
    expect(evaluate((g, x) => power(g, x, g.constant([2, 3], [2])), [-3, -2])).toEqual([9, -8]);
  });

  it('a clip that does not bind adds no node', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    expect(clip(g, x)).toBe(x);
    expect(clip(g, x, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(x);
    expect(clip(g, x, Number.NEGATIVE_INFINITY, 1)).toBe(clip(g, x, undefined, 1));
    expect(clip(g, x, undefined, 1)).not.toBe(clip(g, x, 1));
  });

  it('every number but 0 is true', () => {
    expect(evaluate((g, x) => where(g, x, scalar(g, 5), scalar(g, 7)), [-2, 0, 0.5])).toEqual([5, 7, 5]);
    expect(evaluate(not, [-2, 0, 0.5])).toEqual([0, 1, 0]);
  });
});

describe('ONNX Runtime', () => {
  it('loses no row that several threads add to at once', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ y: scatterAdd(g, g.input('i', [20_000]), g.input('u', [20_000, 64]), 3) });
    const ids = Float32Array.from({ length: 20_000 }, (_, at) => (at * at) % 3);
    const feeds = {
      i: { shape: [20_000], data: ids },
      u: { shape: [20_000, 64], data: new Float32Array(1_280_000).fill(1) },
    };
    const program = await cpuEngine({ threads: 2 }).compile(graph);
    const counts = [0, 1, 2].map((row) => ids.filter((id) => id === row).length);
    for (let run = 0; run < 5; run++) {
      const { y } = await program.run(feeds);
      for (const [at, value] of y.data.entries()) expect(value).toBe(counts[Math.floor(at / 64)]);
    }
    await program.dispose();
  });

  it('refuses an index outside the extent', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ y: gather(g, g.constant([1, 2, 3], [3]), g.input('i', [1]), 0) });
    const program = await cpuEngine().compile(graph);
    await expect(program.run({ i: { shape: [1], data: Float32Array.of(3) } })).rejects.toThrow(/out of.*bounds|range/);
    await program.dispose();
  });
});

describe('what does not fit is refused', () => {
  const cases: readonly (readonly [name: string, build: (g: GraphBuilder, x: Value) => unknown, said: RegExp])[] = [
    ['rows along no axis', (g, x) => gather(g, x, scalar(g, 0), 2), /\[2,3\] has no axis 2/],
    [
      'updates that do not begin as the indices',
      (g, x) => scatterAdd(g, g.constant([0], [1]), x, 4),
      /Updates \[2,3\]/,
    ],
    ['no rows', (g, x) => scatterAdd(g, g.constant([0, 0], [2]), x, 0), /0 rows/],
    [
      'entries of fewer axes',
      (g, x) => gatherElements(g, x, g.constant([0], [1]), 1),
      /\[2,3\] has no entries at \[1\]/,
    ],
    ['largest along no axis', (g, x) => argMax(g, x, -1), /no axis -1/],
    ['softmax along no axis', (g, x) => softmax(g, x, 2), /no axis 2/],
    [
      'ids that are not one for each row',
      (g, x) => crossEntropy(g, x, g.constant([0], [1])),
      /Logits \[2,3\].*ids \[1\]/,
    ],
    ['targets of another shape', (g, x) => squaredError(g, x, g.constant([0, 0], [2])), /do not broadcast/],
    ['a rate of 1', (g, x) => dropout(g, x, x, 1), /rate is not 1/],
    ['groups that do not divide', (g, x) => groupNorm(g, x, 2), /no 2 groups/],
    ['sizes that do not add up', (g, x) => split(g, x, 1, [1, 1]), /does not split into \[1,1\]/],
    ['repeating no times', (g, x) => tile(g, x, [1, 0]), /does not repeat \[1,0\]/],
    ['bounds in the wrong order', (g, x) => clip(g, x, 1, -1), /\[1, -1\] is no interval/],
    ['angles of another width', (g, x) => rotary(g, x, scalar(g, 1), scalar(g, 1), 'halves'), /not rotated by angles/],
    [
      'more causal queries than keys',
      (g, x) => scaledDotProduct(g, x, g.constant([0, 0, 0], [1, 3]), x, { causal: 'causal' }),
      /Queries \[2,3\] do not attend to keys \[1,3\]/,
    ],
  ];
  it.each(cases)('%s', (_, build, said) => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3]);
    expect(() => build(g, x)).toThrow(MeedError);
    expect(() => build(g, x)).toThrow(said);
  });

  it.each([3, -4, 0.5, Number.NaN])('the index %d of an extent of 3, when the graph runs', (index) => {
    for (const build of [
      (g: GraphBuilder, i: Value) => gather(g, g.constant([1, 2, 3], [3]), i, 0),
      (g: GraphBuilder, i: Value) => gatherElements(g, g.constant([1, 2, 3], [3]), i, 0),
      (g: GraphBuilder, i: Value) => scatterAdd(g, i, g.constant([1], [1]), 3),
    ]) {
      expect(() => evaluate(build, [index])).toThrow(/is outside an extent of 3/);
    }
  });

  it('an id that is no class', () => {
    expect(() => evaluate((g, ids) => crossEntropy(g, g.constant([1, 2], [1, 2]), ids), [2])).toThrow(
      /outside an extent/,
    );
  });
});
