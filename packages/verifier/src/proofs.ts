/**
 * All proofs in one multi-pairing: every proof's equation raised to a weight of its own, n + 3 pairings for n proofs
 * (Bellare, Garay and Rabin, Eurocrypt 1998). The weights are 128 bits from the machine's own random numbers, drawn after
 * the bundle is read. Hashing the bundle instead would let two readers take the same weights, which nobody needs, and
 * would have to bind every byte that a prover may choose; a secret needs no such care. The chance that a bad proof passes
 * is 2^-128, whatever its maker can compute.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { SCALAR_MODULUS } from './constants.js';
import type { Key } from './key.js';
import { G1, type G1Point, type G2Point, g1Point, g2Point } from './points.js';

export interface Statement {
  readonly signals: readonly bigint[];
  readonly words: readonly bigint[];
}

interface Prepared {
  readonly position: number;
  readonly signals: readonly bigint[];
  readonly a: G1Point;
  readonly b: G2Point;
  readonly c: G1Point;
}

/** Called with the number of pairings done and of all that are known to be needed. */
export type Progress = (done: number, total: number) => void;

/** Pairings between two turns of the event loop: a tenth of a second or so. */
const PAIRS_A_TURN = 8;
const { Fp12 } = bn254.fields;

/**
 * Positions of the proofs that do not show their statements, ascending; at most `most` of them are looked for. A signal
 * of r or more and a word that is no point of its group make a proof bad, whatever the equation says.
 */
export async function badProofs(
  key: Key,
  statements: readonly Statement[],
  most: number,
  progress: Progress,
): Promise<number[]> {
  const bad: number[] = [];
  const prepared: Prepared[] = [];
  for (const [position, statement] of statements.entries()) {
    const points = prepare(statement, position);
    if (points === undefined) bad.push(position);
    else prepared.push(points);
    if (position % PAIRS_A_TURN === 0) await turn();
  }
  const search = async (some: readonly Prepared[]): Promise<void> => {
    if (some.length === 0 || bad.length >= most || (await equationHolds(key, some, progress))) return;
    if (some.length === 1) {
      bad.push(some[0].position);
      return;
    }
    const middle = some.length >> 1;
    await search(some.slice(0, middle));
    await search(some.slice(middle));
  };
  await search(prepared);
  return bad.sort((x, y) => x - y).slice(0, most);
}

function prepare({ signals, words }: Statement, position: number): Prepared | undefined {
  if (signals.some((signal) => signal < 0n || signal >= SCALAR_MODULUS)) return undefined;
  const a = g1Point(words.slice(0, 2));
  const b = g2Point(words.slice(2, 6));
  const c = g1Point(words.slice(6, 8));
  return a && b && c ? { position, signals, a, b, c } : undefined;
}

/** Π e(w A, B) · e(−Σ w α, β) · e(−Σ_j (Σ w x_j) IC_j, γ) · e(−Σ w C, δ) = 1 */
async function equationHolds(key: Key, proofs: readonly Prepared[], progress: Progress): Promise<boolean> {
  const weights = proofs.map(() => randomWeight());
  const weighted = (values: readonly bigint[]): bigint =>
    values.reduce((sum, value, i) => (sum + weights[i] * value) % SCALAR_MODULUS, 0n);
  const scalars = key.inputs.map((_, j) => weighted(proofs.map(({ signals }) => (j === 0 ? 1n : signals[j - 1]))));
  const sum = (points: readonly G1Point[], factors: readonly bigint[]): G1Point =>
    points.reduce((total, point, i) => total.add(point.multiplyUnsafe(factors[i])), G1.ZERO);
  const pairs = proofs.map(({ a, b }, i) => ({ g1: a.multiplyUnsafe(weights[i]), g2: b }));
  const c = sum(
    proofs.map((proof) => proof.c),
    weights,
  );
  pairs.push(
    { g1: key.alpha.multiplyUnsafe(scalars[0]).negate(), g2: key.beta },
    { g1: sum(key.inputs, scalars).negate(), g2: key.gamma },
    { g1: c.negate(), g2: key.delta },
  );
  let product = Fp12.ONE;
  for (let from = 0; from < pairs.length; from += PAIRS_A_TURN) {
    progress(from, pairs.length);
    await turn();
    // a zero point pairs to 1; the library refuses to take it
    const some = pairs.slice(from, from + PAIRS_A_TURN).filter(({ g1 }) => !g1.is0());
    if (some.length > 0) product = Fp12.mul(product, bn254.pairingBatch(some, false));
  }
  progress(pairs.length, pairs.length);
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}

/** From 1 to 2^128 − 1. */
function randomWeight(): bigint {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const weight = bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return weight === 0n ? randomWeight() : weight;
}

/** Lets a page draw and answer. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
