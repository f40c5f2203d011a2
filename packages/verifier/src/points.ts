/**
 * Points of BN254 from the EVM's words. The trap: `fromAffine` takes any pair of numbers; what is not on the curve, or on
 * the twist but outside the group of order r, must be refused before it reaches a pairing, which is defined for neither.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { BASE_MODULUS } from './constants.js';

export const G1 = bn254.G1.Point;
export const G2 = bn254.G2.Point;
export type G1Point = InstanceType<typeof G1>;
export type G2Point = InstanceType<typeof G2>;

function areCoordinates(words: readonly bigint[]): boolean {
  return words.every((word) => word >= 0n && word < BASE_MODULUS) && words.some((word) => word !== 0n);
}

/** The point (x, y), or undefined when it is zero or none of the group. */
export function g1Point([x, y]: readonly bigint[]): G1Point | undefined {
  return areCoordinates([x, y]) ? valid(() => G1.fromAffine({ x, y })) : undefined;
}

/** The point with imaginary parts first, or undefined when it is zero or none of the group of order r. */
export function g2Point([x1, x0, y1, y0]: readonly bigint[]): G2Point | undefined {
  if (!areCoordinates([x1, x0, y1, y0])) return undefined;
  return valid(() => G2.fromAffine({ x: { c0: x0, c1: x1 }, y: { c0: y0, c1: y1 } }));
}

function valid<P extends G1Point | G2Point>(make: () => P): P | undefined {
  try {
    const point = make();
    point.assertValidity(); // the equation of the curve, and membership in the subgroup
    return point;
  } catch {
    return undefined; // the library's way to say that it is no point
  }
}
