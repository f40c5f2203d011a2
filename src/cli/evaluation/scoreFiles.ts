/** Anybody's scores against anybody's ground truth: the figures of `meed evaluate --scores`. */

import { MeedError } from '../../foundation/index.js';
import {
  type Difference,
  lds,
  ldsDifference,
  type MeanCorrelation,
  type NoiseCeiling,
  noiseCeiling,
} from '../../influence/index.js';
import { type Matrix, readMatrix } from '../../influence/scoreFiles/index.js';

export interface ScoreFileOptions {
  /** [queries, samples] */
  readonly scores?: string;
  /** [subsets, queries] */
  readonly truth?: string;
  /** [subsets, samples] */
  readonly masks?: string;
  /** Other scores of the same queries and samples, for a paired difference. */
  readonly against?: string;
  /** The truth of a second set of retrainings, for the noise ceiling. */
  readonly again?: string;
  /** −1 turns the truth around: it holds losses, or positive scores mean harm. */
  readonly sign: 1 | -1;
  readonly replicates: number;
  readonly seed: number;
}

export interface Judgement {
  readonly lds: Pick<MeanCorrelation, 'value' | 'low' | 'high' | 'dropped'>;
  readonly ceiling?: NoiseCeiling;
  readonly difference?: Difference;
  readonly queries: number;
  readonly samples: number;
  readonly subsets: number;
}

/** @throws MeedError when a file is missing, cannot be read, or does not fit the others */
export async function judgeScores({
  scores,
  truth,
  masks,
  against,
  again,
  sign,
  ...bootstrap
}: ScoreFileOptions): Promise<Judgement> {
  if (scores === undefined || truth === undefined || masks === undefined) {
    throw new MeedError(
      'Scores are judged by the masks of subsets and what was measured under them, and one of the three files is not named',
      'Give --scores FILE, --truth FILE and --masks FILE',
      { exitCode: 2 },
    );
  }
  const [given, mask] = [await readMatrix(scores), await readMatrix(masks)];
  const turned = async (path: string): Promise<Matrix> => {
    const matrix = await readMatrix(path);
    return { ...matrix, data: sign === 1 ? matrix.data : matrix.data.map((value) => -value) };
  };
  const measured = { masks: mask, truth: await turned(truth) };
  const { value, low, high, dropped } = lds({ scores: given, ...measured }, bootstrap);
  return {
    lds: { value, low, high, dropped },
    ...(again !== undefined && { ceiling: noiseCeiling(measured.truth, await turned(again), bootstrap) }),
    ...(against !== undefined && {
      difference: ldsDifference(given, await readMatrix(against), measured, bootstrap),
    }),
    queries: given.shape[0],
    samples: given.shape[1],
    subsets: mask.shape[0],
  };
}

export function judgementText({ lds: found, ceiling, difference, queries, samples, subsets }: Judgement): string {
  const interval = ({ low, high }: { readonly low: number; readonly high: number }): string =>
    `95% of the bootstrap over queries and subsets from ${low.toFixed(4)} to ${high.toFixed(4)}`;
  return [
    `LDS ${found.value.toFixed(4)}, ${interval(found)}`,
    `${queries} queries, ${samples} samples, ${subsets} subsets; ${found.dropped} queries without a correlation are left out`,
    ...(ceiling
      ? [
          `noise ceiling ${ceiling.value.toFixed(4)}, the root of ${ceiling.correlation.value.toFixed(4)}, the correlation of the two sets of retrainings`,
        ]
      : []),
    ...(difference
      ? [
          `less the other scores ${difference.value.toFixed(4)}, ${interval(difference)}; above 0 in ${(100 * difference.above).toFixed(1)}% of the draws`,
        ]
      : []),
    '',
  ].join('\n');
}
