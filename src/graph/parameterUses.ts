/**
 * Where parameters meet samples. On the way a parameter may be seen through views, which only move, leave out or repeat its
 * entries, or be computed with, beside other parameters or not (a mask, a norm, an adapter): what comes out then has uses of
 * its own, and hands its gradient back.
 * The trap: a parameter of the request may itself be computed, as one cut from a flat vector is; it counts as given.
 */
import type { Node, Value } from './graph.js';
import type { SampleLayout } from './sampleLayout.js';

/** A parameter, or what is computed from parameters and constants alone. */
export interface Root {
  readonly value: Value;
  /** What computes it; `undefined` for a parameter. */
  readonly source?: Source;
  /** By operators that have samples. */
  readonly uses: readonly Use[];
}

export interface Source {
  readonly node: Node;
  /** For each input of the node what it shows; `undefined` where no parameter is behind it. */
  readonly inputs: readonly (View | undefined)[];
}

/** A root seen through operators that only move, leave out or repeat entries. */
export interface View {
  readonly root: Root;
  readonly path: readonly Node[];
}

export interface Use {
  readonly node: Node;
  readonly position: number;
  readonly path: readonly Node[];
}

/** @returns the parameters in their order, then what is computed from them, each after what it is computed from */
export function parameterUses(
  nodes: readonly Node[],
  parameters: readonly Value[],
  layoutOf: (value: Value) => SampleLayout,
): Root[] {
  const roots: Root[] = [];
  const uses = new Map<Root, Use[]>();
  const views = new Map<number, View>();
  const add = (value: Value, source?: Source): void => {
    const own: Use[] = [];
    const root = { value, source, uses: own };
    roots.push(root);
    uses.set(root, own);
    views.set(value.id, { root, path: [] });
  };
  for (const parameter of parameters) add(parameter);
  for (const node of nodes) {
    if (views.has(node.output.id)) continue;
    const inputs = node.inputs.map(({ id }) => views.get(id));
    const first = inputs.find((view) => view !== undefined);
    if (!first) continue;
    if (layoutOf(node.output) !== 'shared') {
      for (const [position, view] of inputs.entries()) {
        if (view) uses.get(view.root)?.push({ node, position, path: view.path });
      }
    } else if (isView(node)) views.set(node.output.id, { root: first.root, path: [...first.path, node] });
    else add(node.output, { node, inputs });
  }
  return roots;
}

const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'Transpose', 'Slice', 'Expand']);

/** A tile is a concatenation of one value with itself. */
function isView({ operator, inputs }: Node): boolean {
  const tile = operator.name === 'Concat' && inputs.every(({ id }) => id === inputs[0].id);
  return tile || VIEWS.has(operator.name);
}
