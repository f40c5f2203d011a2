/**
 * keccak256 over Solidity's ABI encoding, for what the protocol hashes: numbers, and behind them lists of numbers and
 * bytes. Every number is one word of 32 bytes; a list stands after the head as its length and its words, bytes as their
 * length and themselves, padded with zeros to whole words; the head holds the offset.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';

export type Value = bigint | readonly bigint[] | Uint8Array;

/** keccak256(abi.encode(values)); a negative number is its two's complement of 256 bits. */
export function keccakOf(values: readonly Value[]): bigint {
  const tail: bigint[] = [];
  const head = values.map((value): bigint => {
    if (typeof value === 'bigint') return value;
    const offset = BigInt(32 * (values.length + tail.length));
    tail.push(BigInt(value.length), ...(value instanceof Uint8Array ? wordsOf(value) : value));
    return offset;
  });
  const words = [...head, ...tail];
  const bytes = new Uint8Array(32 * words.length);
  for (const [i, word] of words.entries()) {
    const digits = BigInt.asUintN(256, word).toString(16).padStart(64, '0');
    for (let b = 0; b < 32; b++) bytes[32 * i + b] = Number.parseInt(digits.slice(2 * b, 2 * b + 2), 16);
  }
  let hash = 0n;
  for (const byte of keccak_256(bytes)) hash = (hash << 8n) | BigInt(byte);
  return hash;
}

/** The bytes as words, most significant first. */
function wordsOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: Math.ceil(bytes.length / 32) }, (_, i) => {
    let word = 0n;
    for (let b = 32 * i; b < 32 * (i + 1); b++) word = (word << 8n) | BigInt(bytes[b] ?? 0);
    return word;
  });
}

/** A hash as bytes32. */
export function hexOf(hash: bigint): string {
  return `0x${hash.toString(16).padStart(64, '0')}`;
}
