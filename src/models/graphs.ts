/**
 * The graphs made from a model: the optimiser step, the factors of per-sample gradients, the logits. Batches have a fixed
 * size; unused rows carry weight 0, so that the last batch of an epoch is the same graph as any other.
 */
import {
  add,
  capture,
  concat,
  differentiate,
  type FactorTerm,
  type Graph,
  GraphBuilder,
  multiply,
  reduceSum,
  reshape,
  type Shape,
  sizeOf,
  subtract,
  termParts,
  type Value,
} from '../graph/index.js';
import { type Losses, type Model, unpackParameters } from './model.js';

/**
 * One step of SGD with momentum (Polyak): v ← μ·v + g, w ← w − η·v, with g the gradient of Σ_i weight_i·loss_i.
 * Inputs parameters [P], velocity [P], x [B, ...], targets [B, T] class ids, weights [B, 1], rate [1], momentum [1].
 * Outputs nextParameters [P], nextVelocity [P], loss [1, 1].
 */
export function stepGraph(model: Model, batch: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const velocity = g.input('velocity', [model.parameterCount]);
  const x = g.input('x', [batch, ...model.inputShape]);
  const targets = g.input('targets', [batch, ...model.targetShape]);
  const weights = g.input('weights', [batch, 1]);
  const rate = g.input('rate', [1]);
  const momentum = g.input('momentum', [1]);

  const parameters = unpackParameters(g, model, flat);
  const losses = model.losses(g, model.forward(g, parameters, x), targets);
  const loss = reduceSum(g, multiply(g, losses, weights), [0]);
  const gradients = differentiate(g, loss, parameters);
  const gradient = concat(
    g,
    gradients.map((value) => reshape(g, value, [sizeOf(value.shape)])),
    0,
  );
  const nextVelocity = add(g, multiply(g, velocity, momentum), gradient);
  const nextParameters = subtract(g, flat, multiply(g, nextVelocity, rate));
  return g.build({ nextParameters, nextVelocity, loss });
}

/** One block of the factors as the graph gives it: which parameter, and its outputs by name. */
export interface BlockOutputs {
  readonly parameter: string;
  readonly term: FactorTerm;
  /** In the order of the term's parts: left and right, indices and right, or the gradient. */
  readonly parts: readonly PartOutput[];
}

/** What a part is named that holds the graph's input as it stands: nothing needs to give it out. */
export const INPUT = 'x';

/** Parts that hold the same numbers share an output: queries, keys and values have one input; a bias has its layer's right factor. */
export interface PartOutput {
  readonly output: string;
  /** The part's own, with as many numbers as the output. */
  readonly shape: Shape;
}

export interface FactorGraph {
  readonly graph: Graph;
  readonly blocks: readonly BlockOutputs[];
}

/**
 * Factors of per-sample gradients of each sample's own scalar, captured by differentiation (graph/capture.ts).
 * Inputs parameters [P], x [B, ...], targets [B, T]. Outputs losses [B, 1] and the parts of every block, samples first.
 * @param target the scalar of a sample that is differentiated; another than the training loss explains another question
 * @param form   what a term is given out as, where the captured factors are not what is wanted
 */
export function factorGraph(
  model: Model,
  batch: number,
  target: Losses = model.losses,
  form: (g: GraphBuilder, term: FactorTerm) => FactorTerm = (_g, term) => term,
): FactorGraph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input(INPUT, [batch, ...model.inputShape]);
  const targets = g.input('targets', [batch, ...model.targetShape]);
  const parameters = unpackParameters(g, model, flat);
  const losses = target(g, model.forward(g, parameters, x), targets);
  const captured = capture(g, { losses, batch: [x, targets], parameters }).map(({ parameter, term }) => ({
    parameter,
    term: form(g, term),
  }));
  const outputs: Record<string, Value> = { losses };
  const named = new Map([[x.id, INPUT]]);
  const blocks = captured.map(({ parameter, term }, b) => {
    const parts = termParts(term).map(({ name, value }): PartOutput => {
      let numbers = value;
      for (let node = g.producerOf(value); node?.operator.name === 'Reshape'; node = g.producerOf(numbers)) {
        [numbers] = node.inputs;
      }
      const output = named.get(numbers.id) ?? `block${b}.${name}`;
      named.set(numbers.id, output);
      if (output !== INPUT) outputs[output] ??= value;
      return { output, shape: value.shape };
    });
    return { parameter: model.parameters[parameter].name, term, parts };
  });
  return { graph: g.build(outputs), blocks };
}

/** Inputs parameters [P], x [B, ...]; output logits [B, ..., C]. */
export function logitsGraph(model: Model, batch: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [batch, ...model.inputShape]);
  return g.build({ logits: model.forward(g, unpackParameters(g, model, flat), x) });
}
