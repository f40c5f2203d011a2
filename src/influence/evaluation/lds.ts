/**
 * The linear datamodelling score (Park et al. 2023, TRAK, definition 2.3; Ilyas et al. 2022): a method predicts an
 * output under a model that was trained on a subset as the sum of the scores of the samples in it. Spearman's
 * correlation of that prediction with what the retrained models did, over subsets, averaged over queries.
 * The truth is higher-is-better (−loss, a margin), because a positive score means that the sample helped; a truth in
 * losses gives the negative of the figure.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import {
  type BootstrapOptions,
  type Correlator,
  correlator,
  type Difference,
  type MeanCorrelation,
  meanCorrelation,
  ones,
  pairedDifference,
} from './statistics/index.js';

export interface LdsInput {
  /** [queries, samples]; positive = the sample helped. */
  readonly scores: Tensor;
  /** [subsets, samples]; 1 where the sample was in the subset, 0 where it was not. */
  readonly masks: Tensor;
  /** [subsets, queries], higher is better. */
  readonly truth: Tensor;
}

/**
 * @throws MeedError when the three do not fit each other, or there are fewer than two subsets
 */
export function lds(input: LdsInput, options: BootstrapOptions = {}): MeanCorrelation {
  return meanCorrelation(ldsCorrelators(input), input.masks.shape[0], options);
}

/** LDS of each query without an interval; NaN where there is none. @throws MeedError as `lds` */
export function ldsPerQuery(input: LdsInput): Float64Array {
  const all = ones(input.masks.shape[0]);
  return Float64Array.from(ldsCorrelators(input), (one) => one.of(all));
}

/**
 * LDS of the first scores less that of the second, against the same truth, with a paired bootstrap of both.
 * @throws MeedError as `lds`
 */
export function ldsDifference(
  first: Tensor,
  second: Tensor,
  { masks, truth }: Pick<LdsInput, 'masks' | 'truth'>,
  options: BootstrapOptions = {},
): Difference {
  const [a, b] = [first, second].map((scores) => ldsCorrelators({ scores, masks, truth }));
  return pairedDifference(a, b, masks.shape[0], options);
}

/** Predicted against measured over subsets, one a query. */
function ldsCorrelators(input: LdsInput): Correlator[] {
  checkLds(input);
  const { scores, masks, truth } = input;
  const [[queries], [subsets]] = [scores.shape, masks.shape];
  const predicted = subsetPredictions(scores, masks);
  return Array.from({ length: queries }, (_, q) =>
    correlator('spearman', predicted.subarray(q * subsets, (q + 1) * subsets), columnOf(truth, q)),
  );
}

/** Σ over the subset of the scores: [queries, subsets], in float64. */
export function subsetPredictions(scores: Tensor, masks: Tensor): Float64Array {
  const [queries, samples] = scores.shape;
  const [subsets] = masks.shape;
  const members = Array.from({ length: subsets }, (_, k) => {
    const mask = masks.data.subarray(k * samples, (k + 1) * samples);
    const rows = Uint32Array.from(mask.keys()).filter((i) => mask[i] !== 0);
    return { rows, weights: Float64Array.from(rows, (i) => mask[i]) };
  });
  const predicted = new Float64Array(queries * subsets);
  for (let q = 0; q < queries; q++) {
    const row = scores.data.subarray(q * samples, (q + 1) * samples);
    for (let k = 0; k < subsets; k++) {
      const { rows, weights } = members[k];
      let sum = 0;
      for (let j = 0; j < rows.length; j++) sum += weights[j] * row[rows[j]];
      predicted[q * subsets + k] = sum;
    }
  }
  return predicted;
}

/** What was measured for query q under each subset's model. */
export function columnOf({ shape: [rows, columns], data }: Tensor, q: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, k) => data[k * columns + q]);
}

export const LEAST_SUBSETS = 2;

function checkLds({ scores, masks, truth }: LdsInput): void {
  for (const [name, { shape, data }] of Object.entries({ scores, masks, truth })) {
    if (shape.length === 2 && data.length === shape[0] * shape[1]) continue;
    throw new MeedError(
      `The ${name} have the shape [${shape}] and ${data.length} numbers`,
      'Give a matrix of rows and columns',
    );
  }
  const [[queries, samples], [subsets, masked], [measured, asked]] = [scores.shape, masks.shape, truth.shape];
  if (samples !== masked) {
    throw new MeedError(
      `The scores are of ${samples} samples and the masks of ${masked}`,
      'Give scores [queries, samples] and masks [subsets, samples] of the same samples',
    );
  }
  if (subsets !== measured) {
    throw new MeedError(
      `The masks are of ${subsets} subsets and the truth of ${measured}`,
      'Give masks [subsets, samples] and truth [subsets, queries] of the same subsets',
    );
  }
  if (queries !== asked) {
    throw new MeedError(
      `The scores are of ${queries} queries and the truth of ${asked}`,
      'Give scores [queries, samples] and truth [subsets, queries] of the same queries',
    );
  }
  if (subsets < LEAST_SUBSETS || queries < 1) {
    throw new MeedError(
      `A correlation over ${subsets} subsets for ${queries} queries was asked for`,
      `Give at least ${LEAST_SUBSETS} subsets and one query`,
    );
  }
  const stray = masks.data.findIndex((value) => !Number.isFinite(value));
  if (stray < 0) return;
  throw new MeedError(
    `The mask of subset ${Math.floor(stray / samples)} holds ${masks.data[stray]} for sample ${stray % samples}`,
    'Give 1 for a sample in the subset and 0 for one outside',
  );
}
