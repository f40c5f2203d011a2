/** Small ONNX files for tests, written by the schema itself: whatever a hostile or odd exporter could write. */
import { ONNX_SCHEMA } from '../../../src/graph/onnxSchema.js';

export interface FileParts {
  readonly nodes: readonly object[];
  readonly initializers?: readonly object[];
  readonly inputs?: readonly object[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** Operator sets of others, each at version 1. */
  readonly domains?: readonly string[];
  /** Operators that the file defines itself. */
  readonly functions?: readonly { readonly name: string; readonly domain: string }[];
}

export function onnxFile({
  nodes,
  initializers = [],
  inputs = [],
  outputs = ['y'],
  opset = 18,
  domains = [],
  functions = [],
}: FileParts): Uint8Array {
  const model = ONNX_SCHEMA.lookupType('ModelProto');
  return model
    .encode(
      model.create({
        irVersion: opset < 20 ? 8 : 10,
        functions,
        opsetImport: [{ domain: '', version: opset }, ...domains.map((domain) => ({ domain, version: 1 }))],
        graph: {
          name: 'graph',
          node: nodes,
          initializer: initializers,
          input: inputs,
          output: outputs.map((name) => ({ name })),
        },
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

export function real(name: string, value: number): object {
  return { name, f: value, type: 1 };
}

export function text(name: string, value: string): object {
  return { name, s: new TextEncoder().encode(value), type: 3 };
}
