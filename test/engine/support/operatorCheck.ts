/** One operator case on an engine: value and gradients against the float64 interpreter, as one relative error an output. */
import type { Engine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import { differentiate, type Graph, GraphBuilder, interpret, multiply, reduceSum } from '../../../src/graph/index.js';
import { differentiated, feedsOf, type OperatorCase } from '../../graph/operators.js';
import { errorOfLargest } from './errorOfLargest.js';

export interface CheckedCase {
  readonly name: string;
  /** Largest |engine − interpreter| / (1 + |interpreter|) over all outputs. */
  readonly error: number;
  /** Largest |engine − interpreter| of an output ÷ its largest entry, over all outputs. */
  readonly share: number;
  /** Operators that the device left to the CPU. */
  readonly handedBack: readonly string[];
}

type Feeds = Record<string, { shape: readonly number[]; data: Float32Array }>;

/** The value, and the gradients of the sum of its squares. */
export function caseGraph(operatorCase: OperatorCase): Graph {
  const g = new GraphBuilder();
  const inputs = operatorCase.shapes.map((shape, i) => g.input(`x${i}`, shape));
  const y = operatorCase.build(g, inputs);
  const axes = y.shape.map((_, i) => i);
  const squares = reduceSum(g, multiply(g, y, y), axes);
  const wrt = differentiated(operatorCase).map((i) => inputs[i]);
  const gradients = differentiate(g, squares, wrt);
  return g.build({ y, ...Object.fromEntries(gradients.map((value, i) => [`g${i}`, value])) });
}

export function caseFeeds(operatorCase: OperatorCase): Feeds {
  const exactly = feedsOf(operatorCase, Random.named(3, operatorCase.name));
  return Object.fromEntries(
    operatorCase.shapes.map((shape, i) => [`x${i}`, { shape, data: Float32Array.from(exactly[`x${i}`]) }]),
  );
}

export async function checkCase(engine: Engine, operatorCase: OperatorCase): Promise<CheckedCase> {
  const graph = caseGraph(operatorCase);
  const feeds = caseFeeds(operatorCase);
  const program = await engine.compile(graph);
  const fast = await program.run(feeds);
  await program.dispose();
  const exact = interpret(graph, Object.fromEntries(Object.entries(feeds).map(([key, { data }]) => [key, data])));
  let error = 0;
  for (const [name, { shape, data }] of Object.entries(exact)) {
    if (String(fast[name].shape) !== String(shape) || fast[name].data.length !== data.length)
      throw new Error(`${operatorCase.name}: ${name} has the shape [${fast[name].shape}] instead of [${shape}]`);
    for (const [i, value] of data.entries()) {
      const difference = Math.abs(fast[name].data[i] - value) / (1 + Math.abs(value));
      if (!(difference <= error)) error = difference;
    }
  }
  return { name: operatorCase.name, error, share: errorOfLargest(fast, exact), handedBack: program.handedBack };
}
