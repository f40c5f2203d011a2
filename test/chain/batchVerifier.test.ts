/**
 * Many proofs in one call: accepted exactly when the contract accepts each alone. The attacks are those of whoever knows
 * the weights before everything is fixed: with the weights of the honest batch each of them would pass, which is shown
 * first, and the contract's weights have moved with the forged words. And the saving is what it was made for.
 */
import { AbiCoder, Contract, keccak256 } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import { Account, type ChainNode, compileContracts, startNode } from '../../src/chain/index.js';
import { equationHolds, wellFormed } from '../../src/prover/batchVerify.js';
import type { Groth16Proof } from '../../src/prover/groth16.js';
import { FIELD_MODULUS } from '../../src/prover/reference/index.js';
import { BASE_FIELD_MODULUS } from '../../src/prover/verificationKey.js';
import { verificationKeyOf } from '../prover/support/forgedKeys.js';
import { G1, G2, g1Words, g2Words, inverse, multiply, SCALARS, scalar } from './bn254.js';
import { forgeableKey, forgeProofFrom } from './forge.js';
import { verificationGas } from './verificationGas.js';

const secrets = forgeableKey('development');
const key = verificationKeyOf(secrets.words);
const N = 8;
const honest: Groth16Proof[] = Array.from({ length: N }, (_, i) => {
  const publicSignals = [BigInt(i), 5n, FIELD_MODULUS - 1n - BigInt(i), 0n];
  const { a, b, c } = exponents(publicSignals);
  return { publicSignals, words: forgeProofFrom(a, b, c) };
});

let node: ChainNode;
let developer: Account;
let contract: Contract;
let one: (proof: Groth16Proof) => Promise<unknown>;
let many: (proofs: readonly Groth16Proof[]) => Promise<unknown>;

beforeAll(async () => {
  node = await startNode();
  developer = await Account.connect(node.url, 31337, { development: 0 });
  const { address } = await createContract(developer, 'Groth16Verifier', [secrets.words]);
  contract = new Contract(address, (await compileContracts()).Groth16Verifier.abi, developer.provider);
  one = ({ words, publicSignals }) => contract.getFunction('verify').staticCall(words, publicSignals);
  many = (proofs) =>
    contract.getFunction('verifyBatch').staticCall(
      proofs.map(({ words }) => words),
      proofs.map(({ publicSignals }) => publicSignals),
    );
}, 120_000);
afterAll(async () => {
  developer.close();
  await node.stop();
});

const replaced = (changes: Readonly<Record<number, Groth16Proof>>): Groth16Proof[] =>
  honest.map((proof, i) => changes[i] ?? proof);
const withWords = (proof: Groth16Proof, from: number, words: readonly bigint[]): Groth16Proof => ({
  ...proof,
  words: proof.words.map((old, i) => words[i - from] ?? old),
});
const withSignals = (proof: Groth16Proof, publicSignals: readonly bigint[]): Groth16Proof => ({
  ...proof,
  publicSignals,
});

