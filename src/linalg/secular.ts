/**
 * The eigenvalues of D + ρ·z·zᵀ: the roots of 1/ρ + Σ z_i² / (d_i − λ), one between each two neighbouring d and one beyond the
 * last (Golub 1973). Each is found by rational interpolation (Bunch, Nielsen, Sorensen 1978; Li 1993), kept inside a bracket. The
 * trap: eigenvectors divide by d_i − λ, so a root is kept as its distance from the nearest d and the differences are
 * formed from that, never from a rounded λ.
 */

const EPSILON = 2 ** -53;
const MOST_STEPS = 200;

/** A root: λ = d[pole] + distance. */
export interface SecularRoot {
  readonly pole: number;
  readonly distance: number;
}

/**
 * @param d strictly ascending @param z no zeros @param rho positive
 * @param j which root, 0 the smallest
 * @param differences receives d_i − λ for all i, to full relative precision
 */
export function secularRoot(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  j: number,
  differences: Float64Array,
): SecularRoot {
  const k = d.length;
  const last = j === k - 1;
  let pole = j;
  let low = 0;
  let high: number;
  let distance: number;
  if (last) {
    let squares = 0;
    for (let i = 0; i < k; i++) squares += z[i] * z[i];
    high = rho * squares * (1 + 4 * EPSILON);
    distance = high / 2;
  } else {
    const gap = d[j + 1] - d[j];
    let middle = 1 / rho;
    for (let i = 0; i < k; i++) middle += (z[i] * z[i]) / (d[i] - d[j] - gap / 2);
    if (middle >= 0) {
      high = gap / 2;
      distance = high;
    } else {
      pole = j + 1;
      low = -gap / 2;
      high = 0;
      distance = low;
    }
  }
  for (let step = 0; ; step++) {
    for (let i = 0; i < k; i++) differences[i] = d[i] - d[pole] - distance;
    let below = 0;
    let belowSlope = 0;
    for (let i = 0; i <= j; i++) {
      const t = z[i] / differences[i];
      below += z[i] * t;
      belowSlope += t * t;
    }
    let above = 0;
    let aboveSlope = 0;
    for (let i = j + 1; i < k; i++) {
      const t = z[i] / differences[i];
      above += z[i] * t;
      aboveSlope += t * t;
    }
    const f = 1 / rho + below + above;
    if (Math.abs(f) <= 4 * EPSILON * (1 / rho - below + above) || step === MOST_STEPS) break;
    if (f < 0) low = distance;
    else high = distance;
    const proposed = distance + correction(f, differences, j, belowSlope, aboveSlope);
    const next = proposed > low && proposed < high ? proposed : (low + high) / 2;
    if (Math.abs(next - distance) <= EPSILON * Math.abs(distance) || next <= low || next >= high) break;
    distance = next;
  }
  return { pole, distance };
}

/** Where the interpolation by one pole on either side of the root (on the left only, for the last) is zero. */
function correction(f: number, differences: Float64Array, j: number, belowSlope: number, aboveSlope: number): number {
  const left = differences[j];
  if (j === differences.length - 1) {
    const constant = f - left * belowSlope;
    return left + (left * left * belowSlope) / constant;
  }
  const right = differences[j + 1];
  const c = f - left * belowSlope - right * aboveSlope;
  const a = (left + right) * f - left * right * (belowSlope + aboveSlope);
  const b = left * right * f;
  const root = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}
