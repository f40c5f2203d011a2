/**
 * One retraining of a model on some of the rows, as a task for any worker: subsets of the data are what retraining ground
 * truth (leave-one-out, linear datamodelling scores) is made of. The result depends on the input alone.
 */
import { cpuEngine } from '../engine/index.js';
import { type JsonObject, MeedError, Random } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import { defineTask } from '../work/index.js';
import { modelFromDefinition } from './definition.js';
import { type FastState, openFastStep } from './fastStep.js';
import { sgd } from './optimisers.js';
import { checkSamples, checkTargets, type Samples, type Targets } from './samples.js';

export interface RetrainInput {
  /** `Model.definition` of one that needs no file. */
  readonly model: JsonObject;
  /** rows × width of the whole data set, row-major */
  readonly features: Float32Array;
  /** rows × targets of a row: class ids, next tokens, or numbers */
  readonly targets: Targets;
  /** Rows trained on. */
  readonly rows: Uint32Array;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly dropout: number;
  /** Of weights, order and masks. */
  readonly seed: number;
}

export interface Retrained {
  readonly parameters: Float32Array;
  /** Mean training loss of the last epoch, while it ran. */
  readonly loss: number;
}

export default defineTask<RetrainInput, Retrained>({
  name: 'models.retrain',
  version: 2,
  module: import.meta.url,
  async run(input, context) {
    const { features, targets, rows, epochs, batch, learningRate, momentum, weightDecay, dropout, seed } = input;
    if (rows.length === 0) throw new MeedError('A retraining was given no rows', 'Give it at least one');
    const model = await modelFromDefinition(input.model, { name: 'The retraining' });
    const width = sizeOf(model.inputShape);
    const samples: Samples = { rows: features.length / width, width, features, targets };
    checkSamples(model, samples);
    checkTargets(model, samples);
    const optimiser = sgd({ momentum, weightDecay });
    const step = await openFastStep(cpuEngine(), model, { batch, optimiser, dropout, seed });
    try {
      const order = Random.named(seed, 'order');
      const perEpoch = Math.ceil(rows.length / batch);
      let now: FastState = {
        parameters: model.initialise(Random.named(seed, 'weights')),
        state: new Float32Array(optimiser.stateSize(model.parameterCount)),
      };
      let loss = 0;
      for (let epoch = 0; epoch < epochs; epoch++) {
        const shuffled = order.permutation(rows.length).map((position) => rows[position]);
        loss = 0;
        for (let k = 0; k < perEpoch; k++) {
          const result = await step.run(now, samples, shuffled.subarray(k * batch, (k + 1) * batch), {
            step: epoch * perEpoch + k,
            rate: learningRate,
          });
          loss += result.loss / perEpoch;
          now = result;
        }
        if (!Number.isFinite(loss)) {
          throw new MeedError(
            `The training loss is ${loss} in epoch ${epoch + 1} of the retraining with seed ${seed}`,
            `Lower the learning rate (it is ${learningRate})`,
          );
        }
        context.throwIfCancelled();
        context.progress(epoch + 1, epochs, 'epochs');
      }
      return { parameters: now.parameters, loss };
    } finally {
      await step.dispose();
    }
  },
});