describe('verifyBatch', () => {
  it('accepts 1, 2, 3 and 8 proofs that hold, in any order and with repetitions', async () => {
    for (const n of [1, 2, 3, N]) expect(await many(honest.slice(0, n))).toBe(true);
    expect(await many(honest.toReversed())).toBe(true);
    expect(await many([honest[1], honest[1]])).toBe(true);
  });

  it('refuses an empty batch, and proofs and signals of different numbers', async () => {
    expect(await many([])).toBe(false);
    const words = honest.map((proof) => proof.words);
    const signals = honest.map(({ publicSignals }) => publicSignals);
    const call = contract.getFunction('verifyBatch');
    expect(await call.staticCall(words, signals.slice(1))).toBe(false);
    expect(await call.staticCall(words.slice(1), signals)).toBe(false);
    expect(await call.staticCall([], signals)).toBe(false);
  });

  it('refuses one bad proof among eight, wherever it stands', async () => {
    for (let at = 0; at < N; at++) {
      const { a, b, c } = exponentsOf(at);
      const bad = { ...honest[at], words: forgeProofFrom(a, b, c + 1n) };
      expect(await one(bad)).toBe(false);
      expect(await many(replaced({ [at]: bad }))).toBe(false);
    }
  });

  it('refuses each signal plus r and each coordinate plus q', async () => {
    const last = honest[N - 1];
    for (const [i, signal] of last.publicSignals.entries()) {
      const aliased = withSignals(
        last,
        last.publicSignals.map((old, j) => (i === j ? signal + FIELD_MODULUS : old)),
      );
      expect(await many(replaced({ [N - 1]: aliased }))).toBe(false);
    }
    for (const [i, word] of last.words.entries()) {
      const aliased = withWords(last, i, [word + BASE_FIELD_MODULUS]);
      expect(await many(replaced({ [N - 1]: aliased }))).toBe(false);
    }
  });

  it('refuses points off the curve', async () => {
    for (const word of [0, 2, 6]) {
      const off = withWords(honest[2], word, [honest[2].words[word] ^ 1n]);
      expect(await many(replaced({ 2: off }))).toBe(false);
    }
  });

  it('refuses proofs in another order than their signals', async () => {
    const words = honest.map((proof) => proof.words);
    const signals = honest.map(({ publicSignals }) => publicSignals);
    const call = contract.getFunction('verifyBatch');
    expect(await call.staticCall(words, [signals[1], signals[0], ...signals.slice(2)])).toBe(false);
    expect(await call.staticCall(words.toReversed(), signals)).toBe(false);
    expect(await call.staticCall(words.toReversed(), signals.toReversed())).toBe(true);
  });

  it('judges points at infinity as verify does', async () => {
    const { publicSignals } = honest[0];
    const c = scalar(-secrets.alpha * secrets.beta - secrets.gamma * inputOf(publicSignals));
    // e(0, B) = 1, so C alone must carry the equation: only who knows the key's secrets can make it
    const zeroA = { publicSignals, words: forgeProofFrom(0n, 5n, c * inverse(secrets.delta, SCALARS)) };
    expect(zeroA.words.slice(0, 2)).toEqual([0n, 0n]);
    expect([await one(zeroA), await many(replaced({ 3: zeroA }))]).toEqual([true, true]);
    for (const [from, width] of [
      [0, 2],
      [2, 4],
      [6, 2],
    ]) {
      const zero = withWords(honest[0], from, Array<bigint>(width).fill(0n));
      expect([await one(zero), await many(replaced({ 0: zero }))]).toEqual([false, false]);
    }
    const nothing = { publicSignals, words: Array<bigint>(8).fill(0n) };
    expect(await many([nothing])).toBe(false);
    expect(await many(replaced({ 5: nothing }))).toBe(false);
  });
});

