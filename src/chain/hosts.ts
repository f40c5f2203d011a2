/**
 * The hosts of an epoch whose receipts fold, as the book keeps them: who posted, in the order of their first batch, the sum
 * of each one's fees and its chain of batches. A settlement of folded receipts splits these sums, host number i at position
 * i mod Q of batch ⌊i / Q⌋.
 * The trap: a host is a payer, so its batches may lie anywhere between those of others; only their order counts.
 */
import { AbiCoder, keccak256, ZeroHash } from 'ethers';
import { type AccumulatedBatch, receiptsHash } from './accumulator.js';
import type { Receipts } from './client.js';

export interface HostOfEpoch {
  readonly account: string;
  readonly fees: bigint;
  /** keccak256 chain over its batches, 0x hex. */
  readonly chain: string;
  readonly batches: readonly AccumulatedBatch[];
}

/** @param batches of one epoch, in the order in which they were posted */
export function hostsOf(batches: readonly AccumulatedBatch[]): HostOfEpoch[] {
  return [...new Set(batches.map(({ payer }) => payer))].map((account) => {
    const own = batches.filter(({ payer }) => payer === account);
    const fees = own.flatMap((batch) => batch.fees).reduce((sum, fee) => sum + fee, 0n);
    return { account, fees, chain: own.reduce(extend, ZeroHash), batches: own };
  });
}

function extend(before: string, { commitment, fees, outputHashes }: AccumulatedBatch): string {
  return encoded(['bytes32', 'uint256', 'bytes32'], [before, commitment, receiptsHash(fees, outputHashes)]);
}

/** What the settlement of folded receipts distributes, a batch of Q hosts each. */
export function hostReceipts(hosts: readonly HostOfEpoch[], queries: number): Receipts[] {
  return Array.from({ length: Math.ceil(hosts.length / queries) }, (_, b) => {
    const of = hosts.slice(b * queries, (b + 1) * queries);
    return {
      fees: of.map(({ fees }) => fees),
      outputHashes: of.map(({ account, chain }) => encoded(['address', 'bytes32'], [account, chain])),
    };
  });
}

function encoded(types: readonly string[], values: readonly unknown[]): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
}
