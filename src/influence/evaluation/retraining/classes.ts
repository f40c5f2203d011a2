/**
 * The predicted class of a query under a retrained model, told by losses alone: a query is asked once for each class, and
 * −log p is least for the class that the model would give. So a removal needs no weights sent back from where it trained.
 */
import type { Model, Samples } from '../../../models/index.js';

/** Query q with class c as its target in row q · classes + c. */
export function withEveryClass({ rows, width, features }: Samples, { classes }: Pick<Model, 'classes'>): Samples {
  const repeated = new Float32Array(rows * classes * width);
  for (let q = 0; q < rows; q++) {
    const row = features.subarray(q * width, (q + 1) * width);
    for (let c = 0; c < classes; c++) repeated.set(row, (q * classes + c) * width);
  }
  const targets = Int32Array.from({ length: rows * classes }, (_, i) => i % classes);
  return { rows: rows * classes, width, features: repeated, targets };
}

/** The first of the least losses of each query. @param losses of `withEveryClass` */
export function leastLossClasses(losses: Float32Array, { classes }: Pick<Model, 'classes'>): Int32Array {
  return Int32Array.from({ length: losses.length / classes }, (_, q) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (losses[q * classes + c] < losses[q * classes + best]) best = c;
    return best;
  });
}
