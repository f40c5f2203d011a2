/** The kernel's exports for the transforms and the quotient (`kernels/bn254/`): roots.ts, quotient.ts. */

export interface TransformKernel {
  /** out[j] = powers[j·step mod 2^log] for 4·quads elements, out in quads. */
  gatherRoots(powers: number, log: number, step: number, out: number, quads: number): void;
  /** The factors of the elements from quad `first` on, in the order in which the way down leaves elements. */
  gatherFactors(powers: number, log: number, first: number, quads: number, out: number): void;
  /** The first pass for `count` quads of columns from quad `column` on. */
  openStrip(plan: number, column: number, count: number): void;
  /** The second pass for one row of one polynomial. */
  turnPart(plan: number, part: number): void;
  /** The third pass. */
  closeStrip(plan: number, column: number, count: number): void;
}

export const TRANSFORM_NAMES: readonly (keyof TransformKernel)[] = [
  'gatherRoots',
  'gatherFactors',
  'openStrip',
  'turnPart',
  'closeStrip',
];
