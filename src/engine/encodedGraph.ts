/**
 * A graph as structured data, to be run where the graph's operators cannot come: another thread, another machine. It is
 * the ONNX file that the CPU runs anyway, so nothing is translated twice.
 */
import { encodeOnnx, type Graph, type Shape } from '../graph/index.js';

export interface NamedShape {
  readonly name: string;
  readonly shape: Shape;
}

export interface Signature {
  readonly inputs: readonly NamedShape[];
  readonly outputs: readonly NamedShape[];
}

export interface EncodedGraph extends Signature {
  /** Bytes of an `.onnx` file, float32. */
  readonly onnx: Uint8Array;
}

export function encodeGraph(graph: Graph): EncodedGraph {
  return { onnx: encodeOnnx(graph), ...signatureOf(graph) };
}

export function signatureOf(graph: Graph): Signature {
  const named = (values: Graph['inputs']): NamedShape[] => [...values].map(([name, { shape }]) => ({ name, shape }));
  return { inputs: named(graph.inputs), outputs: named(graph.outputs) };
}
