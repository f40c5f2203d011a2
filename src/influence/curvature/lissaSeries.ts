/**
 * (H + λI)⁻¹·b by the Neumann series on random batches (Agarwal et al. 2017, "LiSSA"; Koh and Liang 2017, section 3):
 * v ← b + v − (H_B + λI)·v ÷ scale, from v = b; the result is the mean over repeats of v ÷ scale.
 * The trap: it converges only while no eigenvalue of any batch exceeds 2·scale, and nothing in the numbers
 * says so until they overflow. But while I − (H_B + λI)/scale lengthens nothing, ‖v_j‖ ≤ (j + 1)·‖b‖; a longer v proves
 * that the series is not summing to an inverse, and is an error.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import { type Samples, selectSamples } from '../../models/index.js';
import type { WorkWatch } from '../watch.js';
import { addScaled, inner, rowOf, rowsFrom, unitRows } from './vectors.js';

export interface Series {
  readonly scale: number;
  /** Terms. */
  readonly depth: number;
  /** Series averaged, each with batches of its own. */
  readonly repeats: number;
  /** Samples of a batch; all of them when there are no more. */
  readonly batch: number;
  /** Vectors multiplied together. */
  readonly width: number;
  /** Of the batches, which are the same for every vector. */
  readonly seed: number;
}

/** Of float32 sums, in the bound on lengths. */
const SLACK = 1e-3;

/**
 * @param apply (H + λI)·v over a batch of samples
 * @throws MeedError when the series diverges
 */
export async function lissaSeries(
  apply: (samples: Samples, vectors: Tensor) => Promise<Tensor>,
  samples: Samples,
  b: Tensor,
  { scale, depth, repeats, batch, width, seed }: Series,
  watch: WorkWatch,
): Promise<Tensor> {
  const [count, length] = b.shape;
  const sum = new Float64Array(count * length);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const random = Random.named(seed, `lissa ${repeat}`);
    const batches = Array.from({ length: depth }, () => batchOf(samples, batch, random));
    for (let first = 0; first < count; first += width) {
      const rows = Math.min(width, count - first);
      const { units: own, lengths } = unitRows(rowsFrom(b, first, rows));
      const v: Tensor = { shape: own.shape, data: own.data.slice() };
      for (const [j, positions] of batches.entries()) {
        watch.throwIfCancelled();
        const curved = await apply(positions ? selectSamples(samples, positions) : samples, v);
        for (let e = 0; e < v.data.length; e++) v.data[e] += own.data[e] - curved.data[e] / scale;
        for (let k = 0; k < rows; k++) {
          const now = Math.sqrt(inner(rowOf(v, k), rowOf(v, k)));
          if (!(now <= (j + 2) * (1 + SLACK))) throw divergent(j + 1, now, scale);
        }
      }
      for (let k = 0; k < rows; k++) {
        addScaled(sum.subarray((first + k) * length, (first + k + 1) * length), lengths[k] / scale, rowOf(v, k));
      }
      watch.progress(repeat * count + first + rows, repeats * count, 'solves');
    }
  }
  return { shape: b.shape, data: Float32Array.from(sum, (value) => value / repeats) };
}

/** `undefined`: all of them. */
function batchOf(samples: Samples, batch: number, random: Random): Uint32Array | undefined {
  if (batch >= samples.rows) return undefined;
  return Uint32Array.from({ length: batch }, () => random.below(samples.rows));
}

function divergent(term: number, growth: number, scale: number): MeedError {
  return new MeedError(
    `LiSSA diverges: after ${term} term(s) a vector is ${growth.toExponential(1)} times as long as it began, with the scale ${scale}`,
    'Raise the scale above the largest curvature of a batch, raise the damping, or choose cg, which needs no scale',
  );
}
