/**
 * Proofs verified together: accepted exactly when each alone is, by the other verifier and by noble-curves; and the two
 * that cancel each other are accepted only by whoever lets the prover foresee the weights. Proofs are forged from known
 * secrets, so a batch of any shape takes no circuit.
 */
import { bn254 as noble } from '@noble/curves/bn254.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { equationHolds, invalidProofs, verifyBatch, wellFormed } from '../../src/prover/batchVerify.js';
import { type Groth16Proof, verify } from '../../src/prover/groth16.js';
import { FIELD_MODULUS } from '../../src/prover/reference/index.js';
import { BASE_FIELD_MODULUS, type VerificationKey } from '../../src/prover/verificationKey.js';
import { G1, g1Words, multiply } from '../chain/bn254.js';
import { type ForgeableKey, forgeableKey, forgeProof } from '../chain/forge.js';
import { verificationKeyOf } from './support/forgedKeys.js';

const N = 8;
let secrets: ForgeableKey;
let key: VerificationKey;
let honest: Groth16Proof[];

beforeAll(() => {
  secrets = forgeableKey('batch');
  key = verificationKeyOf(secrets.words);
  honest = Array.from({ length: N }, (_, i) => {
    const publicSignals = [BigInt(i), 7n * BigInt(i) + 1n, FIELD_MODULUS - 1n - BigInt(i), i === 3 ? 0n : 5n];
    return { publicSignals, words: forgeProof(secrets, publicSignals) };
  });
});

/** The batch with some of its proofs replaced. */
const replaced = (changes: Readonly<Record<number, Groth16Proof>>): Groth16Proof[] =>
  honest.map((proof, i) => changes[i] ?? proof);

/** The proof with C moved by a multiple of the generator, so that its equation is off by e(k·G, δ). */
function shifted(proof: Groth16Proof, k: bigint): Groth16Proof {
  const { Point } = noble.G1;
  const c = Point.fromAffine({ x: proof.words[6], y: proof.words[7] });
  const step = Point.BASE.multiply(k < 0n ? -k : k);
  const moved = c.add(k < 0n ? step.negate() : step).toAffine();
  return { ...proof, words: [...proof.words.slice(0, 6), moved.x, moved.y] };
}

const withSignal = (proof: Groth16Proof, at: number, value: bigint): Groth16Proof => ({
  ...proof,
  publicSignals: proof.publicSignals.map((old, i) => (i === at ? value : old)),
});
const withWords = (proof: Groth16Proof, from: number, words: readonly bigint[]): Groth16Proof => ({
  ...proof,
  words: proof.words.map((old, i) => words[i - from] ?? old),
});

describe('a batch', () => {
  it('of 1, 2, 3 and 8 honest proofs holds, in any order and with repetitions', async () => {
    for (const n of [1, 2, 3, N]) expect(await verifyBatch(key, honest.slice(0, n))).toBe(true);
    expect(await verifyBatch(key, honest.toReversed())).toBe(true);
    expect(await verifyBatch(key, [honest[2], honest[2]])).toBe(true);
    expect(await invalidProofs(key, honest)).toEqual([]);
  });

  it('that is empty shows nothing', async () => {
    expect(await verifyBatch(key, [])).toBe(false);
    expect(await invalidProofs(key, [])).toEqual([]);
  });

  it('satisfies the pairing equation as another library computes it, with weights of one', async () => {
    const { G1: N1, G2: N2 } = noble;
    const w = secrets.words;
    const g1 = (words: readonly bigint[]) => N1.Point.fromAffine({ x: words[0], y: words[1] });
    const g2 = (words: readonly bigint[]) =>
      N2.Point.fromAffine({ x: { c0: words[1], c1: words[0] }, y: { c0: words[3], c1: words[2] } });
    const pair = honest.slice(0, 2);
    const inputs = pair.map(({ publicSignals }) =>
      publicSignals.reduce(
        (sum, x, j) => (x === 0n ? sum : sum.add(g1(w.slice(16 + 2 * j, 18 + 2 * j)).multiply(x))),
        g1(w.slice(14, 16)),
      ),
    );
    const product = noble.pairingBatch([
      ...pair.map(({ words }) => ({ g1: g1(words), g2: g2(words.slice(2, 6)) })),
      { g1: g1(w).multiply(2n).negate(), g2: g2(w.slice(2, 6)) },
      { g1: inputs[0].add(inputs[1]).negate(), g2: g2(w.slice(6, 10)) },
      {
        g1: g1(pair[0].words.slice(6))
          .add(g1(pair[1].words.slice(6)))
          .negate(),
        g2: g2(w.slice(10, 14)),
      },
    ]);
    expect(noble.fields.Fp12.eql(product, noble.fields.Fp12.ONE)).toBe(true);
  });
});

