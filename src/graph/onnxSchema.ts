/**
 * The part of onnx.proto3 (ONNX, Apache-2.0) that graphs are written with and read from; field numbers are the standard's.
 * The trap: a field that is not listed here is skipped without a word when a file is read, so what changes a model's
 * meaning (sparse initializers, functions, subgraphs) is listed in order to be refused by name.
 */
import protobuf from 'protobufjs';

const repeated = 'repeated';

export const ONNX_SCHEMA = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        producerVersion: { type: 'string', id: 3 },
        graph: { type: 'GraphProto', id: 7 },
        opsetImport: { rule: repeated, type: 'OperatorSetIdProto', id: 8 },
        functions: { rule: repeated, type: 'FunctionProto', id: 25 },
      },
    },
    OperatorSetIdProto: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    FunctionProto: { fields: { name: { type: 'string', id: 1 }, domain: { type: 'string', id: 10 } } },
    GraphProto: {
      fields: {
        node: { rule: repeated, type: 'NodeProto', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: repeated, type: 'TensorProto', id: 5 },
        input: { rule: repeated, type: 'ValueInfoProto', id: 11 },
        output: { rule: repeated, type: 'ValueInfoProto', id: 12 },
        sparseInitializer: { rule: repeated, type: 'SparseTensorProto', id: 15 },
      },
    },
    SparseTensorProto: { fields: { values: { type: 'TensorProto', id: 1 } } },
    NodeProto: {
      fields: {
        input: { rule: repeated, type: 'string', id: 1 },
        output: { rule: repeated, type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: repeated, type: 'AttributeProto', id: 5 },
        domain: { type: 'string', id: 7 },
      },
    },
    AttributeProto: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        t: { type: 'TensorProto', id: 5 },
        floats: { rule: repeated, type: 'float', id: 7 },
        ints: { rule: repeated, type: 'int64', id: 8 },
        strings: { rule: repeated, type: 'bytes', id: 9 },
        type: { type: 'int32', id: 20 },
      },
    },
    TensorProto: {
      fields: {
        dims: { rule: repeated, type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        floatData: { rule: repeated, type: 'float', id: 4 },
        int32Data: { rule: repeated, type: 'int32', id: 5 },
        int64Data: { rule: repeated, type: 'int64', id: 7 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
        doubleData: { rule: repeated, type: 'double', id: 10 },
        uint64Data: { rule: repeated, type: 'uint64', id: 11 },
        externalData: { rule: repeated, type: 'StringStringEntryProto', id: 13 },
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    StringStringEntryProto: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    TypeProto: { fields: { tensorType: { type: 'TypeProtoTensor', id: 1 } } },
    TypeProtoTensor: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShapeProto', id: 2 } } },
    TensorShapeProto: { fields: { dim: { rule: repeated, type: 'DimensionProto', id: 1 } } },
    DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
});

/** TensorProto.DataType. */
export const ELEMENT_CODE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_CODE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;
