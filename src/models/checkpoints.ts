/**
 * Several checkpoints of one graph as one model and a list of weight vectors: what an ensemble is averaged over and what
 * a path through training is integrated along.
 * The trap: files of equal shapes can still compute different things (another activation, another running statistic of a
 * batch normalisation), and their average would mean nothing. So the graphs are compared node by node, and every
 * difference is refused by name. Weights are matched by name, not by their order in the file.
 */
import { MeedError } from '../foundation/index.js';
import { type Graph, GraphBuilder, type ImportedModel, type ImportedParameter, type Node } from '../graph/index.js';
import { type ImportedOptions, importedModel } from './imported.js';
import type { Model } from './model.js';

export interface ImportedCheckpoints {
  /** Of the first file. */
  readonly model: Model;
  /** The stored weights of each file, [P] in the model's order. */
  readonly parameters: readonly Float32Array[];
}

/**
 * @param files at least one, all of the same graph
 * @throws MeedError naming the tensor, input, output or node in which a file differs from the first
 */
export function importedCheckpoints(files: readonly ImportedModel[], options: ImportedOptions): ImportedCheckpoints {
  const [first, ...others] = files;
  if (!first) throw new MeedError('No checkpoint was given', 'Give at least one file');
  const { model, parameters } = importedModel(first, options);
  const graph = others.length > 0 ? graphOf(first, first.parameters) : undefined;
  const further = others.map((other, i) => {
    const which = `Checkpoint ${i + 2} of ${files.length}`;
    const matched = matchedParameters(first, other, which);
    requireSameFaces(first, other, which);
    if (graph) requireSameGraph(graph, graphOf(other, matched), which);
    const flat = new Float32Array(model.parameterCount);
    for (const [p, { offset }] of model.parameters.entries()) flat.set(matched[p].data, offset);
    return flat;
  });
  return { model, parameters: [parameters, ...further] };
}

const REMEDY = 'Give checkpoints of one and the same model, exported alike';

/** The other's parameters in the order of the first. */
function matchedParameters(first: ImportedModel, other: ImportedModel, which: string): ImportedParameter[] {
  const byName = new Map(other.parameters.map((parameter) => [parameter.name, parameter]));
  const wanted = new Set(first.parameters.map(({ name }) => name));
  const missing = first.parameters.filter(({ name }) => !byName.has(name)).map(({ name }) => name);
  const extra = other.parameters.filter(({ name }) => !wanted.has(name)).map(({ name }) => name);
  if (missing.length + extra.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`lacks the weights ${listed(missing)}`] : []),
      ...(extra.length > 0 ? [`has the weights ${listed(extra)}, which the first has not`] : []),
    ];
    throw new MeedError(`${which} ${parts.join(' and ')}`, REMEDY);
  }
  return first.parameters.map(({ name, shape }) => {
    const found = byName.get(name) as ImportedParameter;
    if (equalLists(found.shape, shape)) return found;
    throw new MeedError(`${which} has the weight "${name}" in shape [${found.shape}], the first in [${shape}]`, REMEDY);
  });
}

const MOST_LISTED = 8;

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  const shown = names.slice(0, MOST_LISTED).map((name) => `"${name}"`);
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

function requireSameFaces(first: ImportedModel, other: ImportedModel, which: string): void {
  const faces: (readonly [string, (file: ImportedModel) => string[]])[] = [
    ['inputs', ({ inputs }) => inputs.map(({ name, type, shape }) => `${name}: ${type} [${shape}]`)],
    ['outputs', ({ outputs }) => outputs.map(({ name, shape }) => `${name}: [${shape}]`)],
  ];
  for (const [what, describe] of faces) {
    const [expected, found] = [describe(first), describe(other)];
    if (equalLists(expected, found)) continue;
    throw new MeedError(`${which} has the ${what} ${found.join('; ')}, the first ${expected.join('; ')}`, REMEDY);
  }
}

/** @param parameters in the order of the first file, so that equal graphs have equal value ids */
function graphOf(file: ImportedModel, parameters: readonly ImportedParameter[]): Graph {
  const g = new GraphBuilder();
  const byName = new Map(parameters.map(({ name, shape }, p) => [name, g.input(`parameter ${p}`, shape)]));
  const inputs = file.inputs.map((input, i) => g.input(`input ${i}`, file.inputShape(input, file.samples)));
  const values = file.parameters.map(({ name, shape }) => byName.get(name) ?? g.input(name, shape));
  const outputs = file.build(g, { samples: file.samples, parameters: values, inputs });
  // a graph has no input and output of one name
  return g.build(Object.fromEntries(Object.values(outputs).map((value, i) => [`output ${i}`, value])));
}

function requireSameGraph(first: Graph, other: Graph, which: string): void {
  const at = (node: Node): string => `${node.operator.name}${node.label === undefined ? '' : ` in "${node.label}"`}`;
  const length = Math.max(first.nodes.length, other.nodes.length);
  for (let i = 0; i < length; i++) {
    const [expected, found] = [first.nodes[i], other.nodes[i]];
    if (!expected || !found) {
      throw new MeedError(
        found
          ? `${which} goes on with ${at(found)}, the first ends`
          : `${which} ends, the first goes on with ${at(expected)}`,
        REMEDY,
      );
    }
    if (expected.operator.name !== found.operator.name) {
      throw new MeedError(`${which} computes ${at(found)} where the first has ${at(expected)}`, REMEDY);
    }
    const same =
      equalAttributes(expected, found) &&
      equalLists(expected.inputs.map(signature), found.inputs.map(signature)) &&
      signature(expected.output) === signature(found.output);
    if (!same) throw new MeedError(`${which} differs from the first in ${at(found)}`, REMEDY);
  }
  requireSameConstants(first, other, which, at);
  const ends = (graph: Graph): string[] => [...graph.outputs.values()].map(signature);
  if (!equalLists(ends(first), ends(other))) throw new MeedError(`${which} gives other values as its outputs`, REMEDY);
}

function requireSameConstants(first: Graph, other: Graph, which: string, at: (node: Node) => string): void {
  const stored = new Map(other.constants.map(({ value, data }) => [value.id, data]));
  for (const { value, data } of first.constants) {
    const found = stored.get(value.id);
    if (found && equalLists(data, found)) continue;
    const user = first.nodes.find(({ inputs }) => inputs.some(({ id }) => id === value.id));
    throw new MeedError(
      `${which} stores other numbers than the first in a tensor of shape [${value.shape}] that is no weight${user ? `, used by ${at(user)}` : ''}`,
      'Name the tensor as trainable when the files are read if it was learned; fold running statistics into weights otherwise',
    );
  }
}

function signature({ id, shape }: { readonly id: number; readonly shape: readonly number[] }): string {
  return `${id}: [${shape}]`;
}

function equalAttributes(a: Node, b: Node): boolean {
  const names = Object.keys(a.attributes);
  return (
    equalLists(names.toSorted(), Object.keys(b.attributes).toSorted()) &&
    names.every((name) => equalLists([a.attributes[name]].flat(), [b.attributes[name]].flat()))
  );
}

function equalLists(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
