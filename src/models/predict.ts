/** Predictions in fixed chunks, so that a row's last bits do not depend on how many rows were asked for. */
import type { Engine } from '../engine/index.js';
import { logitsGraph } from './graphs.js';
import type { Model } from './model.js';
import { batchTensors, type Samples } from './samples.js';

export const PREDICTION_CHUNK = 256;

/** @returns the logits, rows × classes */
export async function predict(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
): Promise<Float32Array> {
  const program = await engine.compile(logitsGraph(model, PREDICTION_CHUNK));
  try {
    const logits = new Float32Array(samples.rows * model.classes);
    for (let start = 0; start < samples.rows; start += PREDICTION_CHUNK) {
      const { x } = batchTensors(samples, start, PREDICTION_CHUNK, model);
      const result = await program.run({ parameters: { shape: [model.parameterCount], data: parameters }, x });
      const rows = Math.min(PREDICTION_CHUNK, samples.rows - start);
      logits.set(result.logits.data.subarray(0, rows * model.classes), start * model.classes);
    }
    return logits;
  } finally {
    await program.dispose();
  }
}

/** The class with the largest logit of each row; the first one at a tie. */
export function predictedClasses(logits: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[i * classes + c] > logits[i * classes + best]) best = c;
    return best;
  });
}

/** Share of rows whose predicted class is the target. */
export function accuracy(logits: Float32Array, targets: Int32Array, classes: number): number {
  const predicted = predictedClasses(logits, classes);
  return predicted.reduce((hits, c, i) => hits + (c === targets[i] ? 1 : 0), 0) / Math.max(1, targets.length);
}
