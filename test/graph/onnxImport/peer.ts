/**
 * ONNX Runtime as the judge of what a file means: it runs the original bytes, the imported graph runs in the float64
 * interpreter, and the outputs are compared. Neither our exporter nor our engines take part.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect } from 'vitest';
import { GraphBuilder, interpret, readOnnx } from '../../../src/graph/index.js';
import { ELEMENT_CODE } from '../../../src/graph/onnxSchema.js';
import { type FileParts, input, onnxFile } from './onnxFile.js';

export interface Feed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly type?: 'float32' | 'float64' | 'int64' | 'int32' | 'bool';
}

export interface Agreement {
  /** Of the largest entry; 2e-6 unless told. */
  readonly tolerance?: number;
}

const pack = {
  float32: (values: readonly number[]) => Float32Array.from(values),
  float64: (values: readonly number[]) => Float64Array.from(values),
  int64: (values: readonly number[]) => BigInt64Array.from(values, BigInt),
  int32: (values: readonly number[]) => Int32Array.from(values),
  bool: (values: readonly number[]) => Uint8Array.from(values),
};

/** Runs the file both ways. @param parts its `inputs` are made from the feeds */
export async function expectAgreement(
  folder: string,
  parts: Omit<FileParts, 'inputs'>,
  feeds: readonly Feed[],
  { tolerance = 2e-6 }: Agreement = {},
): Promise<void> {
  const bytes = onnxFile({
    ...parts,
    inputs: feeds.map(({ name, shape, type = 'float32' }) => input(name, shape, ELEMENT_CODE[type])),
  });
  const expected = await original(bytes, feeds);
  const actual = await imported(folder, bytes, feeds);
  expect(Object.keys(actual)).toEqual([...(parts.outputs ?? ['y'])]);
  for (const [name, { shape, data }] of Object.entries(actual)) {
    const peer = expected[name];
    expect({ name, shape }).toEqual({ name, shape: peer.dims });
    const values = Array.from(peer.data as ArrayLike<number | bigint>, Number);
    expect(data.length).toBe(values.length);
    const scale = Math.max(1e-3, ...values.map(Math.abs).filter(Number.isFinite));
    for (const [i, value] of values.entries()) {
      const close = Object.is(data[i], value) || data[i] === value || Math.abs(data[i] - value) <= tolerance * scale;
      expect(close, `entry ${i} of "${name}" is ${data[i]}, ONNX Runtime says ${value}`).toBe(true);
    }
  }
}

async function original(bytes: Uint8Array, feeds: readonly Feed[]): Promise<InferenceSession.OnnxValueMapType> {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const tensors = feeds.map(({ name, shape, values, type = 'float32' }) => [
      name,
      new Tensor(type, pack[type](values), shape),
    ]);
    return await session.run(Object.fromEntries(tensors));
  } finally {
    await session.release();
  }
}

async function imported(folder: string, bytes: Uint8Array, feeds: readonly Feed[]) {
  const path = join(folder, 'peer.onnx');
  await writeFile(path, bytes);
  const model = await readOnnx(path);
  const g = new GraphBuilder();
  const inputs = model.inputs.map((one) => g.input(one.name, model.inputShape(one, model.samples)));
  const parameters = model.parameters.map(({ data, shape }) => g.constant(data, shape));
  const graph = g.build(model.build(g, { samples: model.samples, parameters, inputs }));
  return interpret(graph, Object.fromEntries(feeds.map(({ name, values }) => [name, values])));
}
