/**
 * Receipts of one host folded into one query (docs/protocol.md, "Folded queries"): the chain that a host's receipts make,
 * the fee-weighted sum of their vectors, its rounded mean, and the evaluations by which steps that never see the whole sum
 * prove it. All in exact integers.
 * The trap: a mean of integers is no integer, and a remainder that the prover may choose late makes any quotient right; so
 * remainders are committed before the point of evaluation exists.
 */
import { AbiCoder, keccak256 } from 'ethers';
import { MeedError } from '../../foundation/index.js';
import { checkedSalt, packWords } from './commitments.js';
import { ENTRY_MAX, FIELD_MODULUS, tag } from './constants.js';
import { fieldOfHash } from './indexTree.js';
import type { Hasher } from './poseidon.js';

/** A fee is below 2^30 quanta. */
export const FEE_BITS = 30;
/** The fees folded into one query are below 2^44 quanta together: 16,384 receipts at the largest fee. */
export const WEIGHT_BITS = 44;
/** Below twice the total weight. */
export const REMAINDER_BITS = 45;
/** 5 · 45 = 225 bits, below the field's 253. */
export const REMAINDERS_PER_WORD = 5;
/** Entries of a limb, each 62 bits above the one before: 2 · 2^15 · 2^44 = 2^60 and a sign, four times, are below 2^248. */
export const LIMB_ENTRIES = 4;
export const LIMB_BITS = 62;

export interface FoldedReceipt {
  /** d entries, signed, of squared norm at most normMax(d). */
  readonly vector: Int16Array;
  /** The fee in quanta, an integer in [0, 2^30): the receipt's weight. */
  readonly fee: number;
  /** SHA-256 hex, as the book has it; 64 zeros at an unused position. */
  readonly outputHash: string;
  /** Below 2^248. */
  readonly salt: bigint;
}

/**
 * Largest squared norm of a rounded query: rounding moves a vector of norm 32767 by at most √d / 2, so it is at most
 * (32767 + √d / 2)² = 32767² + 32767 √d + d / 4, rounded up.
 */
export function normMax(columns: number): number {
  // 32767² · 256 < 2^38: the float root of an integer so small is at most one off
  const square = ENTRY_MAX * ENTRY_MAX * columns;
  let root = Math.floor(Math.sqrt(square));
  while (root * root > square) root--;
  while ((root + 1) * (root + 1) <= square) root++;
  return ENTRY_MAX * ENTRY_MAX + root + 1 + Math.ceil(columns / 4);
}

/** Σ entry²: below 2^38 for 256 entries, so exact. */
export function squaredNorm(entries: Int16Array): number {
  return entries.reduce((sum, entry) => sum + entry * entry, 0);
}

/** @throws MeedError when the vector's length or norm, an entry, the fee, the hash or the salt is out of range */
export function checkReceipt({ vector, fee, outputHash, salt }: FoldedReceipt, columns: number, place: number): void {
  const wrong = (what: string, remedy: string): MeedError => new MeedError(`Receipt ${place} ${what}`, remedy);
  if (vector.length !== columns) {
    throw wrong(`has ${vector.length} entries, its index has ${columns} columns`, 'Fold receipts of one index');
  }
  if (!Number.isInteger(fee) || fee < 0 || fee >= 2 ** FEE_BITS) {
    throw wrong(`has a fee of ${fee} quanta`, `Fees are whole numbers of quanta from 0 to ${2 ** FEE_BITS - 1}`);
  }
  if (squaredNorm(vector) > normMax(columns)) {
    throw wrong(
      `has a squared norm of ${squaredNorm(vector)}, above ${normMax(columns)}`,
      'Quantise the sketch again: a receipt weighs what its fee says, never more',
    );
  }
  if (!/^[0-9a-f]{64}$/.test(outputHash)) {
    throw wrong(`has the output hash "${outputHash}"`, 'Give 64 hex digits in lower case');
  }
  checkedSalt(salt);
}

/** The link after a receipt: chain(link, salt, fee, outputHash mod r, words). */
export function receiptLink(hasher: Hasher, link: bigint, receipt: FoldedReceipt): bigint {
  const { salt, fee, outputHash, vector } = receipt;
  return hasher.chain(link, [salt, BigInt(fee), fieldOfHash(outputHash), ...packWords(vector)]);
}

export interface WeightedSum {
  /** Σ fee_i · vector_i, below 2^59 in magnitude. */
  readonly sums: BigInt64Array;
  /** Σ fee_i. */
  readonly weight: bigint;
}

/** @throws MeedError when the fees reach 2^44 quanta together */
export function weightedSum(receipts: readonly FoldedReceipt[], columns: number): WeightedSum {
  const sums = new BigInt64Array(columns);
  let weight = 0n;
  for (const { vector, fee } of receipts) {
    // |fee · entry| < 2^45: exact
    for (let j = 0; j < columns; j++) sums[j] += BigInt(fee * vector[j]);
    weight += BigInt(fee);
  }
  if (weight >> BigInt(WEIGHT_BITS) !== 0n) {
    throw new MeedError(
      `The fees of ${receipts.length} receipts are ${weight} quanta together, which ${WEIGHT_BITS} bits do not hold`,
      'Fold fewer receipts into one query, or count fees in a larger quantum',
    );
  }
  return { sums, weight };
}

