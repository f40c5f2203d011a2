/**
 * The quickest training step of a small model: one graph does dropout, loss, gradient and optimiser, one call a step, all
 * buffers on the host made once. Measured on the 784-128-64-10 perceptron at batch 64 (bench/training.ts, one thread, on
 * two busy AVX2 cores, best of seven rounds): the bare matrix products take .63 ms and are the floor; the step takes .85
 * with masks and the copying of rows. Not quicker, within the noise or beyond it: a tensor for each parameter instead of
 * one flat vector, rows gathered in the graph instead of copied by the host, a leading ensemble axis of 4 or 16.
 */
import type { Engine } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { type Graph, GraphBuilder, multiply, reduceSum, reshape, sizeOf, slice, type Value } from '../graph/index.js';
import type { Dropout, Model } from './model.js';
import type { Optimiser } from './optimisers.js';
import { checkSamples, type Samples } from './samples.js';
import { type FastState, type StepMoment, stepFeeds } from './stepFeeds.js';
import { type Objective, trainingStepGraph } from './trainingGraphs.js';

export interface FastStepOptions {
  readonly batch: number;
  readonly optimiser: Optimiser;
  /** Share of hidden units dropped, in [0, 1). */
  readonly dropout: number;
  /** Of the dropout masks. */
  readonly seed: number;
  /** Longest global norm of the gradient. */
  readonly clip?: number;
}

export interface FastStep {
  /**
   * One step on the rows at these positions, at most `batch`; the loss is their mean before the step.
   */
  run(
    from: FastState,
    samples: Samples,
    positions: ArrayLike<number>,
    at: StepMoment,
  ): Promise<FastState & { readonly loss: number }>;
  dispose(): Promise<void>;
}

/** Inputs parameters, state, rates, x, targets, weights, and masks where something is dropped. */
export function fastStepGraph(model: Model, options: FastStepOptions): Graph {
  return trainingStepGraph(fastObjective(model, options), options.optimiser, { clip: options.clip });
}

/** The loss of a fast step as what is trained. */
function fastObjective(model: Model, options: FastStepOptions): Objective {
  return {
    parameters: model.parameters,
    parameterCount: model.parameterCount,
    loss: (g, parameters) => batchLoss(g, model, parameters, options).loss,
  };
}

/** Σ weight·loss over the batch, with the units dropped that the input `masks` says; and the input `weights` [batch, 1]. */
export function batchLoss(
  g: GraphBuilder,
  model: Model,
  parameters: readonly Value[],
  { batch, dropout }: Pick<FastStepOptions, 'batch' | 'dropout'>,
): { loss: Value; weights: Value } {
  const x = g.input('x', [batch, ...model.inputShape]);
  const targets = g.input('targets', [batch, ...model.targetShape]);
  const weights = g.input('weights', [batch, 1]);
  const units = dropout > 0 ? droppedUnits(model, batch) : 0;
  const masked = units > 0 ? maskedBy(g.input('masks', [units])) : undefined;
  const losses = model.losses(g, model.forward(g, parameters, x, masked), targets);
  return { loss: reduceSum(g, multiply(g, losses, weights), [0]), weights };
}

/** Each call drops with the next part of the flat mask. */
function maskedBy(masks: Value): Dropout {
  let offset = 0;
  return (g, x) => {
    const size = sizeOf(x.shape);
    const mask = reshape(g, slice(g, masks, 0, offset, offset + size), x.shape);
    offset += size;
    return multiply(g, x, mask);
  };
}

/** How many numbers the model's dropout masks have. */
function droppedUnits(model: Model, batch: number): number {
  const g = new GraphBuilder();
  const parameters = model.parameters.map(({ name, shape }) => g.input(name, shape));
  let units = 0;
  model.forward(g, parameters, g.input('x', [batch, ...model.inputShape]), (_g, x) => {
    units += sizeOf(x.shape);
    return x;
  });
  return units;
}

export async function openFastStep(engine: Engine, model: Model, options: FastStepOptions): Promise<FastStep> {
  const graph = fastStepGraph(model, options);
  for (const name of ['x', 'weights', 'rates']) {
    if (graph.inputs.has(name)) continue;
    throw new MeedError(
      `The loss of ${String(model.definition.name)} does not depend on "${name}"`,
      'Use another model',
    );
  }
  const feeds = stepFeeds(new Map([...graph.inputs].map(([name, { shape }]) => [name, shape])), options);
  const program = await engine.compile(graph);
  return {
    async run(from, samples, positions, at) {
      checkSamples(model, samples);
      const result = await program.run(feeds(from, samples, positions, at));
      return {
        parameters: result.nextParameters.data,
        state: result.nextState.data,
        loss: result.loss.data[0],
      };
    },
    dispose: () => program.dispose(),
  };
}
