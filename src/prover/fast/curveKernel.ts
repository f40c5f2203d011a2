/** The kernel's exports for multi-scalar multiplication (`kernels/bn254/`): scalars.ts, buckets.ts. */

/** A group by the degree of its coordinates: G1 over Fq, G2 over Fq2. */
export const G1 = 1;
export const G2 = 2;
export type Group = typeof G1 | typeof G2;

/** A scalar as it is, or split in two halves by the curve's endomorphism. */
export const WHOLE = 1;
export const SPLIT = 2;
/** Terms of the sum that a scalar gives. */
export type Terms = typeof WHOLE | typeof SPLIT;

export interface CurveKernel {
  /** Scalars that are neither short nor the negative of a short one. */
  countLong(scalars: number, count: number): number;
  /** Digits of `width` bits that cover every term. */
  windowCount(width: number, terms: Terms): number;
  /** Scalars to signed digits; gives the largest number of digits. */
  recode(
    scalars: number,
    points: number,
    count: number,
    width: number,
    terms: Terms,
    group: Group,
    recoded: number,
    counts: number,
  ): number;
  /** Points times the endomorphism's factor, where scalars were split. */
  turnPoints(points: number, counts: number, count: number, group: Group, out: number): void;
  /** Bytes of work for one window, `count` digits of it not zero. */
  windowBytes(count: number, width: number, group: Group): number;
  /** Σ digit·point of one window, X, Y, Z to `result`. */
  sumWindow(
    points: number,
    turned: number,
    terms: Terms,
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
  'turnPoints',
  'windowBytes',
  'sumWindow',
  'combineWindows',
];
