/**
 * MAGIC (Ilyas and Engstrom 2025, "MAGIC: Near-Optimal Data Attribution for Deep Learning"): the exact gradient of what
 * is explained, at the end of one deterministic training, with respect to the weight of every sample through the whole
 * training. score(q, i) = −∂loss_q(θ_T)/∂w_i at w = 1: to first order, what the output's loss would gain if sample i were
 * left out of the sums of its batches, order, initial weights and denominators unchanged.
 * The trap: it is the derivative of one run. Where the loss at the end is not smooth in the weights (ReLU's kinks, high
 * learning rates, long runs), the derivative is exact and predicts only small changes.
 */
import { cpuEngine, type Engine, encodeGraph, type Tensor } from '../../engine/index.js';
import { canonicalJson, MeedError, Random, sha256 } from '../../foundation/index.js';
import {
  adjointStepGraph,
  checkSamples,
  checkTargets,
  type FastStepOptions,
  fastStepGraph,
  type Model,
  openOptimiser,
  type Recipe,
  type Samples,
  selectSamples,
} from '../../models/index.js';
import { inlinePool, runMap } from '../../work/index.js';
import type { ScoringOptions } from '../pathScorer.js';
import { samplePlaces } from '../samplePlaces.js';
import type { Scorer } from '../scorer.js';
import magicBlock, { type MagicBlockInput, SCALARS } from './magicBlock.task.js';
import { outputGradientGraph } from './outputAdjoints.js';
import type { ReplayedRun } from './replayedRun.js';

/** The training that is differentiated: that of the retraining task. */
export interface DeterministicRun {
  readonly recipe: Recipe;
  /** Of weights, order and masks. */
  readonly seed: number;
  /** The samples trained on, by their number; all unless told. */
  readonly rows?: Uint32Array;
  /** Weight of each sample, at which the gradient is taken; 1 unless told. */
  readonly sampleWeights?: Float32Array;
  /** Explains the model after so many steps; after all of the recipe's unless told. */
  readonly steps?: number;
  /** [P] the weights at that step; where they are given the replay must end there, bit for bit. */
  readonly trained?: Float32Array;
}

export interface Magic extends Scorer {
  /**
   * A group of outputs explained as one: the scores of Σ_q weight_q·loss_q for the price of one output.
   * @param weights one for each output, 1 unless told; 1 ÷ outputs for their mean
   * @returns [1, samples]
   */
  scoreSum(outputs: Samples, samples: Samples, weights?: Float32Array): Promise<Tensor>;
}

/**
 * @throws MeedError when the engine is not the one that trains, or the run is not one of this model and these samples.
 *   Scoring throws one when the replay does not end at `trained`, or memory is too little.
 */
export async function magic(
  engine: Engine,
  model: Model,
  samples: Samples,
  run: DeterministicRun,
  about: Pick<Scorer, 'name' | 'scale' | 'additivity'>,
  options: ScoringOptions = {},
): Promise<Magic> {
  const own = cpuEngine().name;
  if (engine.name !== own) {
    throw new MeedError(
      `A training by ${own} is to be replayed, the engine ${engine.name} was given`,
      'Choose --engine onnxruntime and --device cpu: another engine gives other bits',
      { exitCode: 2 },
    );
  }
  checkSamples(model, samples);
  checkTargets(model, samples);
  const replayed = replayedRun(model, samples, run);
  const outputProgram = encodeGraph(outputGradientGraph(model, options.target));
  const shared = { engine: own, run: replayed, outputProgram };
  const key = nameOf(shared);
  const { store, progress, signal, notice } = options;
  // one pool for all calls, so that the stored states of the first serve the next
  const here = options.where === undefined ? inlinePool() : undefined;
  const where = options.where ?? here;

  const gradients = async (outputs: Samples, scalars: Uint32Array, weights: Float32Array): Promise<Float32Array> => {
    checkSamples(model, outputs);
    checkTargets(model, outputs);
    const count = scalars.length === 0 ? 0 : scalars[scalars.length - 1] + 1;
    const inputs = Array.from({ length: Math.ceil(count / SCALARS) }, (_, b): MagicBlockInput => {
      const inside = Array.from(scalars.keys()).filter((q) => Math.floor(scalars[q] / SCALARS) === b);
      return {
        ...shared,
        key,
        outputs: selectSamples(outputs, inside),
        scalars: Uint32Array.from(inside, (q) => scalars[q] - b * SCALARS),
        weights: Float32Array.from(inside, (q) => weights[q]),
      };
    });
    const unit = `blocks of ${SCALARS} gradients through the training`;
    const blocks: readonly unknown[] = await runMap(magicBlock, inputs, {
      where,
      store,
      progress,
      signal,
      notice,
      unit,
    });
    const whole = new Float32Array(count * samples.rows);
    for (const [b, block] of blocks.entries()) {
      const size = Math.min(SCALARS, count - b * SCALARS) * samples.rows;
      whole.set(gradientsOf(block, size, store), b * SCALARS * samples.rows);
    }
    return whole;
  };
  const scores = async (asked: Samples, outputs: Samples, scalars: Uint32Array, weights: Float32Array) => {
    const places = samplePlaces(asked, samples);
    const given = await gradients(outputs, scalars, weights);
    const rows = given.length / samples.rows;
    const data = new Float32Array(rows * places.length);
    for (let r = 0; r < rows; r++) {
      for (const [i, place] of places.entries()) data[r * places.length + i] = 0 - given[r * samples.rows + place];
    }
    return { shape: [rows, places.length], data };
  };
  return {
    ...about,
    score: (outputs, asked) =>
      scores(
        asked,
        outputs,
        Uint32Array.from({ length: outputs.rows }, (_, q) => q),
        new Float32Array(outputs.rows).fill(1),
      ),
    async scoreSum(outputs, asked, weights = new Float32Array(outputs.rows).fill(1)) {
      if (outputs.rows === 0 || weights.length !== outputs.rows || !weights.every(Number.isFinite)) {
        throw new MeedError(
          `${weights.length} weights were given for a sum of ${outputs.rows} outputs, or one is not finite`,
          'Give a finite weight for each of one output or more',
        );
      }
      return scores(asked, outputs, new Uint32Array(outputs.rows), weights);
    },
    async dispose() {
      await here?.close();
    },
  };
}

