/**
 * Walks the nodes of a file once and says each in our operators, or computes it where all is constant. The same walk is
 * done with stand-ins when a file is read (what is supported, which tensors are weights) and with the real values when
 * a model is built into a graph.
 * The trap: one unsupported operator hides what comes after it, and a reader wants to know of all; so the walk goes on
 * past it, skipping what needs it.
 */
import { MeedError, messageOf } from '../../foundation/index.js';
import { GraphBuilder, sizeOf, type Value } from '../graph.js';
import { interpret } from '../interpret.js';
import { expand } from '../ops/broadcast.js';
import { Call, type Place } from './call.js';
import type { OnnxModel, OnnxNode } from './decode.js';
import { constantFolds, shapeFolds } from './fold.js';
import { computedFrom, type Element, type Known, known, movedFrom, type Operand, refuseHuge } from './operand.js';
import type { Result } from './rule.js';
import { allRules } from './rules/index.js';

export interface Tracing {
  readonly g: GraphBuilder;
  readonly place: Place;
  /** Values known beforehand: inputs and stored tensors. Those given win over Constant nodes of the same name. */
  readonly given: ReadonlyMap<string, Operand>;
  /** Told of every node whose operands are there. */
  readonly visit?: (node: OnnxNode, operands: readonly (Operand | undefined)[]) => void;
}

/** Operators after which numbers of a stored tensor are still the same numbers. */
const REARRANGING = new Set(
  'Identity Cast CastLike Reshape Flatten Squeeze Unsqueeze Transpose Slice Gather Concat Split Expand Tile Dropout'.split(
    ' ',
  ),
);

/**
 * @returns every value of the model by its name in the file
 * @throws MeedError that lists all operators that are not supported
 */
export function trace(model: OnnxModel, { g, place, given, visit }: Tracing): Map<string, Operand> {
  const values = new Map(given);
  const unsupported: OnnxNode[] = [];
  const lost = new Set<string>();
  const before = g.label;
  for (const node of model.nodes) {
    const skipped = node.inputs.some((name) => lost.has(name));
    const operands = skipped ? [] : node.inputs.map((name) => (name === '' ? undefined : lookUp(values, name, node)));
    const supported = isSupported(node, skipped ? undefined : operands);
    if (!supported) unsupported.push(node);
    if (skipped || !supported) {
      for (const name of node.outputs) lost.add(name);
      continue;
    }
    visit?.(node, operands);
    g.label = node.name;
    const results = explained(node, () => translate(node, operands, model.opset, g, place));
    for (const [i, result] of results.entries()) {
      const name = node.outputs[i];
      if (name && result && !given.has(name)) values.set(name, result);
    }
  }
  g.label = before;
  if (unsupported.length > 0) refuseUnsupported(unsupported);
  return values;
}

function lookUp(values: ReadonlyMap<string, Operand>, name: string, node: OnnxNode): Operand {
  const operand = values.get(name);
  if (operand) return operand;
  throw new MeedError(
    `The node "${node.name}" uses "${name}", an optional output that Meed does not compute`,
    'Export the model for inference',
  );
}

/** @param operands `undefined` when some are not there: then only the type can be judged */
function isSupported({ type }: OnnxNode, operands: readonly (Operand | undefined)[] | undefined): boolean {
  if (Object.hasOwn(allRules, type) || Object.hasOwn(shapeFolds, type)) return true;
  if (!Object.hasOwn(constantFolds, type)) return false;
  return operands === undefined || operands.every((operand) => operand?.kind !== 'traced');
}

function translate(
  node: OnnxNode,
  operands: readonly (Operand | undefined)[],
  opset: number,
  g: GraphBuilder,
  place: Place,
): (Operand | undefined)[] {
  const constants = operands.filter((operand) => operand?.kind === 'known');
  const constant = constants.length === operands.filter((operand) => operand !== undefined).length;
  const fold = (constant ? own(constantFolds, node.type) : undefined) ?? own(shapeFolds, node.type);
  if (fold) {
    const results = [fold(new Call(node, opset, g, operands, place))].flat();
    return node.type === 'Constant'
      ? results.map((one) => ({ ...one, origins: new Map(node.outputs.map((name) => [name, 'moved'])) }))
      : results;
  }
  return constant ? compute(node, constants, operands, opset) : build(new Call(node, opset, g, operands, place));
}

