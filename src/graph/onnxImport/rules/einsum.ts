/**
 * Einsum by transposes, reshapes and matrix products: operands are contracted from the left, an index being summed as soon
 * as neither a later operand nor the output has it. Two operands become one batched product: shared indices that stay are
 * the batch, shared ones that go are contracted, the rest are rows and columns.
 * The trap: an index twice in one operand is a diagonal, and "…" stands for any axes; diagonals are refused, "…" becomes
 * indices of its own.
 */
import type { GraphBuilder, Shape, Value } from '../../graph.js';
import { sizeOf } from '../../graph.js';
import { matmul } from '../../ops/matmul.js';
import { reduceSum } from '../../ops/reduceSum.js';
import { reshape, transpose } from '../../ops/shape.js';
import type { Call } from '../call.js';
import { type Rules, rules } from '../rule.js';

/** A value whose axes are named by letters. */
interface Named {
  readonly value: Value;
  readonly letters: readonly string[];
}

export const einsumRules: Rules = rules({ Einsum: einsum });

function einsum(call: Call): Value {
  const { inputs, output } = parse(call);
  const { g } = call;
  const extents = new Map<string, number>();
  const operands = inputs.map((letters, i): Named => {
    const value = call.value(i);
    if (letters.length !== value.shape.length || new Set(letters).size !== letters.length) {
      call.refuse(`names the axes of [${value.shape}] "${letters.join('')}"`);
    }
    for (const [axis, letter] of letters.entries()) {
      const known = extents.get(letter) ?? value.shape[axis];
      if (known !== value.shape[axis])
        call.refuse(`gives the index "${letter}" the extents ${known} and ${value.shape[axis]}`);
      extents.set(letter, known);
    }
    return { value, letters };
  });
  const [first, ...rest] = operands;
  const unknown = output.filter((letter) => !extents.has(letter));
  if (unknown.length > 0 || first === undefined || new Set(output).size !== output.length) {
    call.refuse(`has the output "${output.join('')}"`);
  }
  const neededAfter = (index: number): Set<string> =>
    new Set([...output, ...rest.slice(index).flatMap(({ letters }) => letters)]);
  let result = summed(g, first, neededAfter(0));
  for (const [i, operand] of rest.entries()) {
    const kept = neededAfter(i + 1);
    result = contracted(g, result, summed(g, operand, new Set([...kept, ...result.letters])), kept, extents);
  }
  return arranged(g, summed(g, result, new Set(output)), output).value;
}

function parse(call: Call): { inputs: string[][]; output: string[] } {
  const equation = call.text('equation', '').replaceAll(' ', '');
  const [left, right, more] = equation.split('->');
  const terms = left.split(',');
  if (more !== undefined || terms.length !== call.operands.length || !/^[A-Za-z.,]*$/.test(left + (right ?? ''))) {
    call.refuse(`has the equation "${equation}"`);
  }
  const ellipses = terms.map((term, i) => call.shape(i).length - term.replace('...', '').length);
  const longest = Math.max(0, ...ellipses.filter((_, i) => terms[i].includes('...')));
  const letters = (term: string, count: number): string[] => {
    const [before, after] = term.split('...');
    if (after === undefined) return [...term];
    return [...before, ...Array.from({ length: count }, (_, k) => `…${longest - count + k}`), ...after];
  };
  const inputs = terms.map((term, i) => letters(term, ellipses[i]));
  if (right !== undefined) return { inputs, output: letters(right, longest) };
  const all = inputs.flat();
  const once = [...new Set(all)].filter(
    (letter) => letter.startsWith('…') || all.indexOf(letter) === all.lastIndexOf(letter),
  );
  const dots = once.filter((letter) => letter.startsWith('…')).sort();
  return { inputs, output: [...dots, ...once.filter((letter) => !letter.startsWith('…')).sort()] };
}

/** Sums over what is not kept. */
function summed(g: GraphBuilder, { value, letters }: Named, kept: ReadonlySet<string>): Named {
  const axes = letters.flatMap((letter, axis) => (kept.has(letter) ? [] : [axis]));
  const rest = letters.filter((letter) => kept.has(letter));
  const shape = value.shape.filter((_, axis) => !axes.includes(axis));
  return { value: reshape(g, reduceSum(g, value, axes), shape), letters: rest };
}

function arranged(g: GraphBuilder, { value, letters }: Named, order: readonly string[]): Named {
  const perm = order.map((letter) => letters.indexOf(letter));
  const same = perm.every((axis, i) => axis === i);
  return { value: same ? value : transpose(g, value, perm), letters: order };
}

function contracted(
  g: GraphBuilder,
  a: Named,
  b: Named,
  kept: ReadonlySet<string>,
  extents: ReadonlyMap<string, number>,
): Named {
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => kept.has(letter));
  const gone = shared.filter((letter) => !kept.has(letter));
  const rows = a.letters.filter((letter) => !shared.includes(letter));
  const columns = b.letters.filter((letter) => !shared.includes(letter));
  const shapeOf = (letters: readonly string[]): Shape => letters.map((letter) => extents.get(letter) ?? 1);
  const sizes = (...groups: (readonly string[])[]): number[] => groups.map((group) => sizeOf(shapeOf(group)));
  // a batch of its own axes, so that a weight without batch indices stays a plain matrix
  const left = reshape(g, arranged(g, a, [...batch, ...rows, ...gone]).value, [
    ...shapeOf(batch),
    ...sizes(rows, gone),
  ]);
  const right = reshape(g, arranged(g, b, [...batch, ...gone, ...columns]).value, [
    ...shapeOf(batch),
    ...sizes(gone, columns),
  ]);
  const letters = [...batch, ...rows, ...columns];
  return { value: reshape(g, matmul(g, left, right), shapeOf(letters)), letters };
}
