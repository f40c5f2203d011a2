/**
 * The loss of each sample under given weights, without dropout: what retraining ground truth compares. In chunks of a
 * fixed size, so that a sample's last bits do not depend on how many are asked for.
 */
import type { Engine } from '../engine/index.js';
import { GraphBuilder } from '../graph/index.js';
import { type Losses, type Model, unpackParameters } from './model.js';
import { PREDICTION_CHUNK } from './predict.js';
import { batchTensors, checkSamples, type Samples } from './samples.js';

/**
 * @param target another scalar of each sample than the training loss
 * @returns [rows]
 * @throws MeedError when the samples are not the model's
 */
export async function lossesOf(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
  target: Losses = model.losses,
): Promise<Float32Array> {
  checkSamples(model, samples);
  const g = new GraphBuilder();
  const values = unpackParameters(g, model, g.input('parameters', [model.parameterCount]));
  const x = g.input('x', [PREDICTION_CHUNK, ...model.inputShape]);
  const targets = g.input('targets', [PREDICTION_CHUNK, ...model.targetShape]);
  const program = await engine.compile(g.build({ losses: target(g, model.forward(g, values, x), targets) }));
  try {
    const losses = new Float32Array(samples.rows);
    const flat = { shape: [model.parameterCount], data: parameters };
    for (let start = 0; start < samples.rows; start += PREDICTION_CHUNK) {
      const result = await program.run({
        parameters: flat,
        ...batchTensors(samples, start, PREDICTION_CHUNK, model),
      });
      losses.set(result.losses.data.subarray(0, Math.min(PREDICTION_CHUNK, samples.rows - start)), start);
    }
    return losses;
  } finally {
    await program.dispose();
  }
}