describe('two bad proofs that cancel under weights known beforehand', () => {
  /** Proofs 0 and 1 are off by amounts that cancel under the weights: first by moving one part, then another. */
  const forgeries = (weights: readonly bigint[]): Record<string, Groth16Proof[]> => {
    const ratio = scalar(-weights[0] * inverse(weights[1], SCALARS)); // what 1 must be off when 0 is off by one
    const [x, y] = [exponentsOf(0), exponentsOf(1)];
    const both = (first: Groth16Proof, second: Groth16Proof): Groth16Proof[] => replaced({ 0: first, 1: second });
    const words = (p: Exponents, da: bigint, db: bigint, dc: bigint): bigint[] =>
      forgeProofFrom(scalar(p.a + da), scalar(p.b + db), scalar(p.c + dc));
    return {
      A: both({ ...honest[0], words: words(x, 1n, 0n, 0n) }, { ...honest[1], words: words(y, ratio, 0n, 0n) }),
      B: both({ ...honest[0], words: words(x, 0n, 1n, 0n) }, { ...honest[1], words: words(y, 0n, ratio, 0n) }),
      C: both({ ...honest[0], words: words(x, 0n, 0n, 1n) }, { ...honest[1], words: words(y, 0n, 0n, ratio) }),
      'public signals': both(
        withSignals(honest[0], [scalar(honest[0].publicSignals[0] + 1n), ...honest[0].publicSignals.slice(1)]),
        withSignals(honest[1], [scalar(honest[1].publicSignals[0] + ratio), ...honest[1].publicSignals.slice(1)]),
      ),
    };
  };

  it.each([
    ['of one each', () => Array<bigint>(N).fill(1n)],
    ['of the batch before it was forged', () => contractWeights(honest)],
  ])('%s are refused, whichever part is forged', async (_, weightsOf) => {
    const weights = weightsOf();
    for (const [part, batch] of Object.entries(forgeries(weights))) {
      expect(await underWeights(batch, weights), part).toBe(true);
      expect(await one(batch[0]), part).toBe(false);
      expect(await many(batch), part).toBe(false);
    }
  });

  it('are refused wherever the second stands: every proof is in the weights of all', async () => {
    const { a, b, c } = exponentsOf(0);
    const first = { ...honest[0], words: forgeProofFrom(a, b, c + 1n) };
    const weights = contractWeights(replaced({ 0: first }));
    for (let at = 1; at < N; at++) {
      const p = exponentsOf(at);
      const off = scalar(-weights[0] * inverse(weights[at], SCALARS));
      const batch = replaced({ 0: first, [at]: { ...honest[at], words: forgeProofFrom(p.a, p.b, scalar(p.c + off)) } });
      if (at === N - 1) expect(await underWeights(batch, weights)).toBe(true);
      expect(await many(batch)).toBe(false);
    }
  });
});

it('eight at once save at least 60% of the gas of verifying each alone', { timeout: 60_000 }, async () => {
  const { single, batches } = await verificationGas(developer, contract, secrets, [1, N]);
  expect(batches[1].gas).toBeLessThan(0.4 * N * single);
  expect(batches[0].gas).toBeLessThan(1.15 * single);
  expect(single).toBeGreaterThan(45_000 + 4 * 34_000); // EIP-197: what four pairings cost
});

interface Exponents {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
}

/** Discrete logarithms of the points of an honest proof. */
function exponents(signals: readonly bigint[]): Exponents {
  const [a, b] = [5n, 77n];
  const off = scalar(a * b - secrets.alpha * secrets.beta - secrets.gamma * inputOf(signals));
  return { a, b, c: scalar(off * inverse(secrets.delta, SCALARS)) };
}

function exponentsOf(at: number): Exponents {
  return exponents(honest[at].publicSignals);
}

function inputOf(signals: readonly bigint[]): bigint {
  return signals.reduce((sum, signal, i) => sum + signal * secrets.input[i + 1], secrets.input[0]);
}

/** The weights that the contract derives, by their definition. */
function contractWeights(proofs: readonly Groth16Proof[]): bigint[] {
  const coder = AbiCoder.defaultAbiCoder();
  const encode = (words: readonly bigint[]): string =>
    coder.encode(
      words.map(() => 'uint256'),
      words,
    );
  const keyHash = BigInt(keccak256(encode(secrets.words)));
  const words = proofs.flatMap((proof) => proof.words);
  const signals = proofs.flatMap(({ publicSignals }) => publicSignals);
  const seed = BigInt(keccak256(encode([keyHash, BigInt(proofs.length), ...words, ...signals])));
  return proofs.map((_, i) => (i === 0 ? 1n : BigInt.asUintN(128, BigInt(keccak256(encode([seed, BigInt(i)]))))));
}

async function underWeights(proofs: readonly Groth16Proof[], weights: readonly bigint[]): Promise<boolean> {
  const points = await Promise.all(proofs.map((proof) => wellFormed(key, proof)));
  const formed = points.filter((proof) => proof !== undefined);
  expect(formed).toHaveLength(proofs.length);
  return equationHolds(key, formed, weights);
}

it('the exponents are those of points', () => {
  const { a, b, c } = exponentsOf(0);
  expect(forgeProofFrom(a, b, c)).toEqual([
    ...g1Words(multiply(G1, a)),
    ...g2Words(multiply(G2, b)),
    ...g1Words(multiply(G1, c)),
  ]);
});
