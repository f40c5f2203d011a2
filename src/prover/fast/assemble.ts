/**
 * A proof from the sums over a key's points (Groth 2016, section 3.2), a dozen single operations:
 *   A = α + Σ w_i A_i + r·δ        B = β + Σ w_i B_i + s·δ, in G2 and, for C, in G1
 *   C = Σ w_i C_i + Σ h_i H_i + s·A + r·B − r·s·δ
 * The trap: G2 coordinates are written imaginary part first for the EVM, last everywhere else.
 */
import type { Curve } from 'ffjavascript';
import type { Blinding } from './blinding.js';
import type { Zkey } from './zkey.js';

/** Affine points as a key holds them: coordinates in Montgomery form (R = 2²⁵⁶), infinity all zeros. */
export interface Sums {
  readonly a: Uint8Array;
  readonly b1: Uint8Array;
  /** In G2. */
  readonly b2: Uint8Array;
  readonly c: Uint8Array;
  readonly h: Uint8Array;
}

/** @returns the proof's eight words in the EVM's order */
export function assemble({ G1, G2 }: Curve, key: Zkey, sums: Sums, { r, s }: Blinding): bigint[] {
  const g1 = (bytes: Uint8Array): Uint8Array => G1.fromRprLEM(bytes, 0);
  const g2 = (bytes: Uint8Array): Uint8Array => G2.fromRprLEM(bytes, 0);
  const add1 = (...points: Uint8Array[]): Uint8Array => points.reduce((sum, point) => G1.add(sum, point));
  const delta = g1(key.delta1);
  const a = add1(g1(sums.a), g1(key.alpha1), G1.timesScalar(delta, r));
  const b1 = add1(g1(sums.b1), g1(key.beta1), G1.timesScalar(delta, s));
  const b2 = G2.add(G2.add(g2(sums.b2), g2(key.beta2)), G2.timesScalar(g2(key.delta2), s));
  const c = add1(
    g1(sums.c),
    g1(sums.h),
    G1.timesScalar(a, s),
    G1.timesScalar(b1, r),
    G1.neg(G1.timesScalar(G1.timesScalar(delta, r), s)),
  );
  const [ax, ay] = G1.toObject(G1.toAffine(a));
  const [bx, by] = G2.toObject(G2.toAffine(b2));
  const [cx, cy] = G1.toObject(G1.toAffine(c));
  return [ax, ay, bx[1], bx[0], by[1], by[0], cx, cy];
}
