/** Malformed and hostile files: always a sentence, never a crash, never a read outside the folder. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../../src/foundation/index.js';
import { type ReadOptions, readOnnx } from '../../../src/graph/index.js';
import { type FileParts, floats, input, int64s, ints, node, onnxFile, text } from './onnxFile.js';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'meed-onnx-'));
  folder = join(root, 'model');
  await mkdir(folder);
  await writeFile(join(root, 'secret.bin'), new Uint8Array(64));
  await writeFile(join(folder, 'weights.bin'), new Uint8Array(16));
  await symlink(join(root, 'secret.bin'), join(folder, 'link.bin'));
});
afterAll(() => rm(root, { recursive: true }));

async function refusal(bytes: Uint8Array, options?: ReadOptions): Promise<string> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  const error = await readOnnx(path, options).then(
    () => 'it was read',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MeedError);
  return (error as MeedError).message;
}

const linear: FileParts = {
  nodes: [node('MatMul', ['x', 'w'], ['y'])],
  initializers: [floats('w', [2, 2], [1, 2, 3, 4])],
  inputs: [input('x', ['n', 2])],
};

const weight = (tensor: object): Uint8Array =>
  onnxFile({ ...linear, initializers: [{ name: 'w', dims: [2, 2], dataType: 1, ...tensor }] });

const external = (location: string, more: readonly object[] = []): Uint8Array =>
  weight({ dataLocation: 1, externalData: [{ key: 'location', value: location }, ...more] });

describe('files', () => {
  it('cut anywhere are refused or, where only trailing fields are lost, still checked', async () => {
    const whole = onnxFile(linear);
    for (let length = 0; length < whole.length; length++) await refusal(whole.slice(0, length));
  });

  it('with any byte changed are read or refused, never a crash', async () => {
    const whole = onnxFile(linear);
    const path = join(folder, 'changed.onnx');
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        await writeFile(path, whole.with(at, whole[at] ^ change));
        await readOnnx(path).catch((error: unknown) => expect(error).toBeInstanceOf(MeedError));
      }),
      { numRuns: 300 },
    );
  });

  it('that are not there or of other operator sets are refused', async () => {
    await expect(readOnnx(join(folder, 'none.onnx'))).rejects.toThrow('does not exist');
    expect(await refusal(onnxFile({ ...linear, opset: 9 }))).toContain('operator set 9');
    expect(await refusal(new TextEncoder().encode('not a model'))).toContain('no whole ONNX file');
  });
});

describe('tensors', () => {
  it('that claim more than they hold are refused before anything is allocated', async () => {
    expect(await refusal(weight({ dims: [2 ** 31, 2 ** 10], rawData: new Uint8Array(16) }))).toContain('claims');
    expect(await refusal(weight({ dims: [1e6, 1e6, 1e6], rawData: new Uint8Array(16) }))).toContain('claims');
    expect(await refusal(weight({ dims: [-2, -2], rawData: new Uint8Array(16) }))).toContain('claims');
    expect(await refusal(weight({ rawData: new Uint8Array(15) }))).toContain('holds 15 bytes');
    expect(await refusal(weight({ floatData: [1, 2, 3] }))).toContain('holds 3 numbers');
    expect(await refusal(weight({ dataType: 8 }))).toContain('strings');
    expect(await refusal(weight({ dataType: 99 }))).toContain('code 99');
  });

  it('that are computed to a huge size are refused', async () => {
    const huge: FileParts = {
      nodes: [node('ConstantOfShape', ['s'], ['c']), node('Add', ['x', 'c'], ['y'])],
      initializers: [int64s('s', [2 ** 20, 2 ** 20])],
      inputs: [input('x', ['n', 2])],
    };
    expect(await refusal(onnxFile(huge))).toContain('at most');
    const along = [int64s('axis', [1]), int64s('pads', [0, 0, 0, 2 ** 31])];
    const row = { inputs: [input('x', ['n', 2 ** 20])], initializers: along };
    expect(await refusal(onnxFile({ ...row, nodes: [node('CumSum', ['x', 'axis'], ['y'])] }))).toContain('at most');
    const edge = node('Pad', ['x', 'pads'], ['y'], { attribute: [text('mode', 'edge')] });
    expect(await refusal(onnxFile({ ...row, nodes: [edge] }))).toContain('at most');
    const stretched = { ...huge, nodes: [node('Expand', ['x', 's'], ['y'])], inputs: [input('x', [1, 1])] };
    expect(await refusal(onnxFile(stretched))).toContain('The node "Expand of x,s"');
  });

  it('that an attribute, a constant or an input makes huge are refused before anything is allocated', async () => {
    const attributed = (type: string, attribute: readonly object[], extents: readonly (number | string)[]) =>
      refusal(onnxFile({ nodes: [node(type, ['x'], ['y'], { attribute })], inputs: [input('x', extents)] }));
    const split = [{ name: 'num_outputs', i: 2 ** 30, type: 2 }];
    expect(await attributed('Split', split, ['n', 2])).toContain('into 1073741824 parts');
    const wide = [ints('kernel_shape', [2 ** 13]), ints('pads', [2 ** 14, 2 ** 14])];
    expect(await attributed('AveragePool', wide, ['n', 1, 4])).toContain('A kernel [8192]');
    expect(await attributed('ConvTranspose', [], ['n', 2 ** 40])).toContain('at most');
    expect(await attributed('Trilu', [], ['n', 2 ** 28])).toContain('at most');
    const given = (type: string, list: readonly number[]) =>
      refusal(
        onnxFile({
          nodes: [node(type, ['x', 'list'], ['y'])],
          inputs: [input('x', ['n', 2])],
          initializers: [int64s('list', list)],
        }),
      );
    expect(await given('Tile', [1, 2 ** 40])).toContain('at most');
    expect(await given('Pad', [0, 0, 0, 2 ** 40])).toContain('at most');
    expect(await given('Expand', [2, 0])).toContain('do not broadcast');
    const hot = {
      nodes: [node('OneHot', ['x', 'depth', 'values'], ['y'])],
      inputs: [input('x', ['n'], 7)],
      initializers: [int64s('depth', [2 ** 30]), floats('values', [2], [0, 1])],
    };
    expect(await refusal(onnxFile(hot))).toContain('at most');
  });

  it('that a computation leaves without a number, or fills with none, are refused', async () => {
    const to = { nodes: [node('Expand', ['x', 's'], ['y'])], initializers: [int64s('s', [1, 0])] };
    expect(await refusal(onnxFile({ ...to, inputs: [input('x', ['n', 1])] }))).toContain('leaves nothing');
    const value = { name: 'value', type: 4, t: { dims: [0], dataType: 1 } };
    const fill = node('ConstantOfShape', ['s'], ['y'], { attribute: [value] });
    const filled = { nodes: [fill], initializers: [int64s('s', [2])], inputs: [input('x', ['n', 1])] };
    expect(await refusal(onnxFile(filled))).toContain('fills a tensor with 0 numbers');
  });
});

describe('external data', () => {
  it('is read from the folder', async () => {
    const path = join(folder, 'model.onnx');
    await writeFile(path, external('weights.bin'));
    expect((await readOnnx(path)).parameters[0].data).toEqual(new Float32Array(4));
  });

  it.each([
    '../secret.bin',
    'a/../../secret.bin',
    '/etc/hostname',
    'link.bin',
    '',
    '.',
    'C:\\x',
    '..\\secret.bin',
    'a\0b',
  ])('at "%s" is refused', async (location) => {
    expect(await refusal(external(location))).toContain('not inside the folder');
  });

  it('outside the other file, or of another length, is refused', async () => {
    const at = (key: string, value: string): Uint8Array => external('weights.bin', [{ key, value }]);
    expect(await refusal(at('offset', '4'))).toContain('ends at byte 20 of weights.bin, which has 16');
    expect(await refusal(at('offset', '-4'))).toContain('"-4"');
    expect(await refusal(at('offset', '99999999999999999999'))).toContain('offset');
    expect(await refusal(at('length', '8'))).toContain('is 8 bytes');
    expect(await refusal(external('missing.bin'))).toContain('does not exist');
    const whole = {
      dims: [2 ** 20, 2 ** 20],
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'weights.bin' }],
    };
    expect(await refusal(weight(whole))).toContain('which has 16');
  });
});

describe('graphs', () => {
  const two = { inputs: [input('x', ['n', 2])] };

  it('with a cycle, names used twice, or names that nothing defines are refused', async () => {
    const cycle = [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])];
    expect(await refusal(onnxFile({ ...two, nodes: cycle }))).toContain('before it is computed');
    expect(await refusal(onnxFile({ ...two, nodes: [node('Relu', ['z'], ['y'])] }))).toContain('which nothing defines');
    const twice = [node('Relu', ['x'], ['y']), node('Exp', ['x'], ['y'])];
    expect(await refusal(onnxFile({ ...two, nodes: twice }))).toContain('defined twice');
    expect(await refusal(onnxFile({ ...two, nodes: [node('Relu', ['x'], ['z'])] }))).toContain('Nothing computes');
    expect(await refusal(onnxFile({ ...two, nodes: [node('Relu', [], ['y'])] }))).toContain('has no input 0');
  });

  it('with shapes that do not fit name the node', async () => {
    const parts = { ...linear, initializers: [floats('w', [3, 1], [1, 2, 3])] };
    expect(await refusal(onnxFile(parts))).toContain('The node "MatMul of x,w" (MatMul)');
    const bias = node('Gemm', ['x', 'w', 'c'], ['y']);
    const wider = [floats('w', [2, 1], [1, 2]), floats('c', [3, 1, 1], [1, 2, 3])];
    expect(await refusal(onnxFile({ ...two, nodes: [bias], initializers: wider }))).toContain('adds [3,1,1] to [2,1]');
    expect(await refusal(onnxFile({ ...two, nodes: [node('Sum', [], ['y'])] }))).toContain('has no input 0');
    expect(await refusal(onnxFile({ ...two, nodes: [node('Concat', [], ['y'])] }))).toContain('has no input 0');
    const bad = node('Transpose', ['x'], ['y'], { attribute: [ints('perm', [0, 5])] });
    expect(await refusal(onnxFile({ ...two, nodes: [bad] }))).toContain('Transpose of x');
    const half = node('Softmax', ['x'], ['y'], { attribute: [{ name: 'axis', f: 0.5, type: 1 }] });
    expect(await refusal(onnxFile({ ...two, nodes: [half] }))).toContain('"axis" that is no whole number: 0.5');
    const perm = node('Transpose', ['x'], ['y'], { attribute: [{ name: 'perm', floats: [1, 0.5], type: 6 }] });
    expect(await refusal(onnxFile({ ...two, nodes: [perm] }))).toContain('other than whole numbers: [1,0.5]');
    const axis = node('Softmax', ['x'], ['y'], { attribute: [{ name: 'axis', i: 7, type: 2 }] });
    expect(await refusal(onnxFile({ ...two, nodes: [axis] }))).toContain('names the axis 7');
  });

  it('with operators that are not there list them all with their nodes', async () => {
    const message = await refusal(
      onnxFile({
        ...two,
        nodes: [
          node('GridSample', ['x'], ['a']),
          node('Relu', ['a'], ['b']),
          node('Attention', ['b'], ['c'], { domain: 'com.microsoft' }),
          node('constructor', ['c'], ['d']),
          node('GridSample', ['d'], ['y'], { name: 'second' }),
        ],
      }),
    );
    expect(message).toContain('3 operators');
    expect(message).toContain('GridSample ("GridSample of x", "second")');
    expect(message).toContain('com.microsoft.Attention ("Attention of b")');
    expect(message).toContain('constructor');
  });

  it('with operators that the file defines itself are refused, whatever their names', async () => {
    const functions = [
      { name: 'Relu', domain: '' },
      { name: 'Gelu', domain: 'com.microsoft' },
    ];
    const nodes = [node('Relu', ['x'], ['a']), node('Gelu', ['a'], ['y'], { domain: 'com.microsoft' })];
    const message = await refusal(onnxFile({ ...two, nodes, functions, domains: ['com.microsoft'] }));
    expect(message).toContain('function Relu ("Relu of x"); function com.microsoft.Gelu ("Gelu of a")');
  });

  it('in training mode are refused by name', async () => {
    const attribute = [{ name: 'training_mode', i: 1, type: 2 }];
    const norm = node('BatchNormalization', ['x', 'w', 'w', 'w', 'w'], ['y'], { attribute });
    const parts = { ...two, nodes: [norm], initializers: [floats('w', [2], [1, 1])] };
    expect(await refusal(onnxFile(parts))).toMatch(/BatchNormalization of .*training_mode=1.*mixes samples/);
  });

  it('with open, unknown or senseless dimensions are refused', async () => {
    const open = onnxFile({ nodes: [node('Relu', ['x'], ['y'])], inputs: [input('x', ['n', 's', 't'])] });
    expect(await refusal(open)).toContain('--bind s=8,t=8');
    const named = onnxFile({ nodes: [node('Relu', ['x'], ['y'])], inputs: [input('x', ['n', 'constructor'])] });
    expect(await refusal(named)).toContain('--bind constructor=8');
    expect(await refusal(open, { bind: { s: 2, t: 0 } })).toContain('bound to 0');
    expect(await refusal(open, { bind: { s: 2, t: 2, u: 2 } })).toContain('no dimension "u"');
    expect(await refusal(onnxFile(linear), { frozen: ['v'] })).toContain('no float tensor "v"');
  });
});
