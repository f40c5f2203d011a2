/**
 * One retraining of a model on some of the rows, as a task for any worker: subsets of the data are what retraining ground
 * truth (leave-one-out, linear datamodelling scores) is made of. The result depends on the input alone.
 * Rows are left out in one of two ways. With fewer `rows` batches are made of what is left. With `sampleWeights` of 0
 * order and denominators stay as they were, so that nothing but the row's own gradient changes: the question that the
 * derivative of one training run answers (MAGIC).
 */
import { cpuEngine } from '../engine/index.js';
import { type JsonObject, MeedError, Random } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import { defineTask } from '../work/index.js';
import { modelFromDefinition } from './definition.js';
import { openFastStep } from './fastStep.js';
import { lossesOf } from './lossesOf.js';
import { openOptimiser, openSchedule, type Recipe } from './recipe.js';
import { checkSamples, checkTargets, type Samples, type Targets } from './samples.js';
import { epochOrder, type FastState } from './stepFeeds.js';

export interface RetrainInput extends Recipe {
  /** `Model.definition` of one that needs no file. */
  readonly model: JsonObject;
  /** rows × width of the whole data set, row-major */
  readonly features: Float32Array;
  /** rows × targets of a row: class ids, next tokens, or numbers */
  readonly targets: Targets;
  /** Rows trained on. */
  readonly rows: Uint32Array;
  /** Of weights, order and masks. */
  readonly seed: number;
  /** Weight of each row of the data set in its batch's sum; a batch is divided by its rows whatever they weigh. */
  readonly sampleWeights?: Float32Array;
  /** Optimiser steps after which the weights are given back, ascending, 0 = before the first; the last one unless told. */
  readonly keep?: readonly number[];
  /** Samples whose losses under the trained model are given back. */
  readonly queries?: Samples;
}

export interface KeptState {
  /** Optimiser steps done. */
  readonly step: number;
  readonly parameters: Float32Array;
}

export interface Retrained {
  /** At the steps asked for. */
  readonly states: readonly KeptState[];
  /** Mean training loss of the last epoch, while it ran. */
  readonly loss: number;
  /** Loss of each query without dropout; empty when none was asked for. */
  readonly queryLosses: Float32Array;
}

export default defineTask<RetrainInput, Retrained>({
  name: 'models.retrain',
  version: 3,
  module: import.meta.url,
  async run(input, context) {
    const { features, targets, rows, epochs, batch, dropout, clip, seed, sampleWeights, queries } = input;
    if (rows.length === 0) throw new MeedError('A retraining was given no rows', 'Give it at least one');
    const model = await modelFromDefinition(input.model, { name: 'The retraining' });
    const width = sizeOf(model.inputShape);
    const samples: Samples = { rows: features.length / width, width, features, targets };
    checkSamples(model, samples);
    checkTargets(model, samples);
    checkWeights(sampleWeights, samples.rows);
    const perEpoch = Math.ceil(rows.length / batch);
    const steps = epochs * perEpoch;
    const wanted = new Set(input.keep ?? [steps]);
    for (const step of wanted) {
      if (Number.isInteger(step) && step >= 0 && step <= steps) continue;
      throw new MeedError(`State ${step} of a training of ${steps} steps was asked for`, `Ask for 0 to ${steps}`);
    }
    const rate = openSchedule(input.schedule, steps);
    const optimiser = openOptimiser(input.optimiser);
    const step = await openFastStep(cpuEngine(), model, { batch, optimiser, dropout, seed, clip });
    try {
      const order = Random.named(seed, 'order');
      let now: FastState = {
        parameters: model.initialise(Random.named(seed, 'weights')),
        state: new Float32Array(optimiser.stateSize(model.parameterCount)),
      };
      const states: KeptState[] = [];
      const keepAt = (done: number): void => {
        if (wanted.has(done)) states.push({ step: done, parameters: now.parameters });
      };
      keepAt(0);
      let loss = 0;
      for (let epoch = 0; epoch < epochs; epoch++) {
        const shuffled = epochOrder(order, rows);
        loss = 0;
        for (let k = 0; k < perEpoch; k++) {
          const at = epoch * perEpoch + k;
          const positions = shuffled.subarray(k * batch, (k + 1) * batch);
          const result = await step.run(now, samples, positions, { step: at, rate: rate(at), sampleWeights });
          loss += result.loss / perEpoch;
          now = result;
          keepAt(at + 1);
        }
        if (!Number.isFinite(loss)) {
          throw new MeedError(
            `The training loss is ${loss} in epoch ${epoch + 1} of the retraining with seed ${seed}`,
            `Lower the learning rate (it is ${rate(epoch * perEpoch)})`,
          );
        }
        context.throwIfCancelled();
        context.progress(epoch + 1, epochs, 'epochs');
      }
      const queryLosses = queries ? await lossesOf(cpuEngine(), model, now.parameters, queries) : new Float32Array();
      return { states, loss, queryLosses };
    } finally {
      await step.dispose();
    }
  },
});

function checkWeights(weights: Float32Array | undefined, rows: number): void {
  if (weights === undefined || (weights.length === rows && weights.every(Number.isFinite))) return;
  throw new MeedError(
    `${weights.length} sample weights were given for ${rows} rows, or one is not finite`,
    'Give a finite weight for each row of the data set',
  );
}
