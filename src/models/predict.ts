/**
 * Outputs in fixed chunks, so that a row's last bits do not depend on how many rows were asked for, and what they are
 * worth: the share of right classes, or the squared error of numbers.
 */
import type { Engine } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import { logitsGraph } from './graphs.js';
import type { Model } from './model.js';
import { batchTensors, type Samples, type Targets } from './samples.js';

export const PREDICTION_CHUNK = 256;

/** @returns what the model gives for each row: logits rows × classes, or rows × T × vocabulary, or rows × outputs */
export async function predict(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
): Promise<Float32Array> {
  const graph = logitsGraph(model, PREDICTION_CHUNK);
  const width = sizeOf([...graph.outputs.values()][0].shape.slice(1));
  const program = await engine.compile(graph);
  try {
    const outputs = new Float32Array(samples.rows * width);
    for (let start = 0; start < samples.rows; start += PREDICTION_CHUNK) {
      const { x } = batchTensors(samples, start, PREDICTION_CHUNK, model);
      const result = await program.run({ parameters: { shape: [model.parameterCount], data: parameters }, x });
      const rows = Math.min(PREDICTION_CHUNK, samples.rows - start);
      outputs.set(result.logits.data.subarray(0, rows * width), start * width);
    }
    return outputs;
  } finally {
    await program.dispose();
  }
}

/**
 * The class with the largest logit of each row; the first one at a tie.
 * @throws MeedError when there are no classes, as of a regression
 */
export function predictedClasses(logits: Float32Array, classes: number): Int32Array {
  if (classes < 1) {
    throw new MeedError('A model that tells no classes apart predicts none', 'Compare its outputs with the targets');
  }
  return Int32Array.from({ length: logits.length / classes }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[i * classes + c] > logits[i * classes + best]) best = c;
    return best;
  });
}

/**
 * Share of the targets that are the predicted class, of those that there are: −1 asks for nothing.
 * @throws MeedError when there are no classes
 */
export function accuracy(logits: Float32Array, targets: Targets, classes: number): number {
  const predicted = predictedClasses(logits, classes);
  let [hits, asked] = [0, 0];
  for (const [i, target] of targets.entries()) {
    if (target < 0) continue;
    asked++;
    if (predicted[i] === target) hits++;
  }
  return hits / Math.max(1, asked);
}

/** Mean over the rows of Σ (output − target)², the mean loss of a regression. @throws MeedError when they are not as many */
export function meanSquaredError(outputs: Float32Array, targets: Targets, rows: number): number {
  if (outputs.length !== targets.length || rows < 1) {
    throw new MeedError(
      `${outputs.length} outputs were compared with ${targets.length} targets of ${rows} rows`,
      'Give the outputs of a regression and as many targets, of at least one row',
    );
  }
  return outputs.reduce((sum, y, i) => sum + (y - targets[i]) ** 2, 0) / rows;
}