export interface RoundedMean {
  /** max(weight, 1): where every fee is 0, so is the sum, and so is the mean. */
  readonly divisor: bigint;
  /** floor((2 sum + divisor) / (2 divisor)): to the nearest integer, ties upwards. */
  readonly quotients: Int16Array;
  /** 2 sum + divisor − 2 divisor · quotient, in [0, 2 divisor). */
  readonly remainders: BigInt64Array;
}

export function roundedMean({ sums, weight }: WeightedSum): RoundedMean {
  const divisor = weight > 0n ? weight : 1n;
  const quotients = new Int16Array(sums.length);
  const remainders = new BigInt64Array(sums.length);
  for (const [j, sum] of sums.entries()) {
    const numerator = 2n * sum + divisor;
    const rest = numerator % (2n * divisor);
    // BigInt division rounds towards zero; a remainder is never negative
    remainders[j] = rest < 0n ? rest + 2n * divisor : rest;
    quotients[j] = Number((numerator - remainders[j]) / (2n * divisor));
  }
  return { divisor, quotients, remainders };
}

/** chain(tag(4, 0, d), salt, words of five remainders each, 45 bits a remainder). @throws MeedError when one has more */
export function remainderCommitment(hasher: Hasher, salt: bigint, remainders: BigInt64Array): bigint {
  const words: bigint[] = [];
  for (const [j, remainder] of remainders.entries()) {
    if (remainder < 0n || remainder >> BigInt(REMAINDER_BITS) !== 0n) {
      throw new MeedError(
        `Remainder ${j} is ${remainder}, not a number of ${REMAINDER_BITS} bits`,
        'Take the remainders of roundedMean',
      );
    }
    if (j % REMAINDERS_PER_WORD === 0) words.push(0n);
    words[words.length - 1] += remainder << BigInt(REMAINDER_BITS * (j % REMAINDERS_PER_WORD));
  }
  return hasher.chain(tag('remainder', 0, remainders.length), [checkedSalt(salt), ...words]);
}

/** Σ_l γ^l Σ_t 2^(62 t) value_{4l+t} mod r. */
export function evaluateVector(values: BigInt64Array, gamma: bigint): bigint {
  let total = 0n;
  for (let l = Math.ceil(values.length / LIMB_ENTRIES) - 1; l >= 0; l--) {
    let limb = 0n;
    for (let j = Math.min(values.length, LIMB_ENTRIES * (l + 1)) - 1; j >= LIMB_ENTRIES * l; j--) {
      limb = (limb << BigInt(LIMB_BITS)) + values[j];
    }
    total = (total * gamma + limb) % FIELD_MODULUS;
  }
  return total < 0n ? total + FIELD_MODULUS : total;
}

/** Σ_i fee_i γ^(2i) + outputHash_i γ^(2i+1) mod r: what the contract computes from the book's list of a step. */
export function evaluateReceipts(
  receipts: readonly Pick<FoldedReceipt, 'fee' | 'outputHash'>[],
  gamma: bigint,
): bigint {
  let total = 0n;
  for (const { fee, outputHash } of receipts.toReversed()) {
    total = (total * gamma + fieldOfHash(outputHash)) % FIELD_MODULUS;
    total = (total * gamma + BigInt(fee)) % FIELD_MODULUS;
  }
  return total;
}

/** Whose receipts are folded, and where. */
export interface FoldPlace {
  readonly chainId: bigint;
  /** Address of the receipt book. */
  readonly book: string;
  readonly epoch: bigint;
  /** Address of the host, which posts its receipts itself. */
  readonly host: string;
}

/** The link before a host's first receipt: keccak256(abi.encode(chain id, book, epoch, host)) mod r. */
export function firstLink({ chainId, book, epoch, host }: FoldPlace): bigint {
  return keccakField(['uint256', 'address', 'uint256', 'address'], [chainId, book, epoch, host]);
}

/** What γ is derived from; all of it is fixed before γ exists. */
export interface FoldChallengeInput extends FoldPlace {
  /** Address of the contract that verifies the steps. */
  readonly settlement: string;
  /** bytes32 hex of QuerySum and of QueryMean. */
  readonly sumCircuitId: string;
  readonly meanCircuitId: string;
  /** bytes32 hex: the book's accumulator of the closed epoch, over every link, fee, output hash and payer. */
  readonly accumulator: string;
  readonly queryBatchCommitment: bigint;
  /** Of the host's query in the batch. */
  readonly position: bigint;
  readonly remainderCommitment: bigint;
}

/** γ = keccak256(abi.encode(…)) mod r. */
export function foldChallenge(input: FoldChallengeInput): bigint {
  return keccakField(
    [
      'uint256',
      'address',
      'uint256',
      'address',
      'address',
      'bytes32',
      'bytes32',
      'bytes32',
      'uint256',
      'uint256',
      'uint256',
    ],
    [
      input.chainId,
      input.book,
      input.epoch,
      input.host,
      input.settlement,
      input.sumCircuitId,
      input.meanCircuitId,
      input.accumulator,
      input.queryBatchCommitment,
      input.position,
      input.remainderCommitment,
    ],
  );
}

function keccakField(types: readonly string[], values: readonly unknown[]): bigint {
  return BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(types, values))) % FIELD_MODULUS;
}
