/**
 * What each proof must be a proof of, derived again from the bundle: docs/protocol.md, "ScoreMatrix". Nothing that the
 * prover states is used, so a proof of anything else fails whatever it says.
 */
import { hexOf, keccakOf } from './abi.js';
import type { Bundle, BundleProof, BundleShard } from './bundle.js';
import { SCALAR_MODULUS } from './constants.js';

/** keccak256(abi.encode(S, Q, d, keccak256(abi.encode(key words)))) */
export function deriveCircuitId({ shape, keyWords }: Pick<Bundle, 'shape' | 'keyWords'>): string {
  const { slots, queries, columns } = shape;
  return hexOf(keccakOf([BigInt(slots), BigInt(queries), BigInt(columns), keccakOf(keyWords)]));
}

/** keccak256(abi.encode(address[])), as the index registry keeps it. */
export function contributorsHash({ contributors }: BundleShard): bigint {
  return keccakOf([contributors.map(BigInt)]);
}

/** shardCommitment, queryBatchCommitment, rho, evaluation of the (shard, batch) that a proof names. */
export function deriveSignals(bundle: Bundle, proof: BundleProof): bigint[] {
  const shard = bundle.shards[proof.shard];
  const batch = bundle.batches[proof.batch];
  const scores = proof.scores.map(BigInt);
  const hash = keccakOf([
    bundle.chainId,
    BigInt(bundle.settlement),
    BigInt(deriveCircuitId(bundle)),
    bundle.epoch,
    BigInt(proof.shard),
    BigInt(proof.batch),
    shard.commitment,
    batch.commitment,
    contributorsHash(shard),
    packScores(scores),
  ]);
  const rho = hash % SCALAR_MODULUS;
  return [shard.commitment, batch.commitment, rho, evaluate(scores, rho)];
}

const SCORE_BYTES = 5;

/** Five bytes a score, two's complement, most significant first; the bundle's scores fit them. */
function packScores(scores: readonly bigint[]): Uint8Array {
  const packed = new Uint8Array(SCORE_BYTES * scores.length);
  for (const [i, score] of scores.entries()) {
    for (let b = 0; b < SCORE_BYTES; b++) {
      packed[SCORE_BYTES * i + b] = Number(BigInt.asUintN(8, score >> BigInt(8 * (SCORE_BYTES - 1 - b))));
    }
  }
  return packed;
}

/** Σ scores[i]·rho^i mod r, in [0, r). */
export function evaluate(scores: readonly bigint[], rho: bigint): bigint {
  let value = 0n;
  for (let i = scores.length - 1; i >= 0; i--) value = (value * rho + scores[i]) % SCALAR_MODULUS;
  return value < 0n ? value + SCALAR_MODULUS : value;
}

/** The receipt book's hash chain over the batches, in order. */
export function deriveAccumulator({ batches }: Pick<Bundle, 'batches'>): string {
  let accumulator = 0n;
  for (const [b, { commitment, payer, fees, outputHashes }] of batches.entries()) {
    const receipts = keccakOf([fees, outputHashes.map(BigInt)]);
    const total = fees.reduce((sum, fee) => sum + fee, 0n);
    accumulator = keccakOf([accumulator, BigInt(b), commitment, receipts, BigInt(payer), total]);
  }
  return hexOf(accumulator);
}
