/**
 * Receipts posted otherwise than by a payer who pays at once: with the payer's signature, out of what it prepaid to the
 * host, or by tokens and rates. docs/protocol.md, "Fees", says what is signed.
 * The trap: a signature names the payer's next nonce, so of two signed at the same time the second never counts.
 */
import type { TokenRates } from '../prover/reference/index.js';
import type { Sent, TypedDataTypes } from './account.js';
import { receiptsHash } from './accumulator.js';
import { type ChainClient, call, padReceipts, type Receipts, send, sendFor } from './client.js';
import { integer } from './values.js';

/** One batch to post. */
export interface BatchPost extends Receipts {
  readonly epoch: bigint;
  readonly commitment: bigint;
}

/** What a payer signed for one batch. */
export interface SignedPost {
  readonly payer: string;
  /** Last second, since 1970, at which the signature counts. */
  readonly deadline: bigint;
  /** 0x hex */
  readonly signature: string;
}

const POST_TYPES: TypedDataTypes = {
  Post: [
    { name: 'payer', type: 'address' },
    { name: 'epoch', type: 'uint256' },
    { name: 'commitment', type: 'uint256' },
    { name: 'receiptsHash', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
};

/** The payer's signature of a batch, with its next nonce; it pays from what `approveFees` allowed. */
export async function signPost(payer: ChainClient, post: BatchPost, deadline: bigint): Promise<SignedPost> {
  const { address } = payer.account;
  const { outputHashes, fees } = padReceipts(post, payer.deployment.instance.queries);
  const signature = await signNext(payer, 'ReceiptBook', POST_TYPES, {
    payer: address,
    epoch: post.epoch,
    commitment: post.commitment,
    receiptsHash: receiptsHash(fees, outputHashes),
    deadline,
  });
  return { payer: address, deadline, signature };
}

/** Names of the EIP-712 domains, as the contracts have them. */
const DOMAIN_NAMES = { ReceiptBook: 'Meed receipt book', EpochSettlement: 'Meed epoch settlement' } as const;

/** Signs a message for one contract, with the account's next nonce there. */
async function signNext(
  client: ChainClient,
  contract: keyof typeof DOMAIN_NAMES,
  types: TypedDataTypes,
  message: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { account, deployment } = client;
  const domain = {
    name: DOMAIN_NAMES[contract],
    version: '1',
    chainId: deployment.chainId,
    verifyingContract: deployment.addresses[contract],
  };
  const nonce = integer(await call(client, contract, 'nonces', [account.address]), 'nonce');
  return account.signTyped(domain, types, { ...message, nonce });
}

/** Posts a batch that its payer signed. */
export function postSigned(client: ChainClient, post: BatchPost, { payer, deadline, signature }: SignedPost) {
  return posted(client, 'postSigned', [tupleOf(client, post), payer, deadline, signature]);
}

/** Posts a batch out of what the payer prepaid to this account. */
export function postPrepaid(client: ChainClient, post: BatchPost, payer: string) {
  return posted(client, 'postPrepaid', [tupleOf(client, post), payer]);
}

/** Fixes what an inference of the epoch costs by its tokens; only its owner may, before the first batch. */
export function setRates(client: ChainClient, epoch: bigint, rates: TokenRates): Promise<Sent> {
  return send(client, 'set rates', 'ReceiptBook', 'setRates', [epoch, rates]);
}

/** Tokens of one inference, each below 2³². */
export interface TokenUsage {
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** Posts a batch whose fees follow from tokens and the epoch's rates; this account pays. */
export function postMetered(
  client: ChainClient,
  { epoch, commitment, outputHashes, usage }: Omit<BatchPost, 'fees'> & { readonly usage: readonly TokenUsage[] },
) {
  const packed = usage.map(({ tokensIn, tokensOut }) => (BigInt(tokensIn) << 32n) | BigInt(tokensOut));
  const padded = padReceipts({ outputHashes, fees: packed }, client.deployment.instance.queries);
  return posted(client, 'postMetered', [epoch, commitment, padded.outputHashes, padded.fees]);
}

/** Leaves tokens with a host, from what `approveFees` allowed. */
export function prepay(client: ChainClient, host: string, amount: bigint): Promise<Sent> {
  return send(client, 'prepay', 'ReceiptBook', 'prepay', [host, amount]);
}

/** Announces that what the host has not spent is wanted back. */
export function announceReclaim(client: ChainClient, host: string): Promise<Sent> {
  return send(client, 'announce reclaim', 'ReceiptBook', 'announceReclaim', [host]);
}

/** Takes back what a host has not spent, once the notice is over. */
export function reclaim(client: ChainClient, host: string): Promise<Sent> {
  return send(client, 'reclaim', 'ReceiptBook', 'reclaim', [host]);
}

/** An account's signature that its credit be paid to `to`, with its next nonce. */
export interface SignedWithdrawal {
  readonly account: string;
  readonly to: string;
  readonly deadline: bigint;
  readonly signature: string;
}

const WITHDRAW_TYPES: TypedDataTypes = {
  Withdraw: [
    { name: 'account', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
};

export async function signWithdrawal(client: ChainClient, to: string, deadline: bigint): Promise<SignedWithdrawal> {
  const { address: account } = client.account;
  const signature = await signNext(client, 'EpochSettlement', WITHDRAW_TYPES, { account, to, deadline });
  return { account, to, deadline, signature };
}

/** Pays an account's credit out as it signed; whoever sends this pays the gas. */
export function withdrawSigned(client: ChainClient, { account, to, deadline, signature }: SignedWithdrawal) {
  return send(client, 'withdraw', 'EpochSettlement', 'withdrawSigned', [account, to, deadline, signature]);
}

function tupleOf(client: ChainClient, post: BatchPost) {
  const { outputHashes, fees } = padReceipts(post, client.deployment.instance.queries);
  return { epoch: post.epoch, commitment: post.commitment, outputHashes, fees };
}

async function posted(
  client: ChainClient,
  method: string,
  args: readonly unknown[],
): Promise<Sent & { readonly batch: bigint }> {
  const { sent, value } = await sendFor(client, method, 'ReceiptBook', method, args, 'BatchPosted', 'batch');
  return { ...sent, batch: integer(value, 'batch') };
}
