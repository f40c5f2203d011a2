/**
 * Lagrange bases at the point tau. The circuit's domain is the n-th roots of unity, and the quotient's is the odd ones
 * among the 2n-th, because snarkjs interpolates A·B − C only where it does not vanish. With ω a primitive 2n-th root,
 * the basis over all m-th roots is L_k(τ) = (τ^m − 1)/m · ω_m^k/(τ − ω_m^k), and even powers of ω are the n-th roots:
 * one batch inversion of all τ − ω^k serves both.
 */
import { type CurveMemory, FIELD_BYTES } from './curveMemory.js';
import { inverse, modulo, power } from './waste.js';

export interface LagrangeBases {
  readonly domain: number;
  /** Address of L_i over the n-th roots, i < n, in Montgomery form. */
  readonly circuit: number;
  /** Address of the odd members of the basis over the 2n-th roots times `quotientFactor`, plain integers. */
  readonly quotient: number;
}

/** @param logDomain log2 of n */
export function lagrangeBases(
  memory: CurveMemory,
  logDomain: number,
  tau: bigint,
  quotientFactor: bigint,
): LagrangeBases {
  const domain = 2 ** logDomain;
  const doubled = 2 * domain;
  const [multiply, subtract] = [memory.operation('frm_mul'), memory.operation('frm_sub')];
  const root = memory.scalar(memory.rootsOfUnity[logDomain + 1]);
  const point = memory.scalar(tau);
  const scale = (size: number): bigint => modulo((power(tau, BigInt(size)) - 1n) * inverse(BigInt(size)));
  const circuitScale = memory.scalar(scale(domain));
  // Not in Montgomery form, so that the product with a Montgomery value is a plain integer.
  const quotientScale = memory.allocate(FIELD_BYTES);
  memory.store(quotientScale, modulo(scale(doubled) * quotientFactor));

  const roots = memory.allocate(doubled * FIELD_BYTES);
  const inverses = memory.allocate(doubled * FIELD_BYTES);
  const circuit = memory.allocate(domain * FIELD_BYTES);
  const quotient = memory.allocate(domain * FIELD_BYTES);
  memory.reserveScratch(doubled, FIELD_BYTES);
  memory.operation('frm_one')(roots);
  for (let k = 1; k < doubled; k++) multiply(roots + (k - 1) * FIELD_BYTES, root, roots + k * FIELD_BYTES);
  for (let k = 0; k < doubled; k++) subtract(point, roots + k * FIELD_BYTES, inverses + k * FIELD_BYTES);
  memory.operation('frm_batchInverse')(inverses, FIELD_BYTES, doubled, inverses, FIELD_BYTES);
  for (let k = 0; k < doubled; k++) {
    const [target, factor] = k % 2 === 0 ? [circuit, circuitScale] : [quotient, quotientScale];
    const at = target + (k >> 1) * FIELD_BYTES;
    multiply(roots + k * FIELD_BYTES, inverses + k * FIELD_BYTES, at);
    multiply(at, factor, at);
  }
  return { domain, circuit, quotient };
}
