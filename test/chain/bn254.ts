/**
 * BN254 in plain bigints, only for tests: enough to multiply generators and to make Groth16 keys and proofs from known
 * secrets. Written from the curve's definition and independent of the prover's library, so the two check each other.
 * G2 lies on y² = x³ + 3/(9 + u) over F_q[u]/(u² + 1).
 */
const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** An element a + b·u; G1's coordinates have b = 0. */
type Fq2 = readonly [bigint, bigint];
/** Affine, null at infinity. */
export type Point = { readonly x: Fq2; readonly y: Fq2 } | null;

const mod = (a: bigint, m: bigint): bigint => ((a % m) + m) % m;
const sub = (a: Fq2, b: Fq2): Fq2 => [mod(a[0] - b[0], Q), mod(a[1] - b[1], Q)];
const mul = (a: Fq2, b: Fq2): Fq2 => [mod(a[0] * b[0] - a[1] * b[1], Q), mod(a[0] * b[1] + a[1] * b[0], Q)];

export function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (b !== 0n) {
    const q = a / b;
    [a, b, x, y] = [b, a - q * b, y, x - q * y];
  }
  return mod(x, modulus);
}

function invert([a, b]: Fq2): Fq2 {
  const norm = inverse(a * a + b * b, Q);
  return [mod(a * norm, Q), mod(-b * norm, Q)];
}

function add(p: Point, q: Point): Point {
  if (p === null) return q;
  if (q === null) return p;
  const sameX = p.x[0] === q.x[0] && p.x[1] === q.x[1];
  if (sameX && (p.y[0] !== q.y[0] || p.y[1] !== q.y[1])) return null;
  const slope = sameX
    ? mul(mul([3n, 0n], mul(p.x, p.x)), invert(mul([2n, 0n], p.y)))
    : mul(sub(q.y, p.y), invert(sub(q.x, p.x)));
  const x = sub(sub(mul(slope, slope), p.x), q.x);
  return { x, y: sub(mul(slope, sub(p.x, x)), p.y) };
}

export function multiply(point: Point, scalar: bigint): Point {
  let sum: Point = null;
  let power = point;
  for (let left = mod(scalar, R); left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, power);
    power = add(power, power);
  }
  return sum;
}

export const G1: Point = { x: [1n, 0n], y: [2n, 0n] };
export const G2: Point = {
  x: [
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  ],
  y: [
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  ],
};

/** x, y as the EVM wants them. */
export function g1Words(point: Point): bigint[] {
  return point ? [point.x[0], point.y[0]] : [0n, 0n];
}

/** x, y with the imaginary part first, as the EVM wants them. */
export function g2Words(point: Point): bigint[] {
  return point ? [point.x[1], point.x[0], point.y[1], point.y[0]] : [0n, 0n, 0n, 0n];
}

export const SCALARS = R;
export const scalar = (value: bigint): bigint => mod(value, R);
