/** Files as exporters of different ages write them, by what ONNX Runtime computes from the same bytes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { sizeOf } from '../../../src/graph/index.js';
import { ELEMENT_CODE } from '../../../src/graph/onnxSchema.js';
import { floats, int, int64s, ints, node, real, text } from './onnxFile.js';
import { expectAgreement, type Feed } from './peer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-peer-'));
});
afterAll(() => rm(folder, { recursive: true }));

const random = new Random(11);
const normal = (shape: readonly number[]): number[] => Array.from({ length: sizeOf(shape) }, () => random.normal());
const fed = (name: string, ...shape: number[]): Feed => ({ name, shape, values: normal(shape) });
const weight = (name: string, ...shape: number[]): object => floats(name, shape, normal(shape));
const attribute = (...list: object[]): object => ({ attribute: list });

/** The bytes of whole numbers in a type, little-endian; the floats among them are exact in every float type. */
const RAW: Readonly<Record<string, (values: readonly number[]) => ArrayBufferView & Iterable<number | bigint>>> = {
  float64: (values) => Float64Array.from(values),
  // upper half of a float32
  bfloat16: (values) => Uint16Array.from(values, (x) => new Uint32Array(Float32Array.of(x).buffer)[0] >>> 16),
  float16: (values) => Uint16Array.from(values, half),
  int8: (values) => Int8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  int16: (values) => Int16Array.from(values),
  uint16: (values) => Uint16Array.from(values),
  int32: (values) => Int32Array.from(values),
  uint32: (values) => Uint32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  uint64: (values) => BigUint64Array.from(values, BigInt),
  bool: (values) => Uint8Array.from(values, (x) => (x === 0 ? 0 : 1)),
};

/** binary16 of a number that it holds exactly and that is neither subnormal there nor infinite. */
function half(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(x) / 2 ** exponent - 1) * 1024);
}

const LISTS: Readonly<Record<string, string>> = {
  float64: 'doubleData',
  int64: 'int64Data',
  uint64: 'uint64Data',
  uint32: 'uint64Data',
};

describe('weights stored as', () => {
  const signed = [-3, 0, 1, 2.5, -0.75, 7, 100, -64, 0.125, 12, -1, 5];
  it.each(Object.keys(RAW))('%s, raw and in a typed list, are widened exactly', async (type) => {
    const isFloat = type.includes('float');
    const isSigned = isFloat || type.startsWith('int');
    const values = signed.map((x) => (isFloat ? x : Math.trunc(isSigned ? x : Math.abs(x))));
    const packed = RAW[type](values);
    const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
    const list = LISTS[type] ?? 'int32Data';
    const entries = Array.from(packed, Number);
    const dataType = ELEMENT_CODE[type as keyof typeof ELEMENT_CODE];
    for (const stored of [{ rawData: bytes }, { [list]: entries }]) {
      await expectAgreement(
        folder,
        {
          initializers: [{ name: 'w', dims: [3, 4], dataType, ...stored }],
          nodes: [node('Cast', ['w'], ['f'], attribute(int('to', 1))), node('MatMul', ['x', 'f'], ['y'])],
        },
        [fed('x', 2, 3)],
      );
    }
  });

  it('float64 are computed with as such', async () => {
    const raw = new Uint8Array(Float64Array.from(normal([3, 4])).buffer);
    await expectAgreement(
      folder,
      {
        initializers: [{ name: 'w', dims: [3, 4], dataType: 11, rawData: raw }],
        nodes: [node('MatMul', ['x', 'w'], ['y'])],
      },
      [{ ...fed('x', 2, 3), type: 'float64' }],
      { tolerance: 1e-14 },
    );
  });
});

