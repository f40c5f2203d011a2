/**
 * What a model has made of a sample before its last layer: the operand that the last product with parameters takes from the
 * samples. Found in the graph, so that any model has one; of logistic regression it is the input itself. Positions of a
 * sequence are averaged, pictures laid flat. With it comes the slope of each sample's loss in what the model gives.
 * The trap: what follows that product (a bias, a scale) may hold parameters too; it is told whether there are any.
 */
import type { Engine } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import {
  differentiate,
  type Graph,
  GraphBuilder,
  type Node,
  reduceMean,
  reduceSum,
  reshape,
  sizeOf,
  type Value,
} from '../../graph/index.js';
import { batchTensors, checkSamples, type Model, type Samples, unpackParameters } from '../../models/index.js';

export interface Representation {
  /** [rows, width] */
  readonly features: Float32Array;
  readonly width: number;
  /** ∂loss/∂output of each sample, [rows, outputs]: of a classifier the shares less the label's one. */
  readonly slopes: Float32Array;
  readonly outputs: number;
  /** Whether parameters follow the last product: a bias. */
  readonly biased: boolean;
}

/** Rows of one run. */
const CHUNK = 256;

/** Operators that multiply samples with parameters. */
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'Conv', 'ConvTranspose']);

/** @throws MeedError when the model has no product of samples with parameters, or one whose samples do not come first */
export async function lastHidden(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
): Promise<Representation> {
  checkSamples(model, samples);
  const { graph, biased } = hiddenGraph(model);
  const [width, outputs] = ['features', 'slopes'].map((name) => {
    const value = graph.outputs.get(name);
    return value ? sizeOf(value.shape) / CHUNK : 0;
  });
  const program = await engine.compile(graph);
  try {
    const features = new Float32Array(samples.rows * width);
    const slopes = new Float32Array(samples.rows * outputs);
    const flat = { shape: [model.parameterCount], data: parameters };
    for (let start = 0; start < samples.rows; start += CHUNK) {
      const rows = Math.min(CHUNK, samples.rows - start);
      const found = await program.run({ parameters: flat, ...batchTensors(samples, start, CHUNK, model) });
      features.set(found.features.data.subarray(0, rows * width), start * width);
      slopes.set(found.slopes.data.subarray(0, rows * outputs), start * outputs);
    }
    return { features, width, slopes, outputs, biased };
  } finally {
    await program.dispose();
  }
}

function hiddenGraph(model: Model): { graph: Graph; biased: boolean } {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [CHUNK, ...model.inputShape]);
  const targets = g.input('targets', [CHUNK, ...model.targetShape]);
  const given = model.forward(g, unpackParameters(g, model, flat), x);
  const { hidden, biased } = beforeLastProduct(g.nodes, given, flat, x);
  const losses = model.losses(g, given, targets);
  const axes = losses.shape.map((_, axis) => axis);
  const [slopes] = differentiate(g, reduceSum(g, losses, axes), [given]);
  return { graph: g.build({ features: flattened(g, model, hidden), slopes }), biased };
}

function beforeLastProduct(
  nodes: readonly Node[],
  given: Value,
  flat: Value,
  x: Value,
): { hidden: Value; biased: boolean } {
  const ofSamples = reached(nodes, x);
  const ofParameters = reached(nodes, flat);
  const own = (value: Value): boolean => ofParameters.has(value.id) && !ofSamples.has(value.id);
  let biased = false;
  for (const node of ancestors(nodes, given)) {
    const hidden = node.inputs.find(({ id }) => ofSamples.has(id));
    if (!hidden || !node.inputs.some(own)) continue;
    if (!PRODUCTS.has(node.operator.name)) {
      biased = true;
      continue;
    }
    if (hidden.shape[0] === CHUNK) return { hidden, biased };
    throw new MeedError(
      `The last layer takes samples in the shape [${hidden.shape}], where they do not come first`,
      'Choose a method of gradients, such as grad-cosine',
    );
  }
  throw new MeedError(
    'The model multiplies no samples with parameters, so it has no last layer',
    'Choose a method of gradients, such as grad-cosine',
  );
}

/** The ids of a value and of all that is computed from it. */
function reached(nodes: readonly Node[], from: Value): Set<number> {
  const ids = new Set([from.id]);
  for (const { inputs, output } of nodes) if (inputs.some(({ id }) => ids.has(id))) ids.add(output.id);
  return ids;
}

/** The nodes that compute a value, the last first. */
function ancestors(nodes: readonly Node[], value: Value): Node[] {
  const needed = new Set([value.id]);
  return nodes.toReversed().filter(({ inputs, output }) => {
    if (!needed.has(output.id)) return false;
    for (const { id } of inputs) needed.add(id);
    return true;
  });
}

function flattened(g: GraphBuilder, { objective }: Model, hidden: Value): Value {
  const rank = hidden.shape.length;
  const positions = Array.from({ length: Math.max(0, rank - 2) }, (_, axis) => axis + 1);
  const mean = objective === 'next-token' && positions.length > 0 ? reduceMean(g, hidden, positions) : hidden;
  return reshape(g, mean, [CHUNK, sizeOf(mean.shape) / CHUNK]);
}
