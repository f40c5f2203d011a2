/**
 * The graphs made from a model: the optimiser step, the factors of per-sample gradients, the logits. Batches have a fixed
 * size; unused rows carry weight 0, so that the last batch of an epoch is the same graph as any other.
 */
import {
  add,
  concat,
  differentiate,
  type Graph,
  GraphBuilder,
  logSoftmax,
  multiply,
  negate,
  reduceSum,
  reshape,
  subtract,
  type Value,
} from '../graph/index.js';
import { type Model, unpackParameters } from './model.js';

/** −Σ_c target · log-softmax(logits): [batch, 1]. */
function crossEntropy(g: GraphBuilder, logits: Value, targets: Value): Value {
  return negate(g, reduceSum(g, multiply(g, logSoftmax(g, logits), targets), [1]));
}

/**
 * One step of SGD with momentum (Polyak): v ← μ·v + g, w ← w − η·v, with g the gradient of Σ_i weight_i·loss_i.
 * Inputs parameters [P], velocity [P], x [B, D], targets [B, C] one-hot, weights [B, 1], rate [1], momentum [1].
 * Outputs nextParameters [P], nextVelocity [P], loss [1, 1].
 */
export function stepGraph(model: Model, batch: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const velocity = g.input('velocity', [model.parameterCount]);
  const x = g.input('x', [batch, model.inputWidth]);
  const targets = g.input('targets', [batch, model.classes]);
  const weights = g.input('weights', [batch, 1]);
  const rate = g.input('rate', [1]);
  const momentum = g.input('momentum', [1]);

  const parameters = unpackParameters(g, model, flat);
  const { logits } = model.forward(g, parameters, x);
  const loss = reduceSum(g, multiply(g, crossEntropy(g, logits, targets), weights), [0]);
  const gradients = differentiate(g, loss, parameters);
  const gradient = concat(
    g,
    gradients.map((value) => reshape(g, value, [value.shape.reduce((a, b) => a * b, 1)])),
    0,
  );
  const nextVelocity = add(g, multiply(g, velocity, momentum), gradient);
  const nextParameters = subtract(g, flat, multiply(g, nextVelocity, rate));
  return g.build({ nextParameters, nextVelocity, loss });
}

/**
 * Factors of per-sample gradients. Inputs parameters [P], x [B, D], targets [B, C].
 * Outputs losses [B, 1] and, for each layer l, a{l} [B, in] and d{l} [B, out]: the gradient of sample i's own loss with
 * respect to layer l's weight is the outer product of row i of a{l} and row i of d{l}; to its bias, row i of d{l}.
 */
export function factorGraph(model: Model, batch: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [batch, model.inputWidth]);
  const targets = g.input('targets', [batch, model.classes]);
  const { logits, layers } = model.forward(g, unpackParameters(g, model, flat), x);
  const losses = crossEntropy(g, logits, targets);
  const deltas = differentiate(
    g,
    reduceSum(g, losses, [0]),
    layers.map((layer) => layer.preActivations),
  );
  const outputs: Record<string, Value> = { losses };
  for (const [l, layer] of layers.entries()) {
    outputs[`a${l}`] = layer.activations;
    outputs[`d${l}`] = deltas[l];
  }
  return g.build(outputs);
}

/** Inputs parameters [P], x [B, D]; output logits [B, C]. */
export function logitsGraph(model: Model, batch: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [batch, model.inputWidth]);
  return g.build({ logits: model.forward(g, unpackParameters(g, model, flat), x).logits });
}
