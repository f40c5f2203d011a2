/**
 * What an epoch of n samples and r receipts costs, computed from the measured time of each kind of proof: the number of
 * proofs of each kind is arithmetic, and proofs are independent, so their times add up. Receipts are proven singly, or folded
 * by host; the curve shows both, and the cheaper is what a validator takes.
 */
import type { Instance } from '../../src/prover/reference/index.js';
import { slotsOf } from './randomEpoch.js';

/** Seconds of one proof of each kind with all provers at work, verification and witness included. */
export interface ProofSeconds {
  readonly scoreMatrix: number;
  readonly querySum?: number;
  readonly queryMean?: number;
}

export interface CurvePoint {
  readonly samples: number;
  readonly receipts: number;
  readonly singleSeconds: number;
  /** Undefined where no fold was measured. */
  readonly foldedSeconds?: number;
}

export const CURVE_SAMPLES = [10_000, 100_000, 1_000_000];
export const CURVE_RECEIPTS = [24, 1_000, 10_000];

export function costCurve(instance: Instance, step: number, hosts: number, seconds: ProofSeconds): CurvePoint[] {
  const { scoreMatrix, querySum, queryMean } = seconds;
  return CURVE_SAMPLES.flatMap((samples) =>
    CURVE_RECEIPTS.map((receipts): CurvePoint => {
      const shards = Math.ceil(slotsOf(samples) / instance.slots);
      const matrices = (queries: number): number => shards * Math.ceil(queries / instance.queries) * scoreMatrix;
      const steps = hosts * Math.ceil(receipts / hosts / step);
      const folded = querySum !== undefined && queryMean !== undefined;
      return {
        samples,
        receipts,
        singleSeconds: matrices(receipts),
        ...(folded && { foldedSeconds: matrices(hosts) + steps * querySum + hosts * queryMean }),
      };
    }),
  );
}
