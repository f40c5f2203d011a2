import { describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import {
  add,
  concat,
  encodeOnnx,
  exp,
  expand,
  GraphBuilder,
  interpret,
  layerNorm,
  log,
  logSoftmax,
  matmul,
  multiply,
  pad,
  reduceSum,
  reshape,
  slice,
  transpose,
  type Value,
} from '../../src/graph/index.js';

/** A small graph with a constant, shapes and a broadcast. */
function sample(hiddenConstant = 2) {
  const g = new GraphBuilder();
  const x = g.input('x', [2, 3]);
  const w = g.input('w', [3, 2]);
  const y = add(g, matmul(g, x, w), g.constant([1, hiddenConstant], [2]));
  return g.build({ y, total: reduceSum(g, y, [0, 1]) });
}

describe('building', () => {
  it('makes one node of equal operators, and keeps zeros of different sign apart', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    expect(exp(g, x)).toBe(exp(g, x));
    const [low, high] = [pad(g, x, [1], [0], -0), pad(g, x, [1], [0], 0)];
    expect(low.id).not.toBe(high.id);
    const result = interpret(g.build({ low, high }), { x: [1, 2] });
    expect([1 / result.low.data[0], 1 / result.high.data[0]]).toEqual([-Infinity, Infinity]);
  });

  it('makes a product with a stack of one matrix a product with the matrix', () => {
    const g = new GraphBuilder();
    const [x, w] = [g.input('x', [2, 3, 4]), g.input('w', [1, 4, 5])];
    const y = matmul(g, x, w);
    expect(y).toBe(matmul(g, x, reshape(g, w, [4, 5])));
    expect(y.shape).toEqual([2, 3, 5]);
    expect(matmul(g, reshape(g, x, [1, 6, 4]), w).shape).toEqual([1, 6, 5]);
    expect(matmul(g, g.input('v', [1, 1, 7, 3]), g.input('u', [2, 6, 3, 4])).shape).toEqual([2, 6, 7, 4]);
  });

  it('makes nothing of two transpositions that undo each other', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3, 4]);
    expect(transpose(g, transpose(g, x))).toBe(x);
    expect(transpose(g, transpose(g, x, [1, 2, 0]), [2, 0, 1])).toBe(x);
    expect(transpose(g, transpose(g, x, [1, 2, 0]), [1, 2, 0]).shape).toEqual([4, 2, 3]);
    expect(() => transpose(g, transpose(g, x, [1, 2, 0]), [2, 0])).toThrow(/is no permutation/);
  });

  it('refuses two things of one name, and names kept for the graph itself', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    expect(() => g.input('x', [3])).toThrow(/already has an input "x"/);
    expect(() => g.build({ x })).toThrow(/an input and an output "x"/);
    expect(() => g.input('', [1])).toThrow(/empty name/);
    expect(() => g.build({ '': x })).toThrow(/empty name/);
    for (const name of ['v0', 'v12', 'v3_1', 'v3_c0']) {
      expect(() => g.input(name, [1])).toThrow(new RegExp(`"${name}"`));
      expect(() => g.build({ [name]: x })).toThrow(new RegExp(`"${name}"`));
    }
    expect(() => g.input('velocity', [1])).not.toThrow();
  });

  it.each([[[0]], [[2, -1]], [[1.5]], [[Number.NaN]]])('refuses the extents of [%s]', (shape) => {
    expect(() => new GraphBuilder().input('x', shape)).toThrow(/The shape \[.*\] has the extent/);
  });

  it('refuses a constant whose numbers do not fill its shape', () => {
    expect(() => new GraphBuilder().constant([1, 2, 3], [2, 2])).toThrow(/\[2,2\] was given 3 numbers\. Give it 4\./);
  });

  it('copies the numbers of a constant', () => {
    const g = new GraphBuilder();
    const numbers = Float32Array.of(1, 2);
    const y = g.constant(numbers, [2]);
    numbers[0] = 9;
    expect([...interpret(g.build({ y }), {}).y.data]).toEqual([1, 2]);
  });

  it('leaves out nodes, inputs and constants that no output needs', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const unused = g.input('unused', [2]);
    const y = exp(g, x);
    log(g, multiply(g, unused, g.constant([1, 2], [2])));
    const graph = g.build({ y });
    expect([...graph.inputs.keys()]).toEqual(['x']);
    expect(graph.nodes.map((node) => node.operator.name)).toEqual(['Exp']);
    expect(graph.constants).toEqual([]);
    expect([...interpret(graph, { x: [0, 1] }).y.data]).toEqual([1, Math.E]);
  });

  it('keeps nodes in an order in which every value exists before it is used', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const deep = exp(g, multiply(g, x, add(g, x, x)));
    const graph = g.build({ deep });
    const known = new Set([x.id]);
    for (const node of graph.nodes) {
      expect(node.inputs.every((input) => known.has(input.id))).toBe(true);
      known.add(node.output.id);
    }
  });

  it('does not add nodes for what changes nothing', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3]);
    expect([reshape(g, x, [2, 3]), expand(g, x, [2, 3]), concat(g, [x], 0), reduceSum(g, x, [])]).toEqual([x, x, x, x]);
    expect(g.nodes).toEqual([]);
  });
});

