/**
 * The verifier: it accepts what the pairing equation accepts, with signals below r only, and it refuses keys against
 * which anybody can forge. That anybody can, with the development key, is shown here: every proof of these tests is one.
 */
import { Contract } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import { Account, type ChainNode, compileContracts, deploy, startNode } from '../../src/chain/index.js';
import { DEVELOPMENT_DELTA_X } from '../../src/chain/verifyingKey.js';
import { FIELD_MODULUS } from '../../src/prover/reference/index.js';
import { forgeableKey, forgeProof } from './forge.js';
import { deployOptions } from './world.js';

const key = forgeableKey('development');
const other = forgeableKey('other');
const INSTANCE = { slots: 2, queries: 2, columns: 4 };

let home: ChainNode;
let abroad: ChainNode;
let developer: Account;
let foreigner: Account;
let verify: (proof: readonly bigint[], signals: readonly bigint[]) => Promise<unknown>;

beforeAll(async () => {
  [home, abroad] = await Promise.all([startNode(), startNode({ chainId: 13371 })]);
  developer = await Account.connect(home.url, 31337, { development: 0 });
  foreigner = await Account.connect(abroad.url, 13371, { development: 0 });
  const { address } = await createContract(developer, 'Groth16Verifier', [key.words]);
  const contract = new Contract(address, (await compileContracts()).Groth16Verifier.abi, developer.provider);
  verify = (proof, signals) => contract.getFunction('verify').staticCall(proof, signals);
}, 120_000);
afterAll(async () => {
  developer.close();
  foreigner.close();
  await Promise.all([home.stop(), abroad.stop()]);
});

const withWords = (words: readonly bigint[], from: number, replacement: readonly bigint[]): bigint[] =>
  words.map((word, i) => replacement[i - from] ?? word);

describe('verify', () => {
  const signals = [3n, 5n, FIELD_MODULUS - 1n, 0n];
  it('accepts a proof that anybody can forge from the development secrets, for any signals', async () => {
    expect(await verify(forgeProof(key, signals), signals)).toBe(true);
    expect(await verify(forgeProof(key, [0n, 0n, 0n, 0n]), [0n, 0n, 0n, 0n])).toBe(true);
  });
  it('rejects each signal plus r, which the same proof would satisfy', async () => {
    const proof = forgeProof(key, signals);
    for (const i of signals.keys()) {
      const aliased = signals.map((signal, j) => (i === j ? signal + FIELD_MODULUS : signal));
      expect(await verify(proof, aliased)).toBe(false);
    }
  });
  it('rejects another signal, another key and an empty proof', async () => {
    expect(await verify(forgeProof(key, signals), [4n, ...signals.slice(1)])).toBe(false);
    expect(await verify(forgeProof(other, signals), signals)).toBe(false);
    expect(await verify(Array<bigint>(8).fill(0n), signals)).toBe(false);
  });
});

describe('a key is refused', () => {
  const refuses = (words: readonly bigint[], error: string) =>
    expect(createContract(developer, 'Groth16Verifier', [words])).rejects.toThrow(error);

  it('when gamma is delta, or minus delta', async () => {
    const delta = key.words.slice(10, 14);
    await refuses(withWords(key.words, 6, delta), 'GammaEqualsDelta');
    const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
    await refuses(withWords(key.words, 6, [delta[0], delta[1], q - delta[2], q - delta[3]]), 'GammaEqualsDelta');
  });
  it('when any of its points is zero or off the curve', async () => {
    for (const [word, width] of [
      [0, 2],
      [2, 4],
      [6, 4],
      [10, 4],
      [14, 2],
      [22, 2],
    ]) {
      await refuses(withWords(key.words, word, Array<bigint>(width).fill(0n)), `ZeroKeyPoint(${word})`);
      await refuses(withWords(key.words, word, [key.words[word] ^ 1n]), `KeyPointNotOnCurve(${word})`);
    }
  });
  it('when it is the development key and the chain is not, by the contract', async () => {
    const creation = createContract(foreigner, 'Groth16Verifier', [key.words]);
    await expect(creation).rejects.toThrow(/DevelopmentKeyOnPublicChain\(13371\).*ceremony/);
    await createContract(foreigner, 'Groth16Verifier', [other.words]);
  });
  it('when it is the development key and the chain is not, by deploy, before anything is sent', async () => {
    const before = await foreigner.provider.getTransactionCount(foreigner.address);
    await expect(deploy(foreigner, deployOptions(INSTANCE, key))).rejects.toThrow(/secrets are public.*ceremony/);
    const gammaIsDelta = { ...key, words: withWords(other.words, 6, other.words.slice(10, 14)) };
    await expect(deploy(foreigner, deployOptions(INSTANCE, gammaIsDelta))).rejects.toThrow(/γ = ±δ.*phase 2/);
    expect(await foreigner.provider.getTransactionCount(foreigner.address)).toBe(before);
  });
  it('by the same constants in TypeScript and in the contract, which are those of the name', async () => {
    expect(DEVELOPMENT_DELTA_X).toEqual(key.words.slice(10, 12));
    const { address } = await createContract(developer, 'Groth16Verifier', [key.words]);
    const contract = new Contract(address, (await compileContracts()).Groth16Verifier.abi, developer.provider);
    expect(await contract.getFunction('DEVELOPMENT_DELTA_X1').staticCall()).toBe(DEVELOPMENT_DELTA_X[0]);
    expect(await contract.getFunction('DEVELOPMENT_DELTA_X0').staticCall()).toBe(DEVELOPMENT_DELTA_X[1]);
  });
});
