/**
 * Factors through functions of matrices that keep them: of G_i = Σ_t l ⊗ r, the gradient of what a weight was computed to,
 * the gradient of the weight itself is again a sum of as many outer products where it was added (an adapter), scaled by
 * rows, by columns or in all, joined with others, or multiplied (a low-rank adapter: AᵀG = Σ (Aᵀl) ⊗ r, G·Bᵀ = Σ l ⊗ (B·r)).
 * The trap: a mask or a norm does not keep them, and an operand that was stretched receives a sum; those go the general
 * way (vectorise.ts).
 */
import type { FactorTerm } from './factorTerm.js';
import { type GraphBuilder, type Node, sameShape, type Value } from './graph.js';
import { divide, multiply, negate } from './ops/elementwise.js';
import { matmul } from './ops/matmul.js';
import { reshape, slice, transpose } from './ops/shape.js';

export type OuterTerm = Extract<FactorTerm, { kind: 'outer' }>;

type Rule = (
  g: GraphBuilder,
  node: Node,
  term: OuterTerm,
  wanted: readonly boolean[],
) => readonly (OuterTerm | undefined)[];

/**
 * @param term of the node's output, a matrix: left [n, 1, T, rows], right [n, 1, T, columns]
 * @param wanted the inputs whose gradient is asked for
 * @returns a term for each of them in its own coordinates; `undefined` when the node does not keep factors
 */
export function factorBack(
  g: GraphBuilder,
  node: Node,
  term: OuterTerm,
  wanted: readonly boolean[],
): readonly (OuterTerm | undefined)[] | undefined {
  if (node.output.shape.length !== 2 || !Object.hasOwn(RULES, node.operator.name)) return undefined;
  const terms = RULES[node.operator.name](g, node, term, wanted);
  return wanted.every((asked, i) => !asked || terms[i] !== undefined) ? terms : undefined;
}

const unstretched = ({ inputs, output }: Node, position: number): boolean =>
  sameShape(inputs[position].shape, output.shape);

const RULES: Readonly<Record<string, Rule>> = {
  Add: (_, node, term) => node.inputs.map((_input, i) => (unstretched(node, i) ? term : undefined)),
  Sub: (g, node, term) => [
    unstretched(node, 0) ? term : undefined,
    unstretched(node, 1) ? negated(g, term) : undefined,
  ],
  Neg: (g, _, term) => [negated(g, term)],
  Mul: (g, node, term, wanted) =>
    node.inputs.map((_, i) =>
      unstretched(node, i) && !wanted[1 - i] ? scaled(g, term, node.inputs[1 - i], multiply) : undefined,
    ),
  Div: (g, node, term, wanted) => [
    unstretched(node, 0) && !wanted[1] ? scaled(g, term, node.inputs[1], divide) : undefined,
    undefined,
  ],
  MatMul: (g, { inputs: [a, b] }, { left, right }) => [
    { kind: 'outer', left, right: matmul(g, right, transpose(g, b)) },
    { kind: 'outer', left: matmul(g, left, a), right },
  ],
  Concat: (g, { inputs, attributes }, { left, right }) => {
    let start = 0;
    return inputs.map(({ shape }) => {
      const extent = shape[Number(attributes.axis)];
      start += extent;
      const part = (factor: Value): Value => slice(g, factor, 3, start - extent, start);
      return attributes.axis === 0
        ? { kind: 'outer', left: part(left), right }
        : { kind: 'outer', left, right: part(right) };
    });
  },
};

function negated(g: GraphBuilder, { left, right }: OuterTerm): OuterTerm {
  return { kind: 'outer', left: negate(g, left), right };
}

/** Times (or through) a factor for each row, for each column, or one for all; `undefined` for one for each entry. */
function scaled(
  g: GraphBuilder,
  { left, right }: OuterTerm,
  factor: Value,
  operator: (g: GraphBuilder, a: Value, b: Value) => Value,
): OuterTerm | undefined {
  const [rows, columns] = [factor.shape.at(-2) ?? 1, factor.shape.at(-1) ?? 1];
  if (rows === 1) return { kind: 'outer', left, right: operator(g, right, reshape(g, factor, [columns])) };
  return columns === 1 ? { kind: 'outer', left: operator(g, left, reshape(g, factor, [rows])), right } : undefined;
}