describe('shapes that do not fit are refused with a sentence that names them', () => {
  const cases: readonly (readonly [name: string, build: (g: GraphBuilder, x: Value) => Value, said: RegExp])[] = [
    ['product of unlike matrices', (g, x) => matmul(g, x, x), /\[2,3\] and \[2,3\] do not multiply/],
    ['product of a vector', (g, x) => matmul(g, x, g.constant([1, 2, 3], [3])), /\[2,3\] and \[3\] do not multiply/],
    ['broadcast', (g, x) => add(g, x, g.constant([1, 2], [2])), /\[2,3\] and \[2\] do not broadcast/],
    ['expand', (g, x) => expand(g, x, [2, 4]), /\[2,3\] and \[2,4\] do not broadcast/],
    ['expand to less', (g, x) => expand(g, x, [1, 3]), /\[2,3\] does not expand to \[1,3\]/],
    ['reshape', (g, x) => reshape(g, x, [5]), /\[2,3\] does not reshape to \[5\]/],
    ['transpose, axis twice', (g, x) => transpose(g, x, [0, 0]), /\[0,0\] is no permutation of the axes of \[2,3\]/],
    ['transpose, axis missing', (g, x) => transpose(g, x, [1]), /\[1\] is no permutation/],
    ['transpose, no such axis', (g, x) => transpose(g, x, [0, 2]), /\[0,2\] is no permutation/],
    ['transpose, half an axis', (g, x) => transpose(g, x, [0, 0.5]), /\[0,0.5\] is no permutation/],
    ['sum, no such axis', (g, x) => reduceSum(g, x, [2]), /\[2,3\] has no axis 2/],
    ['sum, negative axis', (g, x) => reduceSum(g, x, [-1]), /\[2,3\] has no axis -1/],
    ['sum, axis twice', (g, x) => reduceSum(g, x, [1, 1]), /\[1,1\] name 1 twice/],
    ['layer norm, no such axis', (g, x) => layerNorm(g, x, 2), /\[2,3\] has no axis 2/],
    ['layer norm, too far from the end', (g, x) => layerNorm(g, x, -3), /\[2,3\] has no axis -3/],
    ['concat of nothing', (g) => concat(g, [], 0), /nothing to join/],
    ['transpose of a transpose, axis missing', (g, x) => transpose(g, transpose(g, x), [0]), /\[0\] is no permutation/],
    ['expand to nothing', (g) => expand(g, g.constant([1], [1]), [0]), /extent 0/],
    ['sum, half an axis', (g, x) => reduceSum(g, x, [0.5]), /\[2,3\] has no axis 0.5/],
    ['slice beyond', (g, x) => slice(g, x, 1, 1, 4), /\[2,3\] has no slice \[1, 4\) along axis 1/],
    ['slice before', (g, x) => slice(g, x, 1, -1, 2), /no slice \[-1, 2\)/],
    ['empty slice', (g, x) => slice(g, x, 1, 2, 2), /no slice \[2, 2\)/],
    ['slice, no such axis', (g, x) => slice(g, x, 2, 0, 1), /along axis 2/],
    ['slice, negative axis', (g, x) => slice(g, x, -1, 0, 1), /along axis -1/],
    ['slice, half an entry', (g, x) => slice(g, x, 1, 0.5, 2), /no slice \[0.5, 2\)/],
    [
      'join unlike',
      (g, x) => concat(g, [x, g.constant([1, 2], [1, 2])], 0),
      /\[2,3\] and \[1,2\] do not join along axis 0/,
    ],
    ['join ranks', (g, x) => concat(g, [x, g.constant([1, 2, 3], [3])], 0), /\[2,3\] and \[3\] do not join/],
    ['join, no such axis', (g, x) => concat(g, [x, x], 2), /do not join along axis 2/],
    ['join, negative axis', (g, x) => concat(g, [x, x], -1), /do not join along axis -1/],
    [
      'softmax of a scalar',
      (g, x) => logSoftmax(g, reshape(g, slice(g, slice(g, x, 0, 0, 1), 1, 0, 1), [])),
      /no last axis/,
    ],
  ];
  it.each(cases)('%s', (_, build, said) => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3]);
    expect(() => build(g, x)).toThrow(MeedError);
    expect(() => build(g, x)).toThrow(said);
  });
});

