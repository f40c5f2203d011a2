/** Batches of rows for a stochastic solver: without replacement through all rows, then through another order. */
import { Random } from '../../foundation/index.js';

/** @returns for each step the rows of its batch, by the seed alone */
export function solverBatches(rows: number, batch: number, steps: number, seed: number): Uint32Array[] {
  const random = Random.named(seed, 'solver batches');
  const size = Math.min(batch, rows);
  let order = random.permutation(rows);
  let at = 0;
  return Array.from({ length: steps }, () => {
    if (at + size > rows) {
      order = random.permutation(rows);
      at = 0;
    }
    at += size;
    return order.slice(at - size, at);
  });
}
