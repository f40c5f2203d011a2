/**
 * `meed import` as a person meets it: which weights of models from PyTorch can be attributed, and why a file is refused. The
 * figures are those of the models' own definitions (test/fixtures/onnx/models.py), or written here by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/foundation/index.js';
import { floats, input, node, onnxFile } from '../graph/onnxImport/onnxFile.js';
import { afterwards, buildCommand, type Finished, meed, temporaryFolder } from './support/command.js';

const FIXTURES = join(packageRoot, 'test', 'fixtures', 'onnx');
const folder = temporaryFolder();

beforeAll(buildCommand);

afterAll(async () => {
  expect(await afterwards(5000)).toEqual([]);
});

interface Listing {
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly shape: readonly unknown[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly samples: number;
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly size: number;
    readonly layers: readonly { readonly node: string; readonly type: string }[];
    readonly attributed: boolean;
    readonly obstacle?: string;
  }[];
}

interface Reference {
  readonly parameters: readonly {
    readonly shape: readonly number[];
    readonly initializers: readonly { readonly name: string }[];
  }[];
}

function referenceOf(name: string): Reference {
  return JSON.parse(readFileSync(join(FIXTURES, `${name}.reference.json`), 'utf8')) as Reference;
}

function trained(name: string): Set<string> {
  return new Set(referenceOf(name).parameters.flatMap(({ initializers }) => initializers.map((one) => one.name)));
}

function fixture(name: string): string {
  return join(FIXTURES, `${name}.onnx`);
}

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function listing(...args: string[]): Promise<Listing> {
  const { status, stdout, stderr } = await meed('import', ...args, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Listing;
}

/** One line of whole sentences on standard error, nothing on standard output, no stack. */
function refusal({ status, stdout, stderr }: Finished): string {
  expect({ status, stdout }, stderr).toEqual({ status: 1, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr.trim();
}

describe('meed import', () => {
  it('lists what PyTorch trained in a classifier, all of it attributed', async () => {
    const found = await listing(fixture('cnn-opset13'));
    expect(found.producer).toMatch(/^pytorch /);
    expect(found.opset).toBe(13);
    expect(found.inputs.map(({ type, shape }) => [type, shape[0]])).toEqual([['real', 'samples']]);
    expect(new Set(found.parameters.map(({ name }) => name))).toEqual(trained('cnn-opset13'));
    for (const { name, shape, size, layers, attributed, obstacle } of found.parameters) {
      expect({ attributed, obstacle }, name).toEqual({ attributed: true, obstacle: undefined });
      expect(size).toBe(shape.reduce((a, b) => a * b, 1));
      expect(layers.length).toBeGreaterThan(0);
    }
  });

  it('binds the dimensions of a decoder, which it asks for', async () => {
    expect(refusal(await meed('import', fixture('decoder-opset13')))).toMatch(/sequence.* open.*--bind sequence=/);
    const found = await listing(fixture('decoder-opset13'), '--bind', 'sequence=5');
    expect(found.inputs).toEqual([{ name: 'input', type: 'index', shape: ['samples', 5] }]);
    expect(found.outputs.map(({ shape }) => shape.slice(0, 2))).toEqual([[found.samples, 5]]);
    expect(new Set(found.parameters.map(({ name }) => name))).toEqual(trained('decoder-opset13'));
    expect(refusal(await meed('import', fixture('decoder-opset13'), '--bind', 'length=5'))).toContain(
      'no dimension "length"',
    );
    const wrong = await meed('import', fixture('decoder-opset13'), '--bind', 'sequence=none');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('batch=8,seq=16');
  });

  it('expands the fused operators of a vendor that it knows, and prints a table for people', async () => {
    const { status, stdout } = await meed('import', fixture('fused-vendor'), '--bind', 'sequence=4');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^input {3}\S+: samples × 4 \(index\)$/m);
    expect(stdout).toMatch(/^blocks\.0\.up\.bias +64 +64 +com\.microsoft\.FastGelu +yes$/m);
    const numbers = referenceOf('fused-vendor')
      .parameters.filter(({ initializers }) => initializers.length > 0)
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(stdout).toContain(`${numbers} numbers in`);
    expect(stdout).toContain(`; ${numbers} of them can be attributed.`);
  });

  it('lists every operator that it lacks at once, by node, a vendor’s by its domain', async () => {
    const path = written(
      'unsupported.onnx',
      onnxFile({
        inputs: [input('x', ['n', 2])],
        initializers: [floats('w', [2, 2], [1, 2, 3, 4])],
        nodes: [
          node('MatMul', ['x', 'w'], ['a']),
          node('GridSample', ['a', 'a'], ['b'], { name: '/warp/GridSample' }),
          node('Relu', ['b'], ['c']),
          node('LongformerAttention', ['c'], ['d'], { domain: 'com.microsoft', name: 'attention.3' }),
          node('GridSample', ['d', 'a'], ['y'], { name: '/warp/GridSample_1' }),
        ],
      }),
    );
    for (const args of [[path], [path, '--json']]) {
      const said = refusal(await meed('import', ...args));
      expect(said).toContain('2 operators');
      expect(said).toContain('GridSample ("/warp/GridSample", "/warp/GridSample_1")');
      expect(said).toContain('com.microsoft.LongformerAttention ("attention.3")');
      expect(said).not.toContain('MatMul');
    }
  });

  it('says of each weight why it cannot be attributed, and takes --freeze, and refuses names it lacks', async () => {
    const path = written(
      'mixed.onnx',
      onnxFile({
        inputs: [input('x', [4, 2])],
        initializers: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6]), floats('mixer', [4, 4], new Array<number>(16).fill(1))],
        nodes: [node('MatMul', ['x', 'w'], ['a']), node('MatMul', ['mixer', 'a'], ['y'], { name: 'mix' })],
      }),
    );
    const mixed = await listing(path);
    expect(mixed.parameters.map(({ name, attributed }) => [name, attributed])).toEqual([
      ['w', false],
      ['mixer', false],
    ]);
    for (const { obstacle } of mixed.parameters) expect(obstacle).toMatch(/MatMul "mix" mixes the samples/);
    expect((await listing(path, '--freeze', 'mixer')).parameters.map(({ name }) => name)).toEqual(['w']);
    expect(refusal(await meed('import', path, '--train', 'v'))).toContain('no float tensor "v"');
  });

  it('refuses a file that is missing or no ONNX in one sentence', async () => {
    expect(refusal(await meed('import', join(folder, 'none.onnx')))).toContain('does not exist');
    const text = written('text.onnx', new TextEncoder().encode('{"not": "onnx"}'));
    expect(refusal(await meed('import', text))).toContain('no whole ONNX file');
    const whole = readFileSync(fixture('mlp-opset13'));
    expect(refusal(await meed('import', written('half.onnx', whole.subarray(0, whole.length / 2))))).toContain(
      'no whole ONNX file',
    );
  });
});