describe('the interpreter', () => {
  it('names the input that is missing or of the wrong size', () => {
    expect(() => interpret(sample(), { x: [1, 2, 3, 4, 5, 6] })).toThrow(/"w" of shape \[3,2\] was given no numbers/);
    expect(() => interpret(sample(), { x: [1], w: [1, 2, 3, 4, 5, 6] })).toThrow(
      /"x" of shape \[2,3\] was given 1 numbers/,
    );
  });

  it('computes in float64: a sum that float32 would lose', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [3]);
    const graph = g.build({ s: reduceSum(g, x, [0]) });
    expect(interpret(graph, { x: [2 ** 30, 1, -(2 ** 30)] }).s.data[0]).toBe(1);
  });

  it('agrees with arithmetic done by hand', () => {
    const result = interpret(sample(), { x: [1, 2, 3, 4, 5, 6], w: [1, 0, 0, 1, 1, 1] });
    // rows (1, 2, 3), (4, 5, 6) times columns (1, 0, 1), (0, 1, 1), plus (1, 2)
    expect([...result.y.data]).toEqual([5, 7, 11, 13]);
    expect([...result.total.data]).toEqual([36]);
    expect(result.total.shape).toEqual([1, 1]);
  });
});

describe('log-softmax', () => {
  it('does not overflow where the exponentials would', () => {
    const g = new GraphBuilder();
    const y = logSoftmax(g, g.input('x', [1, 3]));
    const { data } = interpret(g.build({ y }), { x: [1000, 1000, -1000] }).y;
    expect(data[0]).toBeCloseTo(-Math.log(2), 12);
    expect(data[2]).toBeCloseTo(-2000 - Math.log(2), 9);
  });
});

describe('ONNX', () => {
  it('gives equal graphs equal bytes, and different graphs different ones', () => {
    expect(encodeOnnx(sample())).toEqual(encodeOnnx(sample()));
    expect(encodeOnnx(sample(3))).not.toEqual(encodeOnnx(sample()));
  });

  it('does not depend on what was built and not used', () => {
    const build = (extra: boolean): Uint8Array => {
      const g = new GraphBuilder();
      const x = g.input('x', [2]);
      const y = exp(g, x);
      if (extra) log(g, x);
      return encodeOnnx(g.build({ y }));
    };
    expect(build(true)).toEqual(build(false));
  });

  it('names every value once, and nothing that a node reads is unnamed', () => {
    const [graph] = fields(encodeOnnx(sample()), 7);
    const named = (field: number, name: number) => fields(graph, field).map((part) => text(fields(part, name)[0]));
    const nodes = fields(graph, 1);
    const made = [...named(11, 1), ...named(5, 8), ...nodes.flatMap((node) => fields(node, 2).map(text))];
    expect(new Set(made).size).toBe(made.length);
    for (const node of nodes) for (const read of fields(node, 1).map(text)) expect(made).toContain(read);
    expect(named(12, 1)).toEqual(['y', 'total']);
    expect(named(11, 1)).toEqual(['x', 'w']);
    expect(nodes.map((node) => text(fields(node, 4)[0]))).toEqual(['MatMul', 'Add', 'ReduceSum']);
  });

  it('copies only an input that is an output, and a value that is two', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2]);
    const y = exp(g, x);
    const [graph] = fields(encodeOnnx(g.build({ given: x, y, again: y })), 7);
    const nodes = fields(graph, 1);
    const of = (field: number) => nodes.map((node) => fields(node, field).map(text).join());
    expect([of(4), of(1), of(2)]).toEqual([
      ['Exp', 'Identity', 'Identity'],
      ['x', 'x', 'y'],
      ['y', 'given', 'again'],
    ]);
  });
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The length-delimited fields of one number in a protobuf message, read by the wire format alone. */
function fields(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    if ((key & 7) === 0) {
      varint();
      continue;
    }
    const length = varint();
    if (key >> 3 === number) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}
