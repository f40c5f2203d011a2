/** The kernel's exports for multi-scalar multiplication (`kernels/bn254/`): scalars.ts, buckets.ts. */

/** A group by the degree of its coordinates: G1 over Fq, G2 over Fq2. */
export const G1 = 1;
export const G2 = 2;
export type Group = typeof G1 | typeof G2;

export interface CurveKernel {
  /** Scalars that are neither short nor the negative of a short one. */
  countLong(scalars: number, count: number): number;
  /** Digits of `width` bits that cover every scalar. */
  windowCount(width: number): number;
  /** Scalars to signed digits; gives the largest number of digits. */
  recode(
    scalars: number,
    points: number,
    count: number,
    width: number,
    group: Group,
    recoded: number,
    counts: number,
  ): number;
  /** Bytes of work for one window. */
  windowBytes(count: number, width: number, group: Group): number;
  /** Σ digit·point of one window, X, Y, Z to `result`. */
  sumWindow(
    points: number,
    recoded: number,
    counts: number,
    count: number,
    window: number,
    width: number,
    group: Group,
    work: number,
    result: number,
  ): void;
  /** The windows' sums to one affine point in a key's form. */
  combineWindows(sums: number, windows: number, parts: number, width: number, group: Group, out: number): void;
}

export const CURVE_NAMES: readonly (keyof CurveKernel)[] = [
  'countLong',
  'windowCount',
  'recode',
  'windowBytes',
  'sumWindow',
  'combineWindows',
];
