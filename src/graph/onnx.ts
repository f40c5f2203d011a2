/**
 * Encodes a graph as an ONNX model (IR 8, opset 18), the form in which engines run it and auditors hash it. The schema is
 * in onnxSchema.ts.
 * The trap: names must be unique and stable, so that equal graphs give equal bytes.
 */
import type { Constant, Graph, OnnxAttribute, OnnxSink, Provider } from './graph.js';
import { ATTRIBUTE_CODE, ELEMENT_CODE, ONNX_SCHEMA } from './onnxSchema.js';

const ELEMENT = { float32: ELEMENT_CODE.float32, float64: ELEMENT_CODE.float64 } as const;
const IR_VERSION = 8;
export const OPSET = 18;

/** The type of every number of a graph when it runs. Constants are kept as precisely as they were given. */
export type Precision = keyof typeof ELEMENT;

/**
 * @param provider what it will run on; a file made for one runs on every other, slower or not all of it there
 * @returns the bytes of an `.onnx` file
 */
export function encodeOnnx(graph: Graph, precision: Precision = 'float32', provider: Provider = 'cpu'): Uint8Array {
  const element = ELEMENT[precision];
  const Numbers = precision === 'float32' ? Float32Array : Float64Array;
  const asNumbers = (data: readonly number[] | Constant['data']): Constant['data'] =>
    data instanceof Numbers ? data : new Numbers(data);
  const nodes: object[] = [];
  const initializers: object[] = graph.constants.map(({ value, data }) =>
    tensor(nameOf(value.id), element, value.shape, asNumbers(data)),
  );
  const names = new Map([...graph.inputs].map(([name, value]) => [value.id, name]));
  const computed = new Set(graph.nodes.map(({ output }) => output.id));
  // a copy would be one more pass over a value that the graph itself reads too
  for (const [name, { id }] of graph.outputs) if (computed.has(id) && !names.has(id)) names.set(id, name);
  const name = (id: number): string => names.get(id) ?? nameOf(id);

  for (const node of graph.nodes) {
    const output = nameOf(node.output.id);
    let part = 0;
    const own: { input: readonly string[]; output: string[]; opType: string; name: string; attribute: object[] }[] = [];
    const sink: OnnxSink = {
      provider,
      element,
      emit(opType, input, attributes) {
        return sink.emitOutputs(opType, input, 1, attributes)[0];
      },
      emitOutputs(opType, input, count, attributes = {}) {
        const results = Array.from({ length: count }, () => `${output}_${part++}`);
        own.push({ input, output: results, opType, name: results[0], attribute: encodeAttributes(attributes) });
        return results;
      },
      int64(values) {
        const result = `${output}_c${part++}`;
        initializers.push(tensor(result, ELEMENT_CODE.int64, [values.length], BigInt64Array.from(values, BigInt)));
        return result;
      },
      scalar(value) {
        const result = `${output}_c${part++}`;
        initializers.push(tensor(result, element, [], asNumbers([value])));
        return result;
      },
    };
    node.operator.lower(
      sink,
      node.inputs.map(({ id }) => name(id)),
      node,
    );
    own[own.length - 1].output[0] = name(node.output.id);
    nodes.push(...own);
  }
  for (const [outputName, { id }] of graph.outputs) {
    if (name(id) === outputName) continue;
    nodes.push({
      input: [name(id)],
      output: [outputName],
      opType: 'Identity',
      name: `output_${outputName}`,
      attribute: [],
    });
  }
  const info = ([valueName, value]: [string, { shape: readonly number[] }]): object => ({
    name: valueName,
    type: { tensorType: { elemType: element, shape: { dim: value.shape.map((dimValue) => ({ dimValue })) } } },
  });
  const model = ONNX_SCHEMA.lookupType('ModelProto');
  return model
    .encode(
      model.create({
        irVersion: IR_VERSION,
        producerName: 'meed',
        opsetImport: [{ domain: '', version: OPSET }],
        graph: {
          name: 'meed',
          node: nodes,
          initializer: initializers,
          input: [...graph.inputs].map(info),
          output: [...graph.outputs].map(info),
        },
      }),
    )
    .finish();
}

function nameOf(id: number): string {
  return `v${id}`;
}

function encodeAttributes(attributes: Readonly<Record<string, OnnxAttribute>>): object[] {
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE_CODE.int };
    if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE_CODE.string };
    if ('float' in value) return { name, f: value.float, type: ATTRIBUTE_CODE.float };
    return { name, ints: value, type: ATTRIBUTE_CODE.ints };
  });
}

function tensor(
  name: string,
  dataType: number,
  dims: readonly number[],
  data: Float32Array | Float64Array | BigInt64Array,
): object {
  return { name, dataType, dims, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}
