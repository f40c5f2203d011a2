/** The quotient's values a second time, with integers: sums row by row, interpolation, and evaluation on the coset. */
import { power } from '../../../../src/prover/fast/roots.js';
import type { SparseRows } from '../../../../src/prover/fast/sparseRows.js';
import { FIELD_MODULUS as r } from '../../../../src/prover/reference/index.js';

/** Σ x_j ω^(jk) for every k, by the definition of even and odd parts. */
export function transform(values: readonly bigint[], root: bigint): bigint[] {
  const n = values.length;
  if (n === 1) return [...values];
  const square = (root * root) % r;
  const even = transform(
    values.filter((_, i) => i % 2 === 0),
    square,
  );
  const odd = transform(
    values.filter((_, i) => i % 2 === 1),
    square,
  );
  const result = Array<bigint>(n);
  let w = 1n;
  for (let k = 0; k < n / 2; k++) {
    const t = (w * odd[k]) % r;
    result[k] = (even[k] + t) % r;
    result[k + n / 2] = (even[k] + r - t) % r;
    w = (w * root) % r;
  }
  return result;
}

/** Coefficients of the polynomial with those values on the roots of unity. */
export function interpolate(values: readonly bigint[], root: bigint): bigint[] {
  const scale = power(BigInt(values.length), -1n);
  return transform(values, power(root, -1n)).map((x) => (x * scale) % r);
}

/** Values at shift·root^k. */
export function onCoset(coefficients: readonly bigint[], shift: bigint, root: bigint): bigint[] {
  let factor = 1n;
  const shifted = coefficients.map((x) => {
    const y = (x * factor) % r;
    factor = (factor * shift) % r;
    return y;
  });
  return transform(shifted, root);
}

/** @param value the coefficient of an index */
export function rowSums({ starts, terms }: SparseRows, value: (index: number) => bigint, witness: readonly bigint[]) {
  return Array.from({ length: starts.length - 1 }, (_, row) => {
    let sum = 0n;
    for (let t = starts[row]; t < starts[row + 1]; t++) sum += value(terms[2 * t + 1]) * witness[terms[2 * t]];
    return sum % r;
  });
}

/** A·B − C at the odd 2n-th roots, root2n of order 2n. */
export function quotientScalars(a: readonly bigint[], b: readonly bigint[], root2n: bigint): bigint[] {
  const root = (root2n * root2n) % r;
  const c = a.map((x, i) => (x * b[i]) % r);
  const [onA, onB, onC] = [a, b, c].map((values) => onCoset(interpolate(values, root), root2n, root));
  return onA.map((x, i) => (((x * onB[i] - onC[i]) % r) + r) % r);
}
