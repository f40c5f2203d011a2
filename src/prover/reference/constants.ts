/** The constants of docs/protocol.md. Circuits and contracts are tested to agree with them. */

export { ENTRY_MAX, ROW_ENTRY_MAX } from '../../foundation/index.js';

/** Order of BN254's scalar field. */
export const FIELD_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** Largest number of rows summed in a slot, so that a sum fits 16 bits: 256 · 127 = 32512. */
export const SLOT_ROWS_MAX = 256;
/** Added to signed 16-bit entries before packing. */
export const ENTRY_OFFSET = 32768;
export const ENTRY_BITS = 16;
/** 15 · 16 = 240 bits, below the field's 253. */
export const ENTRIES_PER_WORD = 15;
/** Field elements absorbed by one Poseidon permutation of the chain. */
export const CHAIN_RATE = 15;
export const SALT_BITS = 248;

export const TAG_KIND = {
  shard: 1,
  batch: 2,
  leaf: 3,
  remainder: 4,
  slotList: 16,
  document: 17,
  block: 18,
  span: 19,
} as const;

/** Shape of a ScoreMatrix circuit: S slots, Q queries, d columns. */
export interface Instance {
  readonly slots: number;
  readonly queries: number;
  readonly columns: number;
}

/** Domain tag: kind·2^64 + count·2^32 + d. */
export function tag(kind: keyof typeof TAG_KIND, count: number, columns: number): bigint {
  return (BigInt(TAG_KIND[kind]) << 64n) + (BigInt(count) << 32n) + BigInt(columns);
}
