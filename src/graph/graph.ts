/**
 * A typed tensor graph: values with static shapes, nodes in topological order, operators that are ONNX operators or short
 * combinations of them. A graph is data: differentiation, ONNX encoding and both engines read the same object.
 * The trap: a builder only appends, so a node's inputs always exist before it and no graph can have a cycle.
 */
import { MeedError } from '../foundation/index.js';
import type { FactorContext, FactorTerm } from './factorTerm.js';
import type { SampleLayout } from './sampleLayout.js';
import type { Tfjs, TfTensor } from './tfjs.js';

export type Shape = readonly number[];

export interface Value {
  readonly id: number;
  readonly shape: Shape;
}

export type Attributes = Readonly<Record<string, number | readonly number[]>>;

export interface Node {
  readonly operator: Operator;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly output: Value;
  /** What a person calls it: the node of an imported file, the layer of a model. */
  readonly label?: string;
}

export interface Constant {
  readonly value: Value;
  readonly data: Float32Array | Float64Array;
}

export interface Graph {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
}

/** A tensor of the float64 oracle. */
export interface Float64Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** A number is ONNX's INT, a list INTS, a text STRING. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

/**
 * ONNX Runtime's provider that a graph is lowered for. They compute the same; on WebGPU what it has no kernel for, or
 * only for other types, is said in operators that it has, so that nothing is handed back to the CPU.
 */
export type Provider = 'cpu' | 'cuda' | 'webgpu';

/** Receives the ONNX nodes of one operator; see onnx.ts. */
export interface OnnxSink {
  readonly provider: Provider;
  /** ONNX's code of the numbers' type (1 = float32, 11 = float64), for Cast. */
  readonly element: number;
  /** Appends an ONNX node and returns the name of its output; the last one emitted is the operator's output. */
  emit(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /** The same for an ONNX operator of several outputs, of which none is the operator's. */
  emitOutputs(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): readonly string[];
  /** An int64 constant, for shapes and axes. */
  int64(values: readonly number[]): string;
  /** A scalar of the graph's own type. */
  scalar(value: number): string;
}

/** One operator, whole: adding an operator is adding one of these. */
export interface Operator {
  readonly name: string;
  /** @throws MeedError when the inputs' shapes do not fit */
  shape(inputs: readonly Shape[], attributes: Attributes): Shape;
  /** Lowers to ONNX (opset 18). */
  lower(sink: OnnxSink, inputs: readonly string[], node: Node): void;
  /** The float64 oracle. */
  interpret(inputs: readonly Float64Tensor[], node: Node): Float64Array;
  /** The same on TensorFlow.js; intermediate tensors are tidied by the caller. */
  tfjs(tf: Tfjs, inputs: readonly TfTensor[], node: Node): TfTensor;
  /** Where the samples of a batch stand in the output, given where they stand in the inputs; see sampleLayout.ts. */
  samples(node: Node, layouts: readonly SampleLayout[], samples: number): SampleLayout;
  /**
   * Per-sample gradient of the input at `position`, which is a parameter, as factors; see factorTerm.ts. Absent or
   * `undefined`: the operator cannot take a parameter there.
   */
  factors?(context: FactorContext, node: Node, position: number, outputGradient: Value): FactorTerm | undefined;
  /**
   * Vector-Jacobian product: the gradient of each input given the gradient of the output, as more graph.
   * `undefined` for an input through which no gradient flows.
   */
  gradient(builder: GraphBuilder, node: Node, outputGradient: Value): readonly (Value | undefined)[];
}

export class GraphBuilder {
  readonly #inputs = new Map<string, Value>();
  readonly #constants = new Map<number, Constant>();
  readonly #nodes: Node[] = [];
  readonly #known = new Map<string, Value>();
  readonly #producers = new Map<number, Node>();
  #count = 0;
  /** Given to every node from here on. */
  label: string | undefined;

  input(name: string, shape: Shape): Value {
    refuseOwnName(name);
    if (this.#inputs.has(name))
      throw new MeedError(`The graph already has an input "${name}"`, 'Give each input its own name');
    const value = this.#value(shape);
    this.#inputs.set(name, value);
    return value;
  }

  /** @param data row-major; its length must be the product of the shape */
  constant(data: Float32Array | Float64Array | readonly number[], shape: Shape): Value {
    if (data.length !== sizeOf(shape)) {
      throw new MeedError(
        `A constant of shape [${shape}] was given ${data.length} numbers`,
        `Give it ${sizeOf(shape)}`,
      );
    }
    const value = this.#value(shape);
    this.#constants.set(value.id, { value, data: ArrayBuffer.isView(data) ? data.slice() : Float64Array.from(data) });
    return value;
  }

  /** The same operator applied to the same values is one node, however often it is asked for. */
  apply(operator: Operator, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const key = `${operator.name} ${inputs.map(({ id }) => id)} ${JSON.stringify(attributes, exactNumber)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const shapes = inputs.map((input) => input.shape);
    const output = this.#value(operator.shape(shapes, attributes));
    const node = { operator, inputs, attributes, output, label: this.label };
    this.#nodes.push(node);
    this.#producers.set(output.id, node);
    this.#known.set(key, output);
    return output;
  }

  /** The numbers of a constant of this graph, `undefined` for any other value. */
  constantData(value: Value): Float32Array | Float64Array | undefined {
    return this.#constants.get(value.id)?.data;
  }

  /** The node that computes a value; `undefined` for inputs and constants. */
  producerOf(value: Value): Node | undefined {
    return this.#producers.get(value.id);
  }

  /** The nodes so far, in topological order. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** The graph with these outputs; nodes that no output needs are left out. */
  build(outputs: Readonly<Record<string, Value>>): Graph {
    for (const name of Object.keys(outputs)) {
      refuseOwnName(name);
      if (this.#inputs.has(name)) {
        throw new MeedError(`The graph has an input and an output "${name}"`, 'ONNX names are unique: rename one');
      }
    }
    const needed = new Set(Object.values(outputs).map((value) => value.id));
    const nodes: Node[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!needed.has(node.output.id)) continue;
      nodes.push(node);
      for (const input of node.inputs) needed.add(input.id);
    }
    return {
      inputs: new Map([...this.#inputs].filter(([, value]) => needed.has(value.id))),
      outputs: new Map(Object.entries(outputs)),
      constants: [...this.#constants.values()].filter(({ value }) => needed.has(value.id)),
      nodes: nodes.reverse(),
    };
  }

  #value(shape: Shape): Value {
    for (const extent of shape) {
      if (!Number.isInteger(extent) || extent < 1) {
        throw new MeedError(`The shape [${shape}] has the extent ${extent}`, 'Use positive whole extents');
      }
    }
    return { id: this.#count++, shape };
  }
}

/** JSON writes −0 as 0 and what is not finite as null, which would make different operators one node. */
function exactNumber(_: string, value: unknown): unknown {
  return Object.is(value, -0) || (typeof value === 'number' && !Number.isFinite(value))
    ? `number ${value === 0 ? '-0' : value}`
    : value;
}

/** `v7` and `v7_1` are what onnx.ts calls the values inside; to ONNX an empty name is an input left out. */
function refuseOwnName(name: string): void {
  if (name === '') throw new MeedError('An input or output of the graph has an empty name', 'Give it a name');
  if (/^v\d+(_c?\d+)?$/.test(name)) {
    throw new MeedError(`The name "${name}" is kept for values inside the graph`, 'Choose another name');
  }
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}
