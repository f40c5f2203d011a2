/**
 * Reverse-mode differentiation as a graph transformation: walks the nodes backwards and appends each operator's
 * vector-Jacobian product. The result is ordinary graph, so it can be differentiated again, encoded and replayed.
 * The trap: a value that is used twice receives two gradients, which add.
 */
import { MeedError } from '../foundation/index.js';
import { type GraphBuilder, sizeOf, type Value } from './graph.js';
import { add } from './ops/elementwise.js';

/**
 * Gradients of a scalar with respect to any values it depends on, inputs or intermediate ones.
 * @param scalar a value with one entry
 * @returns one gradient for each of `wrt`, of its shape; zeros where the scalar does not depend on it
 */
export function differentiate(builder: GraphBuilder, scalar: Value, wrt: readonly Value[]): Value[] {
  if (sizeOf(scalar.shape) !== 1) {
    throw new MeedError(`Only a scalar can be differentiated, this has the shape [${scalar.shape}]`, 'Sum it first');
  }
  const forward = builder.nodes.filter((node) => node.output.id <= scalar.id);
  const active = dependents(forward, wrt);
  const gradients = new Map<number, Value>([[scalar.id, builder.constant([1], scalar.shape)]]);
  for (const node of forward.toReversed()) {
    const outputGradient = gradients.get(node.output.id);
    if (!outputGradient || !node.inputs.some((input) => active.has(input.id))) continue;
    const inputGradients = node.operator.gradient(builder, node, outputGradient);
    for (const [i, input] of node.inputs.entries()) {
      const gradient = inputGradients[i];
      if (!gradient || !active.has(input.id)) continue;
      const before = gradients.get(input.id);
      gradients.set(input.id, before ? add(builder, before, gradient) : gradient);
    }
  }
  return wrt.map(
    (value) => gradients.get(value.id) ?? builder.constant(new Float32Array(sizeOf(value.shape)), value.shape),
  );
}

/** The ids of `wrt` and of everything computed from them. */
function dependents(nodes: GraphBuilder['nodes'], wrt: readonly Value[]): Set<number> {
  const active = new Set(wrt.map((value) => value.id));
  for (const node of nodes) {
    if (node.inputs.some((input) => active.has(input.id))) active.add(node.output.id);
  }
  return active;
}
