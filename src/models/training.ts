/**
 * Deterministic training, and its replay. The same seed gives the same bits on one machine; on another, floats drift, so
 * an auditor replays short segments from the published states and compares within a tolerance.
 * A state holds weights, velocity and the generator's position at the beginning of its epoch: from there the order of the
 * samples follows. States are dense in the first epoch (after 1, 2, 4, 8 … steps), where training moves furthest, and
 * then one an epoch; the in-run scorer integrates over them. Between two states weights and velocity stay on the device.
 */
import type { Engine } from '../engine/index.js';
import { MeedError, type Progress, Random, type RandomState, silent } from '../foundation/index.js';
import { stepGraph } from './graphs.js';
import type { Model } from './model.js';
import { batchTensors, checkSamples, checkTargets, type Samples, selectSamples } from './samples.js';

export interface TrainingOptions {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly seed: number;
}

export interface TrainingState {
  /** Optimiser steps done. */
  readonly step: number;
  readonly parameters: Float32Array;
  readonly velocity: Float32Array;
  /** The generator before the order of the current epoch (step ÷ steps per epoch) is drawn. */
  readonly random: RandomState;
}

export interface Training {
  readonly states: readonly TrainingState[];
  /** Mean training loss of each epoch, while it ran. */
  readonly losses: readonly number[];
}

export function stepsPerEpoch(rows: number, batch: number): number {
  return Math.ceil(rows / batch);
}

/** The steps at which states are kept. */
export function stateSteps(rows: number, options: TrainingOptions): number[] {
  const perEpoch = stepsPerEpoch(rows, options.batch);
  const steps = [0];
  for (let step = 1; step < perEpoch; step *= 2) steps.push(step);
  for (let epoch = 1; epoch <= options.epochs; epoch++) steps.push(epoch * perEpoch);
  return steps;
}

/** @throws MeedError when the loss or a weight stops being finite */
export async function train(
  engine: Engine,
  model: Model,
  samples: Samples,
  options: TrainingOptions,
  progress: Progress = silent,
): Promise<Training> {
  const random = Random.named(options.seed, 'order');
  const initial: TrainingState = {
    step: 0,
    parameters: model.initialise(Random.named(options.seed, 'weights')),
    velocity: new Float32Array(model.parameterCount),
    random: random.state,
  };
  const steps = stateSteps(samples.rows, options);
  const states = [initial];
  const losses: number[] = [];
  const runner = await openRunner(engine, model, samples, options);
  try {
    let state = initial;
    for (const until of steps.slice(1)) {
      state = await runner.advance(state, until, (epoch, loss) => {
        losses[epoch] = (losses[epoch] ?? 0) + loss;
      });
      states.push(state);
      progress(state.step, steps[steps.length - 1], 'steps');
    }
  } finally {
    await runner.dispose();
  }
  const perEpoch = stepsPerEpoch(samples.rows, options.batch);
  return { states, losses: losses.map((loss) => loss / perEpoch) };
}

/** Goes on from a state to a later step. Used by the auditor; equal to what `train` did, bit for bit on one machine. */
export async function replay(
  engine: Engine,
  model: Model,
  samples: Samples,
  options: TrainingOptions,
  from: TrainingState,
  until: number,
): Promise<TrainingState> {
  const runner = await openRunner(engine, model, samples, options);
  try {
    return await runner.advance(from, until, () => {});
  } finally {
    await runner.dispose();
  }
}

interface Runner {
  advance(from: TrainingState, until: number, onLoss: (epoch: number, loss: number) => void): Promise<TrainingState>;
  dispose(): Promise<void>;
}

async function openRunner(engine: Engine, model: Model, samples: Samples, options: TrainingOptions): Promise<Runner> {
  checkSamples(model, samples);
  checkTargets(model, samples);
  const { batch, learningRate, momentum } = options;
  const perEpoch = stepsPerEpoch(samples.rows, batch);
  const program = await engine.compile(stepGraph(model, batch), { keep: ['nextParameters', 'nextVelocity'] });
  const scalar = (value: number) => ({ shape: [1], data: Float32Array.of(value) });
  return {
    async advance(from, until, onLoss) {
      const shape = [model.parameterCount];
      let parameters = await engine.upload({ shape, data: from.parameters });
      let velocity = await engine.upload({ shape, data: from.velocity });
      const random = new Random(from.random);
      let epochStart = random.state;
      let order = random.permutation(samples.rows);
      try {
        for (let step = from.step; step < until; step++) {
          const offset = step % perEpoch;
          if (offset === 0 && step > from.step) {
            epochStart = random.state;
            order = random.permutation(samples.rows);
          }
          const picked = selectSamples(samples, order.subarray(offset * batch, (offset + 1) * batch));
          const weights = new Float32Array(batch).fill(1 / picked.rows, 0, picked.rows);
          const { host, kept } = await program.runKeeping({
            parameters,
            velocity,
            ...batchTensors(picked, 0, batch, model),
            weights: { shape: [batch, 1], data: weights },
            rate: scalar(learningRate),
            momentum: scalar(momentum),
          });
          parameters.dispose();
          velocity.dispose();
          parameters = kept.nextParameters;
          velocity = kept.nextVelocity;
          const loss = host.loss.data[0];
          if (!Number.isFinite(loss)) {
            throw new MeedError(
              `The training loss is ${loss} at step ${step} (epoch ${Math.floor(step / perEpoch) + 1})`,
              `Lower the learning rate (it is ${learningRate}), or check the features for extreme values`,
            );
          }
          onLoss(Math.floor(step / perEpoch), loss);
        }
        const [last, speed] = [await parameters.read(), await velocity.read()];
        // the loss of a step is of the weights before it, so it does not tell of an overflow in the last one
        if (!last.data.every(Number.isFinite)) {
          throw new MeedError(
            `The weights are not finite after step ${until}`,
            `Lower the learning rate (it is ${learningRate})`,
          );
        }
        // at the end of an epoch the position is that of the next epoch's beginning
        if (until % perEpoch === 0 && until > from.step) epochStart = random.state;
        return { step: until, parameters: last.data, velocity: speed.data, random: epochStart };
      } finally {
        parameters.dispose();
        velocity.dispose();
      }
    },
    dispose: () => program.dispose(),
  };
}
