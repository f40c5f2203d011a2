/**
 * A deterministic training as data, and its replay: the graphs of a step and of its adjoint, the initial weights, and
 * the numbers from which order, rates and dropout masks follow exactly as in the retraining task. So any model can be
 * replayed where its code cannot come.
 * The trap: the replay must end where the training ended, bit for bit, or the gradient is that of another run; with
 * `trained` given, that is checked.
 */
import { type EncodedGraph, openEncoded, type Program } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import {
  epochOrder,
  type FastState,
  openOptimiser,
  openSchedule,
  type Recipe,
  type Samples,
  type StepFeeds,
  stepFeeds,
} from '../../models/index.js';

export interface ReplayedRun {
  /** `fastStepGraph` and `adjointStepGraph` of the model under the recipe. */
  readonly stepProgram: EncodedGraph;
  readonly adjointProgram: EncodedGraph;
  readonly recipe: Recipe;
  /** Of order and masks. */
  readonly seed: number;
  /** The whole data set. */
  readonly samples: Samples;
  /** Rows trained on. */
  readonly rows: Uint32Array;
  /** Weight of each row of the data set, at which the gradient is taken; 1 unless told. */
  readonly sampleWeights?: Float32Array;
  /** [P] before the first step. */
  readonly initial: Float32Array;
  /** Steps gone through; those of the whole recipe, or fewer. */
  readonly steps: number;
  /** [P] after them, where it is known. */
  readonly trained?: Float32Array;
}

/** Gradients of one scalar with respect to a state, [P] and [state numbers]. */
export type Adjoint = FastState;

export interface Replay {
  /** Before the first step. */
  readonly initial: FastState;
  advance(before: FastState, step: number): Promise<FastState>;
  /**
   * One step backwards.
   * @param before the state before the step
   * @param after  gradients of the scalar with respect to the state after it
   * @param onRow  told ∂scalar/∂weight of every row of the step's batch
   */
  adjoin(
    before: FastState,
    step: number,
    after: Adjoint,
    onRow: (row: number, gradient: number) => void,
  ): Promise<Adjoint>;
  dispose(): Promise<void>;
}

export async function openReplay(run: ReplayedRun): Promise<Replay> {
  const { recipe, seed, samples, rows, sampleWeights, initial } = run;
  const { batch, epochs } = recipe;
  const optimiser = openOptimiser(recipe.optimiser);
  const perEpoch = Math.ceil(rows.length / batch);
  const rate = openSchedule(recipe.schedule, epochs * perEpoch);
  const random = Random.named(seed, 'order');
  const orders = Array.from({ length: Math.ceil(run.steps / perEpoch) }, () => epochOrder(random, rows));
  const feedsOf = ({ inputs }: EncodedGraph): StepFeeds =>
    stepFeeds(new Map(inputs.map(({ name, shape }) => [name, shape])), {
      batch,
      optimiser,
      dropout: recipe.dropout,
      seed,
    });
  const [stepFed, adjointFed] = [feedsOf(run.stepProgram), feedsOf(run.adjointProgram)];
  const at = (step: number) => {
    const k = step % perEpoch;
    const positions = orders[Math.floor(step / perEpoch)].subarray(k * batch, (k + 1) * batch);
    return { positions, moment: { step, rate: rate(step), sampleWeights } };
  };
  const [forward, backward]: readonly Program[] = await Promise.all([
    openEncoded(run.stepProgram),
    openEncoded(run.adjointProgram),
  ]);
  const size = [initial.length];
  const stateSize = optimiser.stateSize(initial.length);
  return {
    initial: { parameters: initial, state: new Float32Array(stateSize) },
    async advance(before, step) {
      const { positions, moment } = at(step);
      const { nextParameters, nextState, loss } = await forward.run(stepFed(before, samples, positions, moment));
      if (!Number.isFinite(loss.data[0])) {
        throw new MeedError(
          `The training loss is ${loss.data[0]} at step ${step} of the replay with seed ${seed}`,
          `Lower the learning rate (it is ${moment.rate})`,
        );
      }
      return { parameters: nextParameters.data, state: nextState.data };
    },
    async adjoin(before, step, after, onRow) {
      const { positions, moment } = at(step);
      const feeds = adjointFed(before, samples, positions, moment);
      const { beforeParameters, beforeState, beforeWeights } = await backward.run({
        ...feeds,
        carried: { shape: size, data: before.parameters },
        adjointParameters: { shape: size, data: after.parameters },
        adjointState: { shape: [stateSize], data: after.state },
      });
      // the graph's weights are the rows' weights ÷ the rows of the batch
      for (let i = 0; i < positions.length; i++) onRow(positions[i], beforeWeights.data[i] / positions.length);
      return { parameters: beforeParameters.data, state: beforeState.data };
    },
    async dispose() {
      await Promise.all([forward.dispose(), backward.dispose()]);
    },
  };
}

/** @throws MeedError when the replay ended at other weights than the run */
export function checkReplayed({ trained, seed, steps }: ReplayedRun, ended: Float32Array): void {
  if (trained === undefined) return;
  const differs = ended.findIndex((value, p) => !Object.is(value, trained[p]));
  if (differs < 0 && trained.length === ended.length) return;
  throw new MeedError(
    `The replay of the run with seed ${seed} ends after ${steps} steps with the weight ${ended[differs]} in place ${differs}, the run with ${trained[differs]}`,
    'Give the recipe, the rows and the seed that the run was trained with, and train it on this machine: floats drift on another',
  );
}