/** What a worker gave: a block of another size would shift every score after it. */
function gradientsOf(given: unknown, size: number, store: string | undefined): Float32Array {
  const gradients = typeof given === 'object' && given !== null && 'gradients' in given ? given.gradients : undefined;
  if (gradients instanceof Float32Array && gradients.length === size) return gradients;
  const got = gradients instanceof Float32Array ? `${gradients.length} gradients` : 'no gradients';
  throw new MeedError(
    `A block of ${size} gradients was asked for, a worker gave ${got}`,
    `Use workers that you trust${store === undefined ? '' : `, and delete ${store}, which keeps what they gave`}`,
  );
}

function replayedRun(model: Model, samples: Samples, run: DeterministicRun): ReplayedRun {
  const { recipe, seed, sampleWeights, trained } = run;
  const rows = run.rows ?? Uint32Array.from({ length: samples.rows }, (_, row) => row);
  const stray = rows.find((row) => row >= samples.rows);
  if (rows.length === 0 || stray !== undefined) {
    throw new MeedError(
      rows.length === 0
        ? 'The run to be replayed has no rows'
        : `The run to be replayed was trained on row ${stray}, there are ${samples.rows}`,
      'Give the run and the samples that it was trained on',
    );
  }
  if (sampleWeights && (sampleWeights.length !== samples.rows || !sampleWeights.every(Number.isFinite))) {
    throw new MeedError(
      `${sampleWeights.length} sample weights were given for ${samples.rows} samples, or one is not finite`,
      'Give a finite weight for each sample',
    );
  }
  const whole = recipe.epochs * Math.ceil(rows.length / recipe.batch);
  const steps = run.steps ?? whole;
  if (!Number.isInteger(steps) || steps < 1 || steps > whole) {
    throw new MeedError(`The model after step ${steps} of a run of ${whole} is to be explained`, `Give 1 to ${whole}`);
  }
  const options: FastStepOptions = { ...recipe, optimiser: openOptimiser(recipe.optimiser), seed };
  return {
    stepProgram: encodeGraph(fastStepGraph(model, options)),
    adjointProgram: encodeGraph(adjointStepGraph(model, options)),
    recipe,
    seed,
    samples,
    rows,
    sampleWeights,
    initial: model.initialise(Random.named(seed, 'weights')),
    steps,
    trained,
  };
}

function nameOf({
  engine,
  run,
  outputProgram,
}: Omit<MagicBlockInput, 'key' | 'outputs' | 'scalars' | 'weights'>): string {
  const { recipe, seed, steps, samples, rows, initial, sampleWeights, trained } = run;
  const arrays = [samples.features, samples.targets, rows, initial, sampleWeights, trained];
  return sha256(
    engine,
    ...[run.stepProgram, run.adjointProgram, outputProgram].map(({ onnx }) => sha256(onnx)),
    canonicalJson({ recipe: { ...recipe }, seed, steps, rows: samples.rows, width: samples.width }),
    ...arrays.map((array) =>
      array === undefined ? 'none' : sha256(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)),
    ),
  );
}
