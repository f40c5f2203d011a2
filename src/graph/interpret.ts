/** The oracle: runs a graph in float64, operator by operator, with no regard for speed. */
import { MeedError } from '../foundation/index.js';
import { type Float64Tensor, type Graph, sizeOf } from './graph.js';

/**
 * @param feeds one array per graph input, row-major
 * @throws MeedError when an input is missing or of the wrong size
 */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Record<string, Float64Tensor> {
  const tensors = new Map<number, Float64Tensor>();
  for (const [name, { id, shape }] of graph.inputs) {
    const feed = feeds[name];
    if (feed?.length !== sizeOf(shape)) {
      throw new MeedError(
        `The input "${name}" of shape [${shape}] was given ${feed?.length ?? 'no'} numbers`,
        'Feed every input',
      );
    }
    tensors.set(id, { shape, data: Float64Array.from(feed) });
  }
  for (const { value, data } of graph.constants)
    tensors.set(value.id, { shape: value.shape, data: Float64Array.from(data) });
  const get = (id: number): Float64Tensor => {
    const tensor = tensors.get(id);
    if (!tensor) throw new Error(`value ${id} is used before it is computed`);
    return tensor;
  };
  for (const node of graph.nodes) {
    const data = node.operator.interpret(
      node.inputs.map(({ id }) => get(id)),
      node,
    );
    tensors.set(node.output.id, { shape: node.output.shape, data });
  }
  return Object.fromEntries([...graph.outputs].map(([name, { id }]) => [name, get(id)]));
}