describe('Cast to', () => {
  const x: Feed = { name: 'x', shape: [2, 4], values: [-2.75, -0.5, 0, 0.25, 1, 2.5, 3.999, 40] };
  it.each(['float64', 'int8', 'int16', 'int32', 'int64', 'bool'])('%s, fed and constant', async (type) => {
    const to = attribute(int('to', ELEMENT_CODE[type as keyof typeof ELEMENT_CODE]));
    await expectAgreement(
      folder,
      {
        initializers: [floats('c', [2, 4], x.values)],
        nodes: [
          node('Cast', ['x'], ['a'], to),
          node('Cast', ['a'], ['y'], attribute(int('to', 1))),
          node('Cast', ['c'], ['b'], to),
          node('Cast', ['b'], ['d'], attribute(int('to', 1))),
          node('Add', ['x', 'd'], ['z']),
        ],
        outputs: ['y', 'z'],
      },
      [x],
    );
  });

  it.each(['float16', 'bfloat16'])('%s keeps the digits that the type would lose', async (type) => {
    const to = attribute(int('to', ELEMENT_CODE[type as keyof typeof ELEMENT_CODE]));
    const nodes = [node('Cast', ['x'], ['a'], to), node('Cast', ['a'], ['y'], attribute(int('to', 1)))];
    await expectAgreement(folder, { nodes }, [fed('x', 3, 5)], { tolerance: 2 ** -8 });
  });

  it('whole numbers divides by truncation', async () => {
    const whole = (name: string, values: number[]): Feed => ({ name, shape: [values.length], values, type: 'int32' });
    await expectAgreement(folder, { nodes: [node('Div', ['a', 'b'], ['y'])] }, [
      whole('a', [7, -7, 7, -7, 0, 9]),
      whole('b', [2, 2, -2, -2, 3, 3]),
    ]);
  });
});

describe('auto_pad', () => {
  const kinds = ['SAME_UPPER', 'SAME_LOWER', 'VALID', 'NOTSET'];
  const cases = kinds.flatMap((kind) =>
    [1, 2, 3].flatMap((stride) => [1, 2].map((dilation) => ({ kind, stride, dilation }))),
  );
  const windows = ({ kind, stride, dilation }: (typeof cases)[number], rank: number): object[] => [
    text('auto_pad', kind),
    ints('strides', new Array<number>(rank).fill(stride)),
    ints('dilations', new Array<number>(rank).fill(dilation)),
  ];

  // ONNX Runtime refuses dilated windows padded to the same extents
  it.each(cases.filter(({ kind, dilation }) => dilation === 1 || !kind.startsWith('SAME')))(
    '$kind of convolutions by $stride, dilated by $dilation',
    async (of) => {
      await expectAgreement(
        folder,
        {
          initializers: [weight('w', 6, 2, 3, 2), weight('b', 6)],
          nodes: [node('Conv', ['x', 'w', 'b'], ['y'], attribute(...windows(of, 2), int('group', 2)))],
        },
        [fed('x', 2, 4, 7, 8)],
      );
      await expectAgreement(
        folder,
        {
          initializers: [weight('w', 3, 4, 4)],
          nodes: [node('Conv', ['x', 'w'], ['y'], attribute(...windows(of, 1)))],
        },
        [fed('x', 2, 4, 9)],
      );
    },
  );

  it.each(cases.filter(({ dilation }) => dilation === 1))('$kind of pools by $stride', async (of) => {
    const kernel = ints('kernel_shape', [3, 2]);
    const shared = [text('auto_pad', of.kind), ints('strides', [of.stride, of.stride]), kernel];
    await expectAgreement(
      folder,
      {
        nodes: [
          node('MaxPool', ['x'], ['m'], attribute(...shared)),
          node('AveragePool', ['x'], ['a'], attribute(...shared)),
          node('AveragePool', ['x'], ['p'], { ...attribute(...shared, int('count_include_pad', 1)), name: 'padded' }),
        ],
        outputs: ['m', 'a', 'p'],
      },
      [fed('x', 2, 3, 7, 8)],
    );
  });

  it.each(cases)('$kind of transposed convolutions by $stride, dilated by $dilation', async (of) => {
    await expectAgreement(
      folder,
      {
        initializers: [weight('w', 4, 3, 3, 2), weight('b', 6)],
        nodes: [node('ConvTranspose', ['x', 'w', 'b'], ['y'], attribute(...windows(of, 2), int('group', 2)))],
      },
      [fed('x', 2, 4, 5, 4)],
    );
  });

  it('of a transposed convolution with the output’s extents', async () => {
    for (const kind of ['NOTSET', 'SAME_UPPER', 'SAME_LOWER']) {
      for (const extents of [
        [10, 9],
        [12, 10],
      ]) {
        const options = [ints('output_shape', extents), ints('strides', [2, 2]), text('auto_pad', kind)];
        await expectAgreement(
          folder,
          {
            initializers: [weight('w', 4, 3, 3, 4)],
            nodes: [node('ConvTranspose', ['x', 'w'], ['y'], attribute(...options))],
          },
          [fed('x', 2, 4, 5, 4)],
        );
      }
    }
  });

  it.each([
    ['tiles', [2, 2], [2, 2], [0, 0, 0, 0], [1, 1], 0],
    ['overlapping', [3, 2], [2, 1], [1, 0, 1, 1], [1, 1], 0],
    ['dilated', [2, 3], [1, 2], [1, 2, 0, 1], [2, 2], 0],
    ['rounded up', [3, 3], [2, 2], [1, 0, 0, 1], [1, 1], 1],
  ])('pools tell the places of the first maxima: %s', async (_, kernel, strides, pads, dilations, ceil) => {
    const options = attribute(
      ints('kernel_shape', kernel),
      ints('strides', strides),
      ints('pads', pads),
      ints('dilations', dilations),
      int('ceil_mode', ceil),
    );
    // few values, so that most windows have several maxima
    const values = Array.from({ length: 2 * 3 * 7 * 8 }, () => random.below(4) - 2);
    await expectAgreement(
      folder,
      {
        nodes: [
          node('MaxPool', ['x'], ['m', 'i'], options),
          node('Cast', ['i'], ['y'], attribute(int('to', ELEMENT_CODE.float32))),
        ],
        outputs: ['m', 'y'],
      },
      [{ name: 'x', shape: [2, 3, 7, 8], values }],
    );
  });

  it('pools round up where asked', async () => {
    const options = [
      ints('kernel_shape', [3, 3]),
      ints('strides', [2, 2]),
      int('ceil_mode', 1),
      ints('pads', [1, 0, 0, 1]),
    ];
    await expectAgreement(
      folder,
      {
        nodes: [
          node('MaxPool', ['x'], ['m'], attribute(...options)),
          node('AveragePool', ['x'], ['a'], attribute(...options)),
        ],
        outputs: ['m', 'a'],
      },
      [fed('x', 2, 3, 7, 8)],
    );
  });
});

