/**
 * Every operator by name, found in two ways that must agree: in the graphs of the cases and of their gradients, and in the
 * source, where an operator's name stands capitalised, after `name:` or first in a family's call.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { differentiate, GraphBuilder, multiply, reduceSum } from '../../src/graph/index.js';
import { differentiated, operatorCases } from './operators.js';

const FOLDER = new URL('../../src/graph/ops/', import.meta.url);
const DEFINITION = /(?:\bname: |\b(?:comparison|connective)\(\s*)'([A-Z]\w*)'/g;

export function definedOperators(): string[] {
  const names = readdirSync(FOLDER).flatMap((file) =>
    [...readFileSync(new URL(file, FOLDER), 'utf8').matchAll(DEFINITION)].map(([, name]) => name),
  );
  return [...new Set(names)].sort();
}

export function caseOperators(): string[] {
  const names = new Set<string>();
  for (const operatorCase of operatorCases) {
    const g = new GraphBuilder();
    const inputs = operatorCase.shapes.map((shape, i) => g.input(`x${i}`, shape));
    const y = operatorCase.build(g, inputs);
    const squares = reduceSum(g, multiply(g, y, y), [...y.shape.keys()]);
    differentiate(
      g,
      squares,
      differentiated(operatorCase).map((i) => inputs[i]),
    );
    for (const { operator } of g.nodes) names.add(operator.name);
  }
  return [...names].sort();
}
