/**
 * The quickest training step of a small model: one graph does dropout, loss, gradient and optimiser, one call a step, all
 * buffers on the host made once. Measured on the 784-128-64-10 perceptron at batch 64 (bench/training.ts, one thread, on
 * two busy AVX2 cores, best of seven rounds): the bare matrix products take .63 ms and are the floor; the step takes .85
 * with masks and the copying of rows. Not quicker, within the noise or beyond it: a tensor for each parameter instead of
 * one flat vector, rows gathered in the graph instead of copied by the host, a leading ensemble axis of 4 or 16.
 * The trap: the runtime reads its inputs while it runs and keeps no copy, so buffers may be filled again after a step,
 * never during one.
 */
import type { Engine, Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { type Graph, GraphBuilder, multiply, reduceSum, reshape, sizeOf, slice, type Value } from '../graph/index.js';
import { fillDropoutMask, maskKey } from './dropoutMasks.js';
import type { Dropout, Model } from './model.js';
import type { Optimiser } from './optimisers.js';
import { checkSamples, noTarget, type Samples } from './samples.js';
import { trainingStepGraph } from './trainingGraphs.js';

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

export interface FastState {
  /** [P] */
  readonly parameters: Float32Array;
  /** Of the optimiser. */
  readonly state: Float32Array;
}

export interface FastStep {
  /**
   * One step on the rows at these positions, at most `batch`; the loss is their mean before the step.
   * @param at.step counted from 0; it decides masks and bias corrections
   * @param at.sampleWeights of every row of `samples`, 1 unless told; the batch is divided by its rows all the same
   */
  run(
    from: FastState,
    samples: Samples,
    positions: ArrayLike<number>,
    at: { readonly step: number; readonly rate: number; readonly sampleWeights?: Float32Array },
  ): Promise<FastState & { readonly loss: number }>;
  dispose(): Promise<void>;
}

/** Inputs parameters, state, rates, x, targets, weights, and masks where something is dropped. */
export function fastStepGraph(model: Model, { batch, optimiser, dropout, clip }: FastStepOptions): Graph {
  return trainingStepGraph(
    {
      parameters: model.parameters,
      parameterCount: model.parameterCount,
      loss(g, parameters) {
        const x = g.input('x', [batch, ...model.inputShape]);
        const targets = g.input('targets', [batch, ...model.targetShape]);
        const weights = g.input('weights', [batch, 1]);
        const units = dropout > 0 ? droppedUnits(model, batch) : 0;
        const masked = units > 0 ? maskedBy(g.input('masks', [units])) : undefined;
        const losses = model.losses(g, model.forward(g, parameters, x, masked), targets);
        return reduceSum(g, multiply(g, losses, weights), [0]);
      },
    },
    optimiser,
    { clip },
  );
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
  const { batch, optimiser, dropout, seed } = options;
  const graph = fastStepGraph(model, options);
  const program = await engine.compile(graph);
  const buffer = (name: string): Tensor | undefined => {
    const shape = graph.inputs.get(name)?.shape;
    return shape && { shape, data: new Float32Array(sizeOf(shape)) };
  };
  const needed = (name: string): Tensor => {
    const tensor = buffer(name);
    if (tensor) return tensor;
    throw new MeedError(
      `The loss of ${String(model.definition.name)} does not depend on "${name}"`,
      'Use another model',
    );
  };
  const [x, weights, rates] = ['x', 'weights', 'rates'].map(needed);
  // a loss that is the model's own output has none
  const targets = buffer('targets');
  const masks = buffer('masks');
  const width = sizeOf(model.inputShape);
  const depth = sizeOf(model.targetShape);
  const vector = [model.parameterCount];
  const stateShape = [optimiser.stateSize(model.parameterCount)];
  return {
    async run(from, samples, positions, { step, rate, sampleWeights }) {
      const rows = positions.length;
      if (rows < 1 || rows > batch) {
        throw new MeedError(`A step for ${batch} rows was given ${rows}`, 'Give it from 1 to as many rows');
      }
      checkSamples(model, samples);
      for (let i = 0; i < rows; i++) {
        const at = positions[i];
        x.data.set(samples.features.subarray(at * width, (at + 1) * width), i * width);
        targets?.data.set(samples.targets.subarray(at * depth, (at + 1) * depth), i * depth);
      }
      targets?.data.fill(noTarget(samples.targets), rows * depth);
      weights.data.fill(1 / rows, 0, rows).fill(0, rows);
      if (sampleWeights) for (let i = 0; i < rows; i++) weights.data[i] *= sampleWeights[positions[i]];
      rates.data.set(optimiser.rates(step, rate));
      if (masks) fillDropoutMask(masks.data, maskKey(seed, step), dropout);
      const result = await program.run({
        parameters: { shape: vector, data: from.parameters },
        state: { shape: stateShape, data: from.state },
        x,
        ...(targets ? { targets } : {}),
        weights,
        rates,
        ...(masks ? { masks } : {}),
      });
      return {
        parameters: result.nextParameters.data,
        state: result.nextState.data,
        loss: result.loss.data[0],
      };
    },
    dispose: () => program.dispose(),
  };
}
