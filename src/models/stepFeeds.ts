/**
 * What a training step is fed: the rows of its batch, their weights, the rates and the dropout masks, all of which follow
 * from the step's number. One function fills them for a training and for whoever goes through its steps again.
 * The trap: the runtime reads its inputs while it runs and keeps no copy, so the buffers may be filled again after a run,
 * never during one.
 */
import type { Tensor } from '../engine/index.js';
import { MeedError, type Random } from '../foundation/index.js';
import { type Shape, sizeOf } from '../graph/index.js';
import { fillDropoutMask, maskKey } from './dropoutMasks.js';
import type { Optimiser } from './optimisers.js';
import { noTarget, type Samples } from './samples.js';

export interface FastState {
  /** [P] */
  readonly parameters: Float32Array;
  /** Of the optimiser. */
  readonly state: Float32Array;
}

export interface StepMoment {
  /** Counted from 0; it decides masks and bias corrections. */
  readonly step: number;
  readonly rate: number;
  /** Of every row of the samples, 1 unless told; the batch is divided by its rows all the same. */
  readonly sampleWeights?: Float32Array;
}

/** Fills one set of buffers, the same at every call. Rows are taken at the positions, from 1 to as many as the batch has. */
export type StepFeeds = (
  from: FastState,
  samples: Samples,
  positions: ArrayLike<number>,
  at: StepMoment,
) => Record<string, Tensor>;

export interface StepFeedsOptions {
  readonly batch: number;
  readonly optimiser: Pick<Optimiser, 'rates'>;
  /** Share of hidden units dropped, in [0, 1). */
  readonly dropout: number;
  /** Of the dropout masks. */
  readonly seed: number;
}

/** @param inputs shapes of a graph's inputs by name: parameters, state, rates, x, targets, weights, masks, some of them */
export function stepFeeds(
  inputs: ReadonlyMap<string, Shape>,
  { batch, optimiser, dropout, seed }: StepFeedsOptions,
): StepFeeds {
  const buffer = (name: string): Tensor | undefined => {
    const shape = inputs.get(name);
    return shape && { shape, data: new Float32Array(sizeOf(shape)) };
  };
  const [x, targets, weights, rates, masks] = ['x', 'targets', 'weights', 'rates', 'masks'].map(buffer);
  const depth = targets ? targets.data.length / batch : 0;
  const given = Object.fromEntries(
    Object.entries({ x, targets, weights, rates, masks }).filter(([, tensor]) => tensor),
  ) as Record<string, Tensor>;
  return (from, samples, positions, { step, rate, sampleWeights }) => {
    const rows = positions.length;
    if (rows < 1 || rows > batch) {
      throw new MeedError(`A step for ${batch} rows was given ${rows}`, 'Give it from 1 to as many rows');
    }
    const { width } = samples;
    for (let i = 0; i < rows; i++) {
      const at = positions[i];
      x?.data.set(samples.features.subarray(at * width, (at + 1) * width), i * width);
      targets?.data.set(samples.targets.subarray(at * depth, (at + 1) * depth), i * depth);
    }
    targets?.data.fill(noTarget(samples.targets), rows * depth);
    if (weights) {
      weights.data.fill(1 / rows, 0, rows).fill(0, rows);
      if (sampleWeights) for (let i = 0; i < rows; i++) weights.data[i] *= sampleWeights[positions[i]];
    }
    rates?.data.set(optimiser.rates(step, rate));
    if (masks) fillDropoutMask(masks.data, maskKey(seed, step), dropout);
    return {
      ...given,
      parameters: { shape: [from.parameters.length], data: from.parameters },
      state: { shape: [from.state.length], data: from.state },
    };
  };
}

/** The rows of one epoch in the order in which it takes them; `order` is moved on by one permutation. */
export function epochOrder(order: Random, rows: Uint32Array): Uint32Array {
  return order.permutation(rows.length).map((position) => rows[position]);
}
