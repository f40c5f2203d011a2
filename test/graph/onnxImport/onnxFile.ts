/** Small ONNX files for tests, written by the schema itself: whatever a hostile or odd exporter could write. */
import { ONNX_SCHEMA } from '../../../src/graph/onnxSchema.js';

export interface FileParts {
  readonly nodes: readonly object[];
  readonly initializers?: readonly object[];
  readonly inputs?: readonly object[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

export function onnxFile({
  nodes,
  initializers = [],
  inputs = [],
  outputs = ['y'],
  opset = 18,
}: FileParts): Uint8Array {
  const model = ONNX_SCHEMA.lookupType('ModelProto');
  return model
    .encode(
      model.create({
        irVersion: 8,
        opsetImport: [{ domain: '', version: opset }],
        graph: { node: nodes, initializer: initializers, input: inputs, output: outputs.map((name) => ({ name })) },
      }),
    )
    .finish();
}

export function node(opType: string, input: readonly string[], output: readonly string[], more: object = {}): object {
  return { opType, input, output, name: `${opType} of ${input}`, ...more };
}

export function input(name: string, dims: readonly (number | string)[], elemType = 1): object {
  const dim = dims.map((one) => (typeof one === 'string' ? { dimParam: one } : { dimValue: one }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function floats(name: string, dims: readonly number[], values: readonly number[]): object {
  return { name, dims, dataType: 1, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64s(name: string, values: readonly number[]): object {
  return { name, dims: [values.length], dataType: 7, int64Data: values };
}

export function ints(name: string, values: readonly number[]): object {
  return { name, ints: values, type: 7 };
}

export function int(name: string, value: number): object {
  return { name, i: value, type: 2 };
}
