/**
 * c = a·b as an ONNX file, written field by field (onnx.proto3: ModelProto, GraphProto, NodeProto, ValueInfoProto), so
 * that these tests need the engine alone and no layer above the one they test.
 */
const bytes = (field: number, content: Uint8Array): Uint8Array =>
  Uint8Array.of((field << 3) | 2, content.length, ...content);
const text = (field: number, content: string): Uint8Array => bytes(field, new TextEncoder().encode(content));
const number = (field: number, value: number): Uint8Array => Uint8Array.of(field << 3, value);
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

function matrix(name: string, rows: string, columns: string): Uint8Array {
  const shape = join(...[rows, columns].map((extent) => bytes(1, text(2, extent))));
  const FLOAT = 1;
  return join(text(1, name), bytes(2, bytes(1, join(number(1, FLOAT), bytes(2, shape)))));
}

const node = join(text(1, 'a'), text(1, 'b'), text(2, 'c'), text(4, 'MatMul'));
const graph = join(
  bytes(1, node),
  text(2, 'product'),
  bytes(11, matrix('a', 'm', 'k')),
  bytes(11, matrix('b', 'k', 'n')),
  bytes(12, matrix('c', 'm', 'n')),
);

export const productModel: Uint8Array = join(number(1, 8), bytes(7, graph), bytes(8, number(2, 17)));
