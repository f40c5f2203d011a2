/**
 * A bundle made with the prover's own reference, so that the verifier, which shares no code with it, is checked against
 * it. Proofs are forged with a key whose secrets the test knows, for any scores.
 */
import { getAddress, ZeroAddress, ZeroHash } from 'ethers';
import { accumulate } from '../../../src/chain/accumulator.js';
import {
  challenge,
  contributorsHash,
  evaluateScores,
  FIELD_MODULUS,
  splitFee,
  splitPool,
} from '../../../src/prover/reference/index.js';
import { BASE_FIELD_MODULUS, circuitId } from '../../../src/prover/verificationKey.js';
import { inverse, SCALARS, scalar } from '../../chain/bn254.js';
import { type ForgeableKey, forgeableKey, forgeProofFrom } from '../../chain/forge.js';
import { verificationKeyOf } from '../../prover/support/forgedKeys.js';

export const SHAPE = { slots: 3, queries: 2, columns: 4 };
export const ACCOUNTS = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}`);
export const secrets: ForgeableKey = forgeableKey('bundle');
const POLICY = { platformBps: 500, betaBps: 2000, gammaBps: 1000, deltaBps: 7000 };
const [OWNER, STAKERS, TREASURY, PAYER] = ['1', '2', '3', '4'].map((digit) => `0x${digit.repeat(40)}`);
/** Two shards, the last slot unused; one account in both. */
const SLOTS = [
  [ACCOUNTS[0], ACCOUNTS[1], ACCOUNTS[0]],
  [ACCOUNTS[1], ACCOUNTS[2], ZeroAddress],
];
/** Three batches; the last position of the last is unused. */
const FEES = [
  [1_000_003n, 77n],
  [1n, (1n << 95n) - 1n],
  [999n, 0n],
];

export type Json = { [key: string]: Json } | Json[] | string | number;
export type BundleJson = ReturnType<typeof makeBundle>;

/** Deterministic scores with positive and negative sums, and a receipt for which nobody's is positive. */
function scoresOf(shard: number, batch: number): bigint[] {
  return Array.from({ length: SHAPE.slots * SHAPE.queries }, (_, i) => {
    const [k, q] = [Math.floor(i / SHAPE.queries), i % SHAPE.queries];
    if (SLOTS[shard][k] === ZeroAddress) return 0n;
    const score = BigInt(((shard * 7 + batch * 5 + k * 3 + q * 11) * 7919) % 2001) - 900n;
    return batch === 0 && q === 1 ? -1n - (score < 0n ? -score : score) : score;
  });
}

export function makeBundle(key: ForgeableKey = secrets, chainId = 31337n) {
  const id = circuitId(SHAPE, verificationKeyOf(key.words));
  const settlement = `0x${'5'.repeat(40)}`;
  const epoch = 7n;
  const shards = SLOTS.map((contributors, s) => ({ commitment: 1000n + BigInt(s), contributors }));
  const batches = FEES.map((fees, b) => ({
    batch: BigInt(b),
    commitment: 2000n + BigInt(b),
    payer: PAYER,
    fees,
    outputHashes: fees.map((fee, q) => (fee === 0n ? ZeroHash : `0x${String(b * 2 + q + 1).repeat(64)}`)),
  }));
  const proofs = shards.flatMap((shard, s) =>
    batches.map((batch, b) => {
      const scores = BigInt64Array.from(scoresOf(s, b));
      const rho = challenge({
        chainId,
        settlement: getAddress(settlement),
        circuitId: id,
        epoch,
        shard: BigInt(s),
        batch: BigInt(b),
        shardCommitment: shard.commitment,
        queryBatchCommitment: batch.commitment,
        contributorsHash: contributorsHash(shard.contributors),
        scores,
      });
      const signals = [shard.commitment, batch.commitment, rho, evaluateScores(scores, rho)];
      return {
        shard: s,
        batch: b,
        scores: Array.from(scores, Number),
        signals: signals.map(String),
        words: cheapProof(key, signals).map(String),
      };
    }),
  );
  return {
    format: 'meed-epoch-bundle/1',
    protocol: {
      scalarModulus: String(FIELD_MODULUS),
      baseModulus: String(BASE_FIELD_MODULUS),
      entryMax: 32767,
      basisPoints: 10000,
    },
    shape: { ...SHAPE },
    key: key.words.map(String),
    chainId: String(chainId),
    settlement,
    circuitId: id,
    epoch: String(epoch),
    accumulator: accumulate(batches),
    policy: { ...POLICY, modelOwner: OWNER, stakers: STAKERS, treasury: TREASURY },
    shards: shards.map(({ commitment, contributors }) => ({ commitment: String(commitment), contributors })),
    batches: batches.map(({ commitment, payer, fees, outputHashes }) => ({
      commitment: String(commitment),
      payer,
      fees: fees.map(String),
      outputHashes,
    })),
    proofs,
    credits: creditsOf(),
  };
}

/** A proof that holds, with small logarithms of A and B, which are quick to multiply by. */
export function cheapProof(key: ForgeableKey, signals: readonly bigint[]): bigint[] {
  const [a, b] = [5n, 77n];
  const input = signals.reduce((sum, signal, i) => sum + signal * key.input[i + 1], key.input[0]);
  return forgeProofFrom(
    a,
    b,
    scalar(scalar(a * b - key.alpha * key.beta - key.gamma * input) * inverse(key.delta, SCALARS)),
  );
}

/** By the reference: splitFee and splitPool, receipt by receipt. */
function creditsOf() {
  return FEES.flatMap((fees, batch) => {
    const amounts = new Map<string, bigint>();
    const credit = (name: string, amount: bigint): void => {
      amounts.set(name, (amounts.get(name) ?? 0n) + amount);
    };
    for (const [q, fee] of fees.entries()) {
      const sums = ACCOUNTS.map((account) =>
        SLOTS.flatMap((slots, s) =>
          slots.map((owner, k) => (owner === account ? scoresOf(s, batch)[k * SHAPE.queries + q] : 0n)),
        ).reduce((sum, score) => sum + score, 0n),
      );
      const parts = splitFee(fee, POLICY);
      const { shares, dust } = splitPool(parts.pool, sums);
      for (const [i, share] of shares.entries()) credit(`contributor ${ACCOUNTS[i]}`, share);
      credit(`modelOwner ${OWNER}`, parts.modelOwner);
      credit(`stakers ${STAKERS}`, parts.stakers);
      credit(`treasury ${TREASURY}`, parts.platform + dust);
    }
    return [...amounts]
      .filter(([, amount]) => amount > 0n)
      .map(([name, amount]) => {
        const [role, account] = name.split(' ');
        return { batch, role, account, amount: String(amount) };
      });
  });
}
