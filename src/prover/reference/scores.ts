/**
 * The score matrix and its evaluation at the challenge (docs/protocol.md, "ScoreMatrix"). One field equation at a point
 * ρ that nobody knew when the vectors were committed binds all S·Q scores at once (error at most S·Q/r).
 */
import { AbiCoder, getAddress, keccak256 } from 'ethers';
import { FIELD_MODULUS, type Instance } from './constants.js';

/**
 * score[k·Q + q] = ⟨slot_k, query_q⟩, exact.
 * @param slots   S × d, row-major
 * @param queries Q × d, row-major
 */
export function scoreMatrix(instance: Instance, slots: Int16Array, queries: Int16Array): BigInt64Array {
  const { slots: S, queries: Q, columns: d } = instance;
  const scores = new BigInt64Array(S * Q);
  for (let k = 0; k < S; k++) {
    for (let q = 0; q < Q; q++) {
      // |sum| ≤ 256 · 32767² < 2^38: exact in a double
      let sum = 0;
      for (let j = 0; j < d; j++) sum += slots[k * d + j] * queries[q * d + j];
      scores[k * Q + q] = BigInt(sum);
    }
  }
  return scores;
}

/** Bytes of a score in a settlement's calldata. */
const SCORE_BYTES = 5;
const SCORE_BITS = BigInt(8 * SCORE_BYTES);
const SCORE_BOUND = 1n << (SCORE_BITS - 1n);

/**
 * Scores as a settlement takes them: five bytes each, two's complement, most significant first.
 * @throws RangeError for a score that no circuit of at most 512 columns has
 */
export function packScores(scores: BigInt64Array): Uint8Array {
  const packed = new Uint8Array(SCORE_BYTES * scores.length);
  for (const [i, score] of scores.entries()) {
    if (score < -SCORE_BOUND || score >= SCORE_BOUND) {
      throw new RangeError(`the score ${score} at ${i} does not fit ${SCORE_BITS} bits`);
    }
    let rest = BigInt.asUintN(Number(SCORE_BITS), score);
    for (let b = SCORE_BYTES - 1; b >= 0; b--) {
      packed[SCORE_BYTES * i + b] = Number(rest & 255n);
      rest >>= 8n;
    }
  }
  return packed;
}

/** @throws RangeError when the bytes are no whole number of scores */
export function unpackScores(packed: Uint8Array): BigInt64Array {
  if (packed.length % SCORE_BYTES !== 0) throw new RangeError(`${packed.length} bytes are no scores of ${SCORE_BYTES}`);
  return BigInt64Array.from({ length: packed.length / SCORE_BYTES }, (_, i) => {
    let score = 0n;
    for (let b = 0; b < SCORE_BYTES; b++) score = (score << 8n) | BigInt(packed[SCORE_BYTES * i + b]);
    return BigInt.asIntN(Number(SCORE_BITS), score);
  });
}

/** What ρ is derived from; the contract knows every field itself or checks it against what was registered. */
export interface ChallengeInput {
  readonly chainId: bigint;
  /** Address of the settlement contract. */
  readonly settlement: string;
  /** bytes32 hex */
  readonly circuitId: string;
  readonly epoch: bigint;
  readonly shard: bigint;
  readonly batch: bigint;
  readonly shardCommitment: bigint;
  readonly queryBatchCommitment: bigint;
  /** bytes32 hex, see contributorsHash */
  readonly contributorsHash: string;
  readonly scores: BigInt64Array;
}

/** ρ = keccak256(abi.encode(…)) mod r. */
export function challenge(input: ChallengeInput): bigint {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ['uint256', 'address', 'bytes32', 'uint256', 'uint256', 'uint256', 'uint256', 'uint256', 'bytes32', 'int64[]'],
    [
      input.chainId,
      input.settlement,
      input.circuitId,
      input.epoch,
      input.shard,
      input.batch,
      input.shardCommitment,
      input.queryBatchCommitment,
      input.contributorsHash,
      Array.from(input.scores),
    ],
  );
  return BigInt(keccak256(encoded)) % FIELD_MODULUS;
}

/** Σ score[i]·ρ^i mod r. */
export function evaluateScores(scores: BigInt64Array, rho: bigint): bigint {
  let value = 0n;
  for (let i = scores.length - 1; i >= 0; i--) value = (value * rho + scores[i]) % FIELD_MODULUS;
  return value < 0n ? value + FIELD_MODULUS : value;
}

/** keccak256(abi.encode(address[])), one address a slot, unused slots the zero address. */
export function contributorsHash(slotContributors: readonly string[]): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(['address[]'], [slotContributors.map((address) => getAddress(address))]),
  );
}
