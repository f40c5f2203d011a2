/**
 * Many proofs of one key, verified together: n + 3 pairings instead of 4n. The equation of every proof is raised to a
 * weight of its own and all are multiplied, which Bellare, Garay and Rabin (Eurocrypt 1998) call the small-exponents
 * test:
 *   Π e(w_i A_i, B_i) = e(Σ w_i · α, β) · e(Σ_j (Σ_i w_i x_ij) IC_j, γ) · e(Σ w_i C_i, δ).
 * If one equation is false, the product holds for at most one value of its weight, so weights of 128 bits err with
 * probability 2^-128. The trap: with weights that a prover can foresee, two false proofs are made that cancel each
 * other. Here they are drawn after the proofs are known and shown to nobody (a contract cannot keep a secret, so it
 * hashes all proofs and signals instead). The test needs groups of prime order, so every point is checked first.
 */
import { randomBytes } from 'node:crypto';
import { bn254 } from './curve.js';
import type { Groth16Proof } from './groth16.js';
import { FIELD_MODULUS } from './reference/constants.js';
import { g1Words, g2Words, isG1Point, isG2Point, type VerificationKey } from './verificationKey.js';

const WEIGHT_BYTES = 16;

/** A proof whose signals are in range and whose points are in their groups. */
export interface WellFormed {
  readonly signals: readonly bigint[];
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
}

/**
 * Whether all the proofs show their statements. False for an empty list, which shows nothing, and when any signal is
 * outside [0, r) or any word no point of its group; the key is taken as sound, see `assertKeyIsSound`.
 */
export async function verifyBatch(key: VerificationKey, proofs: readonly Groth16Proof[]): Promise<boolean> {
  if (proofs.length === 0) return false;
  const formed: WellFormed[] = [];
  for (const proof of proofs) {
    const points = await wellFormed(key, proof);
    if (points === undefined) return false;
    formed.push(points);
  }
  return equationHolds(key, formed, drawWeights(formed.length));
}

/**
 * Positions of the proofs that do not show their statements, ascending: by halving what fails, so k bad ones among n
 * take about 2k·log2(n) combined equations, and none takes one.
 */
export async function invalidProofs(key: VerificationKey, proofs: readonly Groth16Proof[]): Promise<number[]> {
  const invalid: number[] = [];
  const candidates: { readonly position: number; readonly points: WellFormed }[] = [];
  for (const [position, proof] of proofs.entries()) {
    const points = await wellFormed(key, proof);
    if (points === undefined) invalid.push(position);
    else candidates.push({ position, points });
  }
  const holds = (from: number, to: number): Promise<boolean> => {
    const points = candidates.slice(from, to).map((candidate) => candidate.points);
    return equationHolds(key, points, drawWeights(points.length));
  };
  /** Of a range that is known to hold a bad proof. */
  const search = async (from: number, to: number): Promise<void> => {
    if (to - from === 1) {
      invalid.push(candidates[from].position);
      return;
    }
    const middle = (from + to) >> 1;
    const leftHolds = await holds(from, middle);
    if (!leftHolds) await search(from, middle);
    if (leftHolds || !(await holds(middle, to))) await search(middle, to);
  };
  if (candidates.length > 0 && !(await holds(0, candidates.length))) await search(0, candidates.length);
  return invalid.sort((x, y) => x - y);
}

/** The proof's points, or undefined when a number is out of range or a point not of its group or zero. */
export async function wellFormed(key: VerificationKey, proof: Groth16Proof): Promise<WellFormed | undefined> {
  const { publicSignals: signals, words } = proof;
  if (signals.length !== key.nPublic || words.length !== 8) return undefined;
  if (signals.some((signal) => signal < 0n || signal >= FIELD_MODULUS)) return undefined;
  const [a, b, c] = [words.slice(0, 2), words.slice(2, 6), words.slice(6, 8)];
  if (!(await isG1Point(a)) || !(await isG2Point(b)) || !(await isG1Point(c))) return undefined;
  return { signals, a: await g1Point(a), b: await g2Point(b), c: await g1Point(c) };
}

/**
 * The weighted product of the proofs' equations.
 * @param weights one a proof; the answer means something only when nobody could foresee them
 */
export async function equationHolds(
  key: VerificationKey,
  proofs: readonly WellFormed[],
  weights: readonly bigint[],
): Promise<boolean> {
  const curve = await bn254();
  const { G1 } = curve;
  const sumOf = (points: readonly Uint8Array[], scalars: readonly bigint[]): Uint8Array =>
    points
      .map((point, i) => (scalars[i] === 1n ? point : G1.timesScalar(point, scalars[i])))
      .reduce((sum, point) => G1.add(sum, point));
  const weightedSum = (values: readonly bigint[]): bigint =>
    values.reduce((sum, value, i) => (sum + weights[i] * value) % FIELD_MODULUS, 0n);

  const total = weightedSum(proofs.map(() => 1n));
  const inputs = key.IC.slice(1).map((_, j) => weightedSum(proofs.map(({ signals }) => signals[j])));
  const ic = await Promise.all(key.IC.map((point) => g1Point(g1Words(point))));
  const alpha = await g1Point(g1Words(key.vk_alpha_1));
  const pairs = proofs.flatMap(({ a, b }, i) => [sumOf([a], [weights[i]]), b]);
  return curve.pairingEq(
    ...pairs,
    G1.neg(sumOf([alpha], [total])),
    await g2Point(g2Words(key.vk_beta_2)),
    G1.neg(sumOf(ic, [total, ...inputs])),
    await g2Point(g2Words(key.vk_gamma_2)),
    G1.neg(
      sumOf(
        proofs.map(({ c }) => c),
        weights,
      ),
    ),
    await g2Point(g2Words(key.vk_delta_2)),
  );
}

/** The first weight may be 1: what matters is that no weight is known *relative* to another. */
function drawWeights(count: number): bigint[] {
  const random = (): bigint => BigInt(`0x${randomBytes(WEIGHT_BYTES).toString('hex')}`);
  return Array.from({ length: count }, (_, i) => (i === 0 ? 1n : random()));
}

async function g1Point(words: readonly bigint[]): Promise<Uint8Array> {
  return (await bn254()).G1.fromObject([words[0], words[1], 1n]);
}

async function g2Point(words: readonly bigint[]): Promise<Uint8Array> {
  return (await bn254()).G2.fromObject([
    [words[1], words[0]],
    [words[3], words[2]],
    [1n, 0n],
  ]);
}
