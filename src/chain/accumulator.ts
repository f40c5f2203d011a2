/**
 * The ordered accumulator of an epoch's batches, as ReceiptBook computes it. An auditor recomputes it from the batches a
 * node showed and compares it with the epoch's own: a node that leaves out or changes a batch is found out.
 */
import { AbiCoder, keccak256, ZeroHash } from 'ethers';

export interface AccumulatedBatch {
  readonly batch: bigint;
  readonly payer: string;
  readonly commitment: bigint;
  readonly fees: readonly bigint[];
  readonly outputHashes: readonly string[];
}

/** keccak256(abi.encode(uint96[] fees, bytes32[] outputHashes)) */
export function receiptsHash(fees: readonly bigint[], outputHashes: readonly string[]): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(['uint96[]', 'bytes32[]'], [fees, outputHashes]));
}

/** @param batches in the order in which they were posted */
export function accumulate(batches: readonly AccumulatedBatch[]): string {
  return batches.reduce((before, { batch, payer, commitment, fees, outputHashes }) => {
    const total = fees.reduce((sum, fee) => sum + fee, 0n);
    return keccak256(
      AbiCoder.defaultAbiCoder().encode(
        ['bytes32', 'uint256', 'uint256', 'bytes32', 'address', 'uint96'],
        [before, batch, commitment, receiptsHash(fees, outputHashes), payer, total],
      ),
    );
  }, ZeroHash);
}
