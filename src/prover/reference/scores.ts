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

/** Bytes of a score in a settlement's calldata, and of a sum of scores in its event. */
const SCORE_BYTES = 5;
const SUM_BYTES = 6;

/**
 * Scores as a settlement takes them: five bytes each, two's complement, most significant first.
 * @throws RangeError for a score that no circuit of at most 512 columns has
 */
export function packScores(scores: BigInt64Array): Uint8Array {
  return packIntegers('score', scores, SCORE_BYTES);
}

/** @throws RangeError when the bytes are no whole number of scores */
export function unpackScores(packed: Uint8Array): BigInt64Array {
  return unpackIntegers('score', packed, SCORE_BYTES);
}

/**
 * Sums of scores as a settlement records them, six bytes each.
 * @throws RangeError for a sum that no 256 slots have
 */
export function packSums(sums: BigInt64Array): Uint8Array {
  return packIntegers('sum', sums, SUM_BYTES);
}

/** @throws RangeError when the bytes are no whole number of sums */
export function unpackSums(packed: Uint8Array): BigInt64Array {
  return unpackIntegers('sum', packed, SUM_BYTES);
}

function packIntegers(what: string, values: BigInt64Array, bytes: number): Uint8Array {
  const bound = 1n << BigInt(8 * bytes - 1);
  const packed = new Uint8Array(bytes * values.length);
  for (const [i, value] of values.entries()) {
    if (value < -bound || value >= bound) {
      throw new RangeError(`the ${what} ${value} at ${i} does not fit ${8 * bytes} bits`);
    }
    let rest = BigInt.asUintN(8 * bytes, value);
    for (let b = bytes - 1; b >= 0; b--) {
      packed[bytes * i + b] = Number(rest & 255n);
      rest >>= 8n;
    }
  }
  return packed;
}

function unpackIntegers(what: string, packed: Uint8Array, bytes: number): BigInt64Array {
  if (packed.length % bytes !== 0) throw new RangeError(`${packed.length} bytes are no ${what}s of ${bytes}`);
  return BigInt64Array.from({ length: packed.length / bytes }, (_, i) => {
    let value = 0n;
    for (let b = 0; b < bytes; b++) value = (value << 8n) | BigInt(packed[bytes * i + b]);
    return BigInt.asIntN(8 * bytes, value);
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
    ['uint256', 'address', 'bytes32', 'uint256', 'uint256', 'uint256', 'uint256', 'uint256', 'bytes32', 'bytes'],
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
      packScores(input.scores),
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