function build(call: Call): (Operand | undefined)[] {
  const rule = allRules[call.node.type];
  const wrap = (result: Result | undefined): Operand | undefined => {
    if (result === undefined || 'kind' in result) return result;
    refuseHuge(result.shape);
    const element: Element = rule.result ?? call.operands[0]?.element ?? 'float';
    return { kind: 'traced', element, shape: result.shape, value: result };
  };
  return [rule.build(call)].flat().map(wrap);
}

/** The rule on a graph of its own, run by the interpreter when the numbers are asked for. */
function compute(
  node: OnnxNode,
  constants: readonly Known[],
  operands: readonly (Operand | undefined)[],
  opset: number,
): (Operand | undefined)[] {
  const scratch = new GraphBuilder();
  const placed = new Map<Known, { readonly name: string; readonly value: Value }>();
  const place: Place = (constant) => {
    const name = `constant ${placed.size}`;
    const entry = placed.get(constant) ?? { name, value: scratch.input(name, constant.shape) };
    placed.set(constant, entry);
    return entry.value;
  };
  const origins = REARRANGING.has(node.type) ? movedFrom(constants) : computedFrom(constants);
  const wide = (): boolean =>
    constants.some(({ element, data }) => element === 'float' && data() instanceof Float64Array);
  return build(new Call(node, opset, scratch, operands, place)).map((result) => {
    if (result?.kind !== 'traced') return result;
    const { value, shape, element } = result;
    const run = (): Float32Array | Float64Array => {
      const graph = scratch.build({ result: expand(scratch, value, shape) });
      const feeds = Object.fromEntries([...placed].map(([constant, { name }]) => [name, constant.data()]));
      const { data } = interpret(graph, feeds).result;
      return element === 'float' && !wide() ? Float32Array.from(data) : data;
    };
    return known(element, shape, run, origins);
  });
}

function own<T>(table: Readonly<Record<string, T>>, type: string): T | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined;
}

/** Says which node it was. What is thrown on malformed attributes is the file's fault, so it becomes a sentence too. */
function explained<T>(node: OnnxNode, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const said = messageOf(error).replace(/\.$/, '');
    if (said.startsWith('The node "')) throw error;
    throw new MeedError(
      `The node "${node.name}" (${node.type}) cannot be built: ${said}`,
      'Check the bound dimensions; if they are right, export the model again',
      { cause: error },
    );
  }
}

const NAMES_SHOWN = 4;

function refuseUnsupported(nodes: readonly OnnxNode[]): never {
  const types = [...new Set(nodes.map(({ type }) => type))];
  const list = types.map((type) => {
    const names = nodes.filter((node) => node.type === type).map(({ name }) => `"${name}"`);
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
    return `${type} (${names.slice(0, NAMES_SHOWN).join(', ')}${more})`;
  });
  throw new MeedError(
    `The model uses ${types.length} operator${types.length === 1 ? '' : 's'} that Meed does not have: ${list.join('; ')}`,
    'Export it without them (without an optimiser that fuses, without training mode, functions inlined), or cut the model before them',
  );
}

/** The size of a stored tensor below which a stand-in is not worth it. */
export const SMALL = 256;

/** Constants into a graph, each once. */
export function placeConstants(g: GraphBuilder): Place {
  const placed = new Map<Known, Value>();
  return (constant) => {
    const value = placed.get(constant) ?? g.constant(constant.data(), constant.shape);
    placed.set(constant, value);
    return value;
  };
}

/** The same for a first look: weights are not copied, an input stands for each. */
export function placeStandIns(g: GraphBuilder): Place {
  const constants = placeConstants(g);
  const placed = new Map<Known, Value>();
  return (constant) => {
    if (sizeOf(constant.shape) <= SMALL) return constants(constant);
    const value = placed.get(constant) ?? g.input(`constant ${placed.size}`, constant.shape);
    placed.set(constant, value);
    return value;
  };
}
