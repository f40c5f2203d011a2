/**
 * A parsed ONNX file to a checked model: every name defined once, every input defined before it is used (so no cycle can
 * be there), tensors of the size they claim, one known opset. What an operator means is not looked at here.
 * The traps: an initializer may also be listed among the inputs, where it is a default and not something to feed; and a file
 * may define operators itself (functions), under names of ONNX's own too, which then do not mean what they say.
 */
import { MeedError } from '../../foundation/index.js';
import { ATTRIBUTE_CODE } from '../onnxSchema.js';
import type { Element, Known } from './operand.js';
import type { AttributeProto, ModelProto, NodeProto, ValueInfoProto } from './proto.js';
import { elementOf, inlineTensor, readTensor } from './tensor.js';

export type NodeAttribute = number | string | readonly number[] | readonly string[] | Known;

export interface OnnxNode {
  /** The file's name for it, or "Type→first output" where there is none. */
  readonly name: string;
  /** With its domain unless that is ONNX's own: "com.microsoft.FusedMatMul"; one that the file defines is "function …". */
  readonly type: string;
  /** An optional input that is left out is ''. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, NodeAttribute>;
}

/** An extent, or the name of one that is bound later. */
export type Dimension = number | string;

export interface OnnxInput {
  readonly name: string;
  readonly element: Element;
  readonly dimensions: readonly Dimension[];
}

export interface OnnxModel {
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, Known>;
  readonly nodes: readonly OnnxNode[];
}

const LEAST_OPSET = 13;
const GREATEST_OPSET = 21;

export async function checkModel(proto: ModelProto, path: string): Promise<OnnxModel> {
  const { graph } = proto;
  if (!graph || graph.output.length === 0) {
    throw new MeedError(`${path} holds no ONNX graph with an output`, 'Check that it is an .onnx file');
  }
  const opset = opsetOf(proto, path);
  if (graph.sparseInitializer.length > 0) {
    throw new MeedError(`${path} has sparse initializers`, 'Export the model with dense weights');
  }
  const defined = new Set<string>();
  const define = (name: string, what: string): void => {
    if (name === '' || defined.has(name)) {
      throw new MeedError(
        name === '' ? `${what} in ${path} has no name` : `The name "${name}" is defined twice in ${path}`,
        'ONNX names are unique: export the model again',
      );
    }
    defined.add(name);
  };
  const initializers = new Map<string, Known>();
  for (const tensor of graph.initializer) {
    define(tensor.name, 'An initializer');
    const read = await readTensor(tensor, path, `The tensor "${tensor.name}"`);
    initializers.set(tensor.name, { ...read, origins: new Map([[tensor.name, 'moved']]) });
  }
  const inputs = graph.input.filter(({ name }) => !initializers.has(name));
  for (const { name } of inputs) define(name, 'An input');
  const functions = new Set(proto.functions.map(({ name, domain }) => typeName(name, domain)));
  const nodes = graph.node.map((node) => readNode(node, functions));
  for (const node of nodes) {
    for (const name of node.inputs) {
      if (name !== '' && !defined.has(name)) refuseUndefined(node, name, nodes);
    }
    for (const name of node.outputs) if (name !== '') define(name, 'An output');
  }
  for (const { name } of graph.output) {
    if (!defined.has(name)) throw new MeedError(`Nothing computes the output "${name}"`, 'Export the model again');
  }
  return {
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    opset,
    inputs: inputs.map(readInput),
    outputs: graph.output.map(({ name }) => name),
    initializers,
    nodes,
  };
}

function refuseUndefined(node: OnnxNode, name: string, nodes: readonly OnnxNode[]): never {
  const later = nodes.some(({ outputs }) => outputs.includes(name));
  throw new MeedError(
    later
      ? `The node "${node.name}" uses "${name}" before it is computed: the nodes are in no topological order, or a cycle`
      : `The node "${node.name}" uses "${name}", which nothing defines`,
    'Export the model again',
  );
}

function opsetOf({ opsetImport, graph }: ModelProto, path: string): number {
  const own = opsetImport.filter(({ domain }) => isOwnDomain(domain));
  const versions = new Set(own.map(({ version }) => version));
  if (versions.size !== 1 || graph === null) {
    throw new MeedError(`${path} names ${versions.size} versions of the ONNX operator set`, 'Export the model again');
  }
  const [version] = versions;
  if (version < LEAST_OPSET || version > GREATEST_OPSET) {
    throw new MeedError(
      `${path} uses ONNX operator set ${version}`,
      `Export it with one from ${LEAST_OPSET} to ${GREATEST_OPSET}`,
    );
  }
  return version;
}

function isOwnDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

function typeName(name: string, domain: string): string {
  return isOwnDomain(domain) ? name : `${domain}.${name}`;
}

function readNode(
  { name, opType, domain, input, output, attribute }: NodeProto,
  functions: ReadonlySet<string>,
): OnnxNode {
  const stated = typeName(opType, domain);
  const type = functions.has(stated) ? `function ${stated}` : stated;
  const title = name || `${type}→${output[0] ?? ''}`;
  const attributes = new Map<string, NodeAttribute>();
  for (const one of attribute) attributes.set(one.name, readAttribute(one, title));
  return { name: title, type, inputs: input, outputs: output, attributes };
}

function readAttribute(attribute: AttributeProto, node: string): NodeAttribute {
  const text = new TextDecoder();
  switch (attribute.type) {
    case ATTRIBUTE_CODE.float:
      return attribute.f;
    case ATTRIBUTE_CODE.int:
      return attribute.i;
    case ATTRIBUTE_CODE.string:
      return text.decode(attribute.s);
    case ATTRIBUTE_CODE.floats:
      return attribute.floats;
    case ATTRIBUTE_CODE.ints:
      return attribute.ints;
    case ATTRIBUTE_CODE.strings:
      return attribute.strings.map((bytes) => text.decode(bytes));
    case ATTRIBUTE_CODE.tensor:
      if (attribute.t) return inlineTensor(attribute.t, `The attribute "${attribute.name}" of the node "${node}"`);
      break;
    default:
      break;
  }
  throw new MeedError(
    `The node "${node}" has the attribute "${attribute.name}" of a kind that Meed does not read (${attribute.type})`,
    'Export the model without branches, loops and functions',
  );
}

function readInput({ name, type }: ValueInfoProto): OnnxInput {
  const tensor = type?.tensorType;
  if (!tensor?.shape) {
    throw new MeedError(`The input "${name}" has no tensor type with a shape`, 'Export the model with input shapes');
  }
  const element = elementOf(tensor.elemType, `The input "${name}"`);
  const dimensions = tensor.shape.dim.map(({ dimValue, dimParam }, axis): Dimension => {
    if (dimParam !== '') return dimParam;
    if (dimValue === 0) return `${name}.${axis}`;
    if (dimValue < 0 || !Number.isSafeInteger(dimValue)) {
      throw new MeedError(`The input "${name}" claims the extent ${dimValue}`, 'Export the model again');
    }
    return dimValue;
  });
  return { name, element, dimensions };
}
