/**
 * A perceptron, a convolutional net and decoders, small, and every graph that training, prediction and attribution make
 * of them, with feeds: what a device must take whole.
 */
import { Random } from '../../../src/foundation/index.js';
import {
  add,
  conv,
  type Graph,
  GraphBuilder,
  globalAveragePool,
  groupNorm,
  matmul,
  maxPool,
  relu,
  reshape,
  type Shape,
  sizeOf,
  termOfParts,
  type Value,
} from '../../../src/graph/index.js';
import { blockNorms, blockProducts, blockProjection, sumBlocks } from '../../../src/influence/index.js';
import {
  adamW,
  classLosses,
  decoder,
  factorGraph,
  fastStepGraph,
  logitsGraph,
  type Model,
  mlp,
  nextTokenGraph,
  type ParameterLayout,
  sgd,
  stepGraph,
} from '../../../src/models/index.js';

const BATCH = 3;
const CONV_SHAPES: Readonly<Record<string, Shape>> = {
  'conv0.weight': [4, 2, 3, 3],
  'norm0.scale': [4],
  'norm0.bias': [4],
  'conv1.weight': [6, 2, 2, 2],
  'head.weight': [6, 5],
  'head.bias': [5],
};

/** Convolution, group normalisation, overlapping and tiled max pooling, a strided convolution in groups, a linear head. */
function convNet(): Model {
  const parameters: ParameterLayout[] = [];
  let parameterCount = 0;
  for (const [name, shape] of Object.entries(CONV_SHAPES)) {
    parameters.push({ name, offset: parameterCount, shape });
    parameterCount += sizeOf(shape);
  }
  return {
    // a classifier like the perceptron, of another form
    ...mlp([1, 5]),
    definition: { name: 'test conv net' },
    inputShape: [2, 9, 8],
    parameters,
    parameterCount,
    initialise: (random) => Float32Array.from({ length: parameterCount }, () => 0.4 * random.normal()),
    forward(g, [filters, scale, bias, more, head, offset], x) {
      const seen = maxPool(g, conv(g, x, filters, { pads: [1, 1, 1, 1] }), [3, 3], { pads: [1, 1, 1, 1] });
      const pooled = maxPool(g, relu(g, groupNorm(g, seen, 2, scale, bias)), [2, 2], { strides: [2, 2] });
      const deep = conv(g, pooled, more, { strides: [2, 1], groups: 2 });
      const flat = reshape(g, globalAveragePool(g, relu(g, deep)), [x.shape[0], 6]);
      return add(g, matmul(g, flat, head), offset);
    },
  };
}

const DECODER = { vocabulary: 11, context: 5, width: 8, layers: 2, heads: 4, hidden: 12, epsilon: 1e-5, headWidth: 2 };

export const smallModels: readonly (readonly [string, Model])[] = [
  ['perceptron', mlp([7, 6, 4])],
  ['conv net', convNet()],
  [
    'Llama-like decoder',
    decoder({
      ...DECODER,
      keyValueHeads: 2,
      norm: 'rms',
      positions: 'interleaved',
      feedForward: 'swiglu',
      head: 'tied',
      biased: [],
    }),
  ],
  [
    'GPT-2-like decoder',
    decoder({
      ...DECODER,
      keyValueHeads: 4,
      norm: 'layer',
      positions: 'learned',
      feedForward: 'gelu-tanh',
      head: 'untied',
      biased: ['attention', 'feedForward'],
    }),
  ],
];

export interface ModelGraph {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Float32Array>>;
}

export function modelGraphs([name, model]: readonly [string, Model]): ModelGraph[] {
  const dropout = { batch: BATCH, seed: 1, clip: 0.5 };
  const graphs: [string, Graph][] = [
    ['logits', logitsGraph(model, BATCH)],
    ['factors', factorGraph(model, BATCH).graph],
    ['gradient kernel, norms and projections', kernelGraph(model)],
    ['step', stepGraph(model, BATCH)],
    ['step of SGD with dropout', fastStepGraph(model, { ...dropout, dropout: 0.2, optimiser: sgd({ momentum: 0.9 }) })],
    ['step of AdamW', fastStepGraph(model, { ...dropout, dropout: 0, optimiser: adamW() })],
  ];
  if (model.losses !== classLosses) graphs.push(['next token', nextTokenGraph(model, 4)]);
  return graphs.map(([kind, graph]) => {
    const random = Random.named(6, `${name} ${kind}`);
    return { name: `${name}: ${kind}`, graph, feeds: feedsOf(graph, model, random) };
  });
}

/** From x and another batch, x′: products ⟨∇_i, ∇′_j⟩, norms ‖∇_i‖² and projections of the factors captured of both. */
function kernelGraph(model: Model): Graph {
  const { graph, blocks } = factorGraph(model, BATCH);
  const g = new GraphBuilder();
  const terms = ['l', 'r'].map((side) => {
    const inputs = new Map<string, Value>();
    const input = (output: string): Value => {
      const made =
        inputs.get(output) ??
        g.input(`${side}.${output}`, (graph.outputs.get(output) ?? graph.inputs.get(output))?.shape ?? []);
      inputs.set(output, made);
      return made;
    };
    return blocks.map(({ term, parts }) =>
      termOfParts(
        term,
        parts.map(({ output, shape }) => reshape(g, input(output), shape)),
      ),
    );
  });
  const kernel = sumBlocks(
    g,
    terms[0].map((term, b) => blockProducts(g, term, terms[1][b])),
  );
  const norms = sumBlocks(
    g,
    terms[0].map((term) => blockNorms(g, term)),
  );
  const random = Random.named(6, 'projection');
  const projection = (rows: number) =>
    g.constant(
      Float32Array.from({ length: rows * 2 }, () => random.normal()),
      [rows, 2],
    );
  const projected = terms[0].flatMap((term, b) =>
    term.kind === 'outer'
      ? [
          [
            `projected${b}`,
            blockProjection(g, term, projection(term.left.shape[3]), projection(term.right.shape[3])),
          ] as const,
        ]
      : [],
  );
  return g.build({ kernel, norms, ...Object.fromEntries(projected) });
}

/** Ids below the classes where ids are asked for, one of them none; positive second moments; the rest normal. */
function feedsOf(graph: Graph, model: Model, random: Random): Record<string, Float32Array> {
  const feeds: Record<string, Float32Array> = {};
  for (const [name, { shape }] of graph.inputs) {
    const fill = (entry: (i: number) => number): Float32Array =>
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => entry(i));
    const isToken = name === 'tokens' || (name === 'x' && model.losses !== classLosses) || name.endsWith('.indices');
    // larger than a model begins with, so that attention looks somewhere
    if (name === 'parameters') feeds[name] = fill(() => 0.4 * random.normal());
    else if (name === 'last') feeds[name] = fill(() => 2);
    else if (isToken) feeds[name] = fill(() => random.below(model.classes));
    else if (name === 'targets') feeds[name] = fill((i) => (i === 1 ? -1 : random.below(model.classes)));
    else if (name === 'masks') feeds[name] = fill(() => (random.uniform() < 0.2 ? 0 : 1.25));
    else if (name === 'state') feeds[name] = fill(() => 0.1 + random.uniform());
    else if (name === 'rates') feeds[name] = fill(() => 0.1);
    else feeds[name] = fill(() => random.normal());
  }
  return feeds;
}