describe('a bad proof', () => {
  it('at any place fails the batch and is found there', async () => {
    for (const at of [0, 3, N - 1]) {
      const batch = replaced({ [at]: shifted(honest[at], 1n) });
      expect(await verify(key, batch[at].publicSignals, batch[at].words)).toBe(false);
      expect(await verifyBatch(key, batch)).toBe(false);
      expect(await invalidProofs(key, batch)).toEqual([at]);
    }
  });

  it('is found beside others, the malformed too, and all bad is all found', async () => {
    const off = withWords(honest[6], 0, [honest[6].words[0] ^ 1n]);
    const batch = replaced({ 0: shifted(honest[0], 4n), 1: shifted(honest[1], 2n), 5: shifted(honest[5], 9n), 6: off });
    expect(await invalidProofs(key, batch)).toEqual([0, 1, 5, 6]);
    const bad = honest.map((proof) => shifted(proof, 3n));
    expect(await invalidProofs(key, bad)).toEqual([...bad.keys()]);
  });

  it('that cancels another one passes foreseeable weights only', async () => {
    const batch = replaced({ 2: shifted(honest[2], 5n), 6: shifted(honest[6], -5n) });
    const formed = await Promise.all(batch.map((proof) => wellFormed(key, proof)));
    const points = formed.filter((proof) => proof !== undefined);
    expect(points).toHaveLength(N);
    expect(await equationHolds(key, points, Array<bigint>(N).fill(1n))).toBe(true);
    expect(await verifyBatch(key, batch)).toBe(false);
    expect(await invalidProofs(key, batch)).toEqual([2, 6]);
  });

  it('cannot hide in swapped statements', async () => {
    const swapped = replaced({
      0: { ...honest[0], publicSignals: honest[1].publicSignals },
      1: { ...honest[1], publicSignals: honest[0].publicSignals },
    });
    expect(await verifyBatch(key, swapped)).toBe(false);
    expect(await invalidProofs(key, swapped)).toEqual([0, 1]);
  });

  it('is every one with a signal plus or minus r, too few words or signals', async () => {
    const [first] = honest;
    for (const wrong of [
      ...first.publicSignals.flatMap((x, i) => [
        withSignal(first, i, x + FIELD_MODULUS),
        withSignal(first, i, x - FIELD_MODULUS),
      ]),
      { ...first, words: first.words.slice(1) },
      { ...first, publicSignals: first.publicSignals.slice(1) },
      { ...first, publicSignals: [...first.publicSignals, 0n] },
    ]) {
      expect(await verifyBatch(key, replaced({ 0: wrong }))).toBe(false);
      expect(await invalidProofs(key, replaced({ 0: wrong }))).toEqual([0]);
    }
  });

  it('is every one with a zero point, a coordinate plus q, or a G2 point outside its subgroup', async () => {
    const proof = honest[4];
    const wrong = [
      withWords(proof, 0, [0n, 0n]),
      withWords(proof, 2, [0n, 0n, 0n, 0n]),
      withWords(proof, 6, [0n, 0n]),
      ...proof.words.map((word, i) => withWords(proof, i, [word + BASE_FIELD_MODULUS])),
      withWords(proof, 2, outsideSubgroup()),
    ];
    for (const bad of wrong) {
      expect(await verifyBatch(key, replaced({ 4: bad }))).toBe(false);
    }
    expect(await invalidProofs(key, replaced({ 4: wrong[0], 5: withWords(honest[5], 2, outsideSubgroup()) }))).toEqual([
      4, 5,
    ]);
  });
});

it('the points of a forged proof are what the definition of the curve gives', () => {
  const { x, y } = noble.G1.Point.BASE.multiply(secrets.alpha).toAffine();
  expect(g1Words(multiply(G1, secrets.alpha))).toEqual([x, y]);
});

/** A point of the twist that r does not annihilate: almost every one; the first with small coordinates. */
function outsideSubgroup(): bigint[] {
  const { Fp2 } = noble.fields;
  const { Point } = noble.G2;
  const b = Point.CURVE().b;
  for (let c0 = 1n; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 0n]);
    const square = Fp2.add(Fp2.mul(Fp2.mul(x, x), x), b);
    if (!isSquare(square)) continue;
    const y = Fp2.sqrt(square);
    expect(Point.fromAffine({ x, y }).isTorsionFree()).toBe(false);
    return [x.c1, x.c0, y.c1, y.c0];
  }
}

function isSquare(value: { c0: bigint; c1: bigint }): boolean {
  const { Fp2 } = noble.fields;
  return Fp2.eql(Fp2.pow(value, (BASE_FIELD_MODULUS ** 2n - 1n) / 2n), Fp2.ONE);
}