describe('products', () => {
  it.each([
    [[3], [3, 4]],
    [[2, 3], [3]],
    [[3], [3]],
    [[5, 2, 3], [3]],
    [[3], [5, 3, 4]],
    [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    [
      [4, 2, 3],
      [3, 5],
    ],
    [
      [2, 3],
      [4, 3, 5],
    ],
  ])('MatMul of [%s] and [%s], fed and stored', async (a, b) => {
    const nodes = [node('MatMul', ['a', 'b'], ['y'])];
    await expectAgreement(folder, { nodes }, [fed('a', ...a), fed('b', ...b)]);
    await expectAgreement(folder, { nodes, initializers: [weight('b', ...b)] }, [fed('a', ...a)]);
    await expectAgreement(folder, { nodes, initializers: [weight('a', ...a)] }, [fed('b', ...b)]);
  });

  const c = [[], [1], [5], [4, 1], [1, 5], [4, 5]];
  it.each(c.flatMap((shape) => [0, 1].flatMap((a) => [0, 1].map((b) => ({ shape, a, b })))))(
    'Gemm with C [$shape], transA=$a, transB=$b',
    async ({ shape, a, b }) => {
      await expectAgreement(
        folder,
        {
          initializers: [weight('b', ...(b ? [5, 3] : [3, 5])), weight('c', ...shape)],
          nodes: [
            node(
              'Gemm',
              ['a', 'b', 'c'],
              ['y'],
              attribute(real('alpha', 0.5), real('beta', -2), int('transA', a), int('transB', b)),
            ),
            node('Gemm', ['a', 'b'], ['z'], attribute(int('transA', a), int('transB', b))),
          ],
          outputs: ['y', 'z'],
        },
        [fed('a', ...(a ? [3, 4] : [4, 3]))],
      );
    },
  );
});

const REDUCTIONS = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

describe('axes', () => {
  it.each(REDUCTIONS)('of Reduce%s, as attribute and as input, from either end, kept or not', async (kind) => {
    const positive = (feed: Feed): Feed => ({ ...feed, values: feed.values.map((x) => Math.abs(x) + 0.1) });
    const type = `Reduce${kind}`;
    for (const axes of [[1], [-1], [0, -2], [-3, 1, 2]]) {
      for (const keepdims of [0, 1]) {
        const isInput = kind === 'Sum';
        const old = node(
          type,
          isInput ? ['x', 'axes'] : ['x'],
          ['y'],
          attribute(int('keepdims', keepdims), ...(isInput ? [] : [ints('axes', axes)])),
        );
        const initializers = isInput ? [int64s('axes', axes)] : [];
        const x = positive(fed('x', 2, 3, 4));
        await expectAgreement(folder, { nodes: [old], initializers, opset: 13 }, [x]);
        const nodes = [node(type, ['x', 'axes'], ['y'], attribute(int('keepdims', keepdims)))];
        await expectAgreement(folder, { nodes, initializers: [int64s('axes', axes)], opset: 18 }, [x]);
      }
    }
    const x = positive(fed('x', 2, 3));
    for (const noop of [0, 1]) {
      const nodes = [node(type, ['x'], ['y'], attribute(int('noop_with_empty_axes', noop)))];
      if (noop === 0 || ['Sum', 'Mean', 'Max', 'Min', 'Prod'].includes(kind))
        await expectAgreement(folder, { nodes, opset: 18 }, [x]);
    }
  });

  it.each([13, 18])('of Squeeze and Unsqueeze in opset %i', async (opset) => {
    const initializers = [int64s('a', [-1, 0]), int64s('b', [1, -2])];
    const nodes = [
      node('Squeeze', ['x', 'a'], ['s']),
      node('Unsqueeze', ['s', 'b'], ['y']),
      node('Squeeze', ['x'], ['z']),
    ];
    await expectAgreement(folder, { nodes, initializers, outputs: ['y', 'z'], opset }, [fed('x', 1, 3, 2, 1)]);
  });

  it('of Split: equal parts, given parts, and a last one that is smaller', async () => {
    const three = ['p', 'q', 'r'];
    for (const axis of [1, -2]) {
      const along = int('axis', axis);
      await expectAgreement(
        folder,
        { nodes: [node('Split', ['x'], three, attribute(along))], outputs: three, opset: 13 },
        [fed('x', 2, 6, 2)],
      );
      const given = { initializers: [int64s('sizes', [1, 4, 2])], outputs: three };
      const nodes = [node('Split', ['x', 'sizes'], three, attribute(along))];
      for (const opset of [13, 18]) await expectAgreement(folder, { ...given, nodes, opset }, [fed('x', 2, 7, 2)]);
      const counted = [node('Split', ['x'], three, attribute(along, int('num_outputs', 3)))];
      await expectAgreement(folder, { nodes: counted, outputs: three, opset: 18 }, [fed('x', 2, 7, 2)]);
    }
  });

  it.each([
    ['Softmax', [3, 4, 5]],
    ['LogSoftmax', [3, 4, 5]],
    ['Flatten', [2, 3, 4]],
    ['ArgMax', [3, 5]],
    ['ArgMin', [3, 5]],
  ] as const)('of %s', async (type, shape) => {
    for (const axis of shape.keys()) {
      for (const counted of [axis, axis - shape.length]) {
        for (const opset of [13, 18])
          await expectAgreement(folder, { nodes: [node(type, ['x'], ['y'], attribute(int('axis', counted)))], opset }, [
            fed('x', ...shape),
          ]);
      }
    }
  });

  it.each([
    { exclusive: 0, reverse: 0 },
    { exclusive: 1, reverse: 0 },
    { exclusive: 0, reverse: 1 },
    { exclusive: 1, reverse: 1 },
  ])('of CumSum, exclusive=$exclusive, reverse=$reverse, fed and constant', async ({ exclusive, reverse }) => {
    for (const axis of [0, 1, -1]) {
      const options = attribute(int('exclusive', exclusive), int('reverse', reverse));
      await expectAgreement(
        folder,
        {
          initializers: [{ name: 'axis', dims: [], dataType: 7, int64Data: [axis] }, weight('c', 2, 3, 4)],
          nodes: [
            node('CumSum', ['x', 'axis'], ['y'], options),
            node('CumSum', ['c', 'axis'], ['s'], options),
            node('Mul', ['x', 's'], ['z']),
          ],
          outputs: ['y', 'z'],
        },
        [fed('x', 2, 3, 4)],
      );
    }
  });
});

describe('slices', () => {
  const LEAST = -(2 ** 62);
  it.each([
    { starts: [-1], ends: [LEAST], axes: [1], steps: [-1] },
    { starts: [5], ends: [0], axes: [-1], steps: [-2] },
    { starts: [100, 1], ends: [-100, 2 ** 62], axes: [1, 2], steps: [-3, 2] },
    { starts: [-2, 0], ends: [100, -1], axes: [2, 0], steps: [1, 1] },
    { starts: [1, -3], ends: [2, -1], axes: [0, 1], steps: [1, 1] },
    { starts: [0, 3, 6], ends: [2, 0, 1], axes: undefined, steps: [1, -1, -2] },
  ])('from $starts to $ends along $axes by $steps, fed and constant', async ({ starts, ends, axes, steps }) => {
    const lists = [int64s('starts', starts), int64s('ends', ends), int64s('steps', steps)];
    const names = ['starts', 'ends', axes ? 'axes' : '', 'steps'];
    await expectAgreement(
      folder,
      {
        initializers: [...lists, ...(axes ? [int64s('axes', axes)] : []), weight('c', 2, 4, 7)],
        nodes: [
          node('Slice', ['x', ...names], ['a']),
          node('Slice', ['c', ...names], ['b']),
          node('Add', ['a', 'b'], ['y']),
        ],
      },
      [fed('x', 2, 4, 7)],
    );
  });
});

describe('padding', () => {
  it.each(['constant', 'edge', 'reflect', 'wrap'])('by %s, and cutting', async (mode) => {
    const initializers = [int64s('pads', [0, 1, 2, 0, 3, 1]), floats('v', [], [0.5])];
    const nodes = [
      node('Pad', mode === 'constant' ? ['x', 'pads', 'v'] : ['x', 'pads'], ['y'], attribute(text('mode', mode))),
    ];
    for (const opset of mode === 'wrap' ? [19] : [13, 18, 19])
      await expectAgreement(folder, { nodes, initializers, opset }, [fed('x', 2, 5, 4)]);
  });

  it('along some axes, of negative extents', async () => {
    await expectAgreement(
      folder,
      {
        initializers: [int64s('pads', [-1, 2, 1, -2]), int64s('axes', [-1, 1])],
        nodes: [node('Pad', ['x', 'pads', '', 'axes'], ['y'])],
        opset: 18,
      },
      [fed('x', 2, 5, 4)],
    );
  });
});

describe('entries chosen by index', () => {
  it('count from the end where they are negative', async () => {
    const at = (values: number[], ...shape: number[]): Feed => ({ name: 'i', shape, values, type: 'int64' });
    await expectAgreement(folder, { nodes: [node('Gather', ['x', 'i'], ['y'], attribute(int('axis', -2)))] }, [
      fed('x', 2, 5, 3),
      at([-1, 0, -5, 4], 2, 2),
    ]);
    await expectAgreement(folder, { nodes: [node('GatherElements', ['x', 'i'], ['y'], attribute(int('axis', 1)))] }, [
      fed('x', 2, 5),
      at([-1, 0, 3, -5, 2, 1], 2, 3),
    ]);
  });

  it('make one-hot vectors along any axis', async () => {
    for (const axis of [0, 1, -1]) {
      await expectAgreement(
        folder,
        {
          initializers: [{ name: 'd', dims: [], dataType: 7, int64Data: [4] }, floats('v', [2], [-1, 3])],
          nodes: [node('OneHot', ['i', 'd', 'v'], ['y'], attribute(int('axis', axis)))],
        },
        [{ name: 'i', shape: [3], values: [0, -1, 2], type: 'int64' }],
      );
    }
  });
});

describe('normalisations', () => {
  const eps = real('epsilon', 1e-3);
  it('over trailing axes, with and without a bias', async () => {
    for (const axis of [1, -1, -2]) {
      const tail = [3, 4].slice(axis === -1 ? 1 : 0);
      const initializers = [weight('w', ...tail), weight('b', ...tail)];
      for (const inputs of [
        ['x', 'w', 'b'],
        ['x', 'w'],
      ])
        await expectAgreement(
          folder,
          { initializers, nodes: [node('LayerNormalization', inputs, ['y'], attribute(int('axis', axis), eps))] },
          [fed('x', 2, 3, 4)],
          { tolerance: 1e-5 },
        );
    }
  });

  it('of groups, with a scale for each group before opset 21 and for each channel since', async () => {
    for (const [opset, count] of [
      [18, 2],
      [21, 6],
    ]) {
      await expectAgreement(
        folder,
        {
          opset,
          initializers: [weight('w', count), weight('b', count)],
          nodes: [node('GroupNormalization', ['x', 'w', 'b'], ['y'], attribute(int('num_groups', 2), eps))],
        },
        [fed('x', 2, 6, 3, 2)],
        { tolerance: 1e-5 },
      );
    }
  });

  it('by stored statistics, and of each channel', async () => {
    const variance = floats('v', [3], [0.5, 1, 2]);
    const initializers = [weight('w', 3), weight('b', 3), weight('m', 3), variance];
    for (const opset of [13, 15])
      await expectAgreement(
        folder,
        { opset, initializers, nodes: [node('BatchNormalization', ['x', 'w', 'b', 'm', 'v'], ['y'], attribute(eps))] },
        [fed('x', 2, 3, 4)],
      );
    const nodes = [node('InstanceNormalization', ['x', 'w', 'b'], ['y'], attribute(eps))];
    await expectAgreement(folder, { initializers, nodes }, [fed('x', 2, 3, 4, 2)], { tolerance: 1e-5 });
  });
});
