/**
 * A datamodel: the linear function of "which samples were trained on" that comes nearest to what retrained models did
 * (Ilyas et al. 2022, "Datamodels"), with a ridge penalty instead of their LASSO, which has a closed form; a sample's weight
 * is its score. From K subsets of n samples the dual (Saunders et al. 1998) needs only the K × K products of the masks, of
 * which one decomposition gives every penalty. The penalty is chosen for each output by the error on held-out subsets.
 * The trap: the penalty is told as a multiple of the mean eigenvalue, or what was chosen on some of the subsets would
 * mean something else on all of them.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { openProducts, symmetricEigen } from '../../linalg/index.js';

/** Multiples of the mean eigenvalue of the centred masks' products. */
export const PENALTIES: readonly number[] = [1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 1e3];

export interface Datamodels {
  /** [outputs, samples]: what a sample's presence adds to the output's value. */
  readonly weights: Float64Array;
  /** Chosen for each output, of PENALTIES. */
  readonly penalties: Float64Array;
}

/**
 * @param masks    [subsets, samples] of 0 and 1
 * @param values   [subsets, outputs], higher is better
 * @param heldOut  how many of the last subsets choose the penalty; all are fitted afterwards
 * @throws MeedError when fewer than two subsets are left to fit, or none is held out
 */
export async function ridgeDatamodels(
  engine: Engine,
  masks: Tensor,
  values: Tensor<'float64'>,
  heldOut: number,
): Promise<Datamodels> {
  const [subsets, samples] = masks.shape;
  const [measured, outputs] = values.shape;
  const fitted = subsets - heldOut;
  if (measured !== subsets || !Number.isInteger(heldOut) || heldOut < 1 || fitted < 2) {
    throw new MeedError(
      `Datamodels were to be fitted to ${fitted} of ${subsets} subsets with ${measured} measurements`,
      'Give a measurement for each subset, fit at least two of them and hold out at least one',
    );
  }
  const trial = await fitPath(engine, masks, values, fitted);
  const errors = PENALTIES.map((penalty) => {
    const model = trial.weights(penalty);
    const error = new Float64Array(outputs);
    for (let k = fitted; k < subsets; k++) {
      for (let q = 0; q < outputs; q++) {
        let predicted = trial.meanValue[q];
        for (let i = 0; i < samples; i++) {
          predicted += (masks.data[k * samples + i] - trial.meanMask[i]) * model[q * samples + i];
        }
        error[q] += (predicted - values.data[k * outputs + q]) ** 2;
      }
    }
    return error;
  });
  const whole = await fitPath(engine, masks, values, subsets);
  const weights = new Float64Array(outputs * samples);
  const penalties = new Float64Array(outputs);
  const chosen = Array.from({ length: outputs }, (_, q) => {
    let best = 0;
    for (let p = 1; p < PENALTIES.length; p++) if (errors[p][q] < errors[best][q]) best = p;
    return best;
  });
  for (const [p, penalty] of PENALTIES.entries()) {
    if (!chosen.includes(p)) continue;
    const model = whole.weights(penalty);
    for (let q = 0; q < outputs; q++) {
      if (chosen[q] !== p) continue;
      penalties[q] = penalty;
      weights.set(model.subarray(q * samples, (q + 1) * samples), q * samples);
    }
  }
  return { weights, penalties };
}

interface RidgePath {
  readonly meanMask: Float64Array;
  readonly meanValue: Float64Array;
  /** [outputs, samples] */
  weights(penalty: number): Float64Array;
}

/** Ridge regression of the first subsets' values on their masks, both centred; the intercept is the mean. */
async function fitPath(
  engine: Engine,
  { shape: [, samples], data }: Tensor,
  { shape: [, outputs], data: values }: Tensor<'float64'>,
  subsets: number,
): Promise<RidgePath> {
  const meanMask = new Float64Array(samples);
  const meanValue = new Float64Array(outputs);
  for (let k = 0; k < subsets; k++) {
    for (let i = 0; i < samples; i++) meanMask[i] += data[k * samples + i] / subsets;
    for (let q = 0; q < outputs; q++) meanValue[q] += values[k * outputs + q] / subsets;
  }
  const centred = Float64Array.from({ length: subsets * samples }, (_, at) => data[at] - meanMask[at % samples]);
  const gram = new Float64Array(subsets * subsets);
  for (let a = 0; a < subsets; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < samples; i++) sum += centred[a * samples + i] * centred[b * samples + i];
      gram[a * subsets + b] = sum;
      gram[b * subsets + a] = sum;
    }
  }
  const products = openProducts(engine, 'float64');
  const eigen = await symmetricEigen(products, { shape: [subsets, subsets], data: gram }).finally(() =>
    products.dispose(),
  );
  const vectors = eigen.vectors.data;
  const mean = eigen.values.reduce((sum, value) => sum + Math.max(0, value), 0) / subsets;
  // Uᵀy of every output
  const rotated = new Float64Array(subsets * outputs);
  for (let k = 0; k < subsets; k++) {
    for (let e = 0; e < subsets; e++) {
      const u = vectors[k * subsets + e];
      for (let q = 0; q < outputs; q++) rotated[e * outputs + q] += u * (values[k * outputs + q] - meanValue[q]);
    }
  }
  return {
    meanMask,
    meanValue,
    weights(penalty) {
      const model = new Float64Array(outputs * samples);
      // masks that are all alike say nothing of any sample
      if (mean === 0) return model;
      for (let k = 0; k < subsets; k++) {
        const dual = new Float64Array(outputs);
        for (let e = 0; e < subsets; e++) {
          const scale = vectors[k * subsets + e] / (Math.max(0, eigen.values[e]) + penalty * mean);
          for (let q = 0; q < outputs; q++) dual[q] += scale * rotated[e * outputs + q];
        }
        for (let q = 0; q < outputs; q++) {
          for (let i = 0; i < samples; i++) model[q * samples + i] += dual[q] * centred[k * samples + i];
        }
      }
      return model;
    },
  };
}
