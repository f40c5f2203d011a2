/**
 * Bytes of an `.onnx` file to plain objects, by the schema alone: no meaning is checked here but that the protobuf is whole.
 * The trap: protobuf knows no absent number, so a field that was not written reads as 0.
 */
import { MeedError, messageOf } from '../../foundation/index.js';
import { ONNX_SCHEMA } from '../onnxSchema.js';

export interface TensorProto {
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly number[];
  readonly name: string;
  readonly rawData: Uint8Array;
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly number[];
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
  readonly dataLocation: number;
}

export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t: TensorProto | null;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly type: number;
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly attribute: readonly AttributeProto[];
  readonly domain: string;
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue: number; readonly dimParam: string }[] } | null;
    } | null;
  } | null;
}

export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly graph: {
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
    readonly sparseInitializer: readonly object[];
  } | null;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly functions: readonly { readonly name: string; readonly domain: string }[];
}

/** @throws MeedError when the bytes are no protobuf of the schema, or only a part of one */
export function parseModel(bytes: Uint8Array, path: string): ModelProto {
  const type = ONNX_SCHEMA.lookupType('ModelProto');
  try {
    const message = type.decode(bytes);
    return type.toObject(message, { longs: Number, defaults: true, arrays: true }) as ModelProto;
  } catch (error) {
    throw new MeedError(
      `${path} is no whole ONNX file: ${messageOf(error)}`,
      'Export or copy it again; perhaps it was cut short',
      {
        cause: error,
      },
    );
  }
}
