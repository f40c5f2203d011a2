/**
 * What people do on the chain, one typed function each: publish, open, post, close, settle, finalize, withdraw; what may
 * take several transactions has a file of its own (indexRegistration.ts, distribution.ts). Every function waits until its transaction is mined, gives its hash and gas, and turns a refusal
 * into a sentence that names the contract's error and what to do.
 * The trap: fees and output hashes are hashed when they are posted and must be given again to distribute exactly so;
 * both functions therefore pad to Q themselves, in one way.
 */
import { type Contract, ZeroAddress, ZeroHash } from 'ethers';
import { MeedError } from '../foundation/index.js';
import { packScores } from '../prover/reference/index.js';
import type { Account, Mined, Sent } from './account.js';
import { CONTRACT_NAMES, type ContractName } from './compile.js';
import { contractAt, type Deployment } from './deploy.js';
import { explainRefusal } from './refusals.js';
import { bytes32, integer } from './values.js';

/** An account that acts on a deployment. */
export interface ChainClient {
  readonly account: Account;
  readonly deployment: Deployment;
  readonly contracts: ReadonlyMap<ContractName, Contract>;
}

export async function openClient(account: Account, deployment: Deployment): Promise<ChainClient> {
  if (account.chainId !== deployment.chainId) {
    throw new MeedError(
      `The account is on chain ${account.chainId}, the deployment on chain ${deployment.chainId}`,
      'Connect to the chain of the deployment',
    );
  }
  const contracts = new Map<ContractName, Contract>();
  for (const name of CONTRACT_NAMES) contracts.set(name, await contractAt(account, deployment, name));
  return { account, deployment, contracts };
}

// ---- tokens ----

/** Only the token's owner may. */
export function mintTokens(client: ChainClient, to: string, amount: bigint): Promise<Sent> {
  return send(client, 'mint', 'AttributionToken', 'mint', [to, amount]);
}

/** Lets the receipt book take `amount` of the account's tokens for fees; replaces an earlier approval. */
export function approveFees(client: ChainClient, amount: bigint): Promise<Sent> {
  const { ReceiptBook } = client.deployment.addresses;
  return send(client, 'approve', 'AttributionToken', 'approve', [ReceiptBook, amount]);
}

export async function balanceOf(client: ChainClient, account: string): Promise<bigint> {
  return integer(await call(client, 'AttributionToken', 'balanceOf', [account]), 'balance');
}

// ---- data sets and indexes ----

export interface DatasetPublication {
  /** RFC 6962 tree hash over the row hashes, 0x hex. */
  readonly root: string;
  /** Id of the data-set artefact, 0x hex. */
  readonly manifestHash: string;
  readonly rows: number;
  /** SPDX expression. */
  readonly licence: string;
  /** Addresses that indexes of this version may name. */
  readonly contributors: readonly string[];
}

export async function publishDataset(
  client: ChainClient,
  { root, manifestHash, rows, licence, contributors }: DatasetPublication,
): Promise<Sent & { readonly datasetId: string }> {
  const args = [root, manifestHash, rows, licence, contributors];
  const { sent, value } = await sendFor(
    client,
    'publish',
    'DatanetRegistry',
    'publish',
    args,
    'DatasetPublished',
    'datasetId',
  );
  return { ...sent, datasetId: bytes32(value, 'datasetId') };
}

/** Only the data set's owner may. */
export function approveContributors(
  client: ChainClient,
  datasetId: string,
  contributors: readonly string[],
): Promise<Sent> {
  return send(client, 'approve', 'DatanetRegistry', 'approve', [datasetId, contributors]);
}

/** Takes an index out of payment during its window; only the arbiter may. Its bond is burned. */
export function disableIndex(client: ChainClient, index: string): Promise<Sent> {
  return send(client, 'disable', 'IndexRegistry', 'disable', [index, ZeroAddress]);
}

/** Lets the index registry take `amount` of the account's tokens for bonds; replaces an earlier approval. */
export function approveBonds(client: ChainClient, amount: bigint): Promise<Sent> {
  const { IndexRegistry } = client.deployment.addresses;
  return send(client, 'approve', 'AttributionToken', 'approve', [IndexRegistry, amount]);
}

/** Gives an index's bond back to its owner once its window has passed. */
export function releaseBond(client: ChainClient, index: string): Promise<Sent> {
  return send(client, 'release bond', 'IndexRegistry', 'releaseBond', [index]);
}

// ---- receipts ----

/** Opens an epoch for an index of this account; only the payers named may post. */
export async function openEpoch(
  client: ChainClient,
  { index, payers }: { readonly index: string; readonly payers: readonly string[] },
): Promise<Sent & { readonly epoch: bigint }> {
  const args = [index, client.deployment.addresses.EpochSettlement, payers];
  const { sent, value } = await sendFor(client, 'open', 'ReceiptBook', 'open', args, 'EpochOpened', 'epoch');
  return { ...sent, epoch: integer(value, 'epoch') };
}

export function admitPayers(client: ChainClient, epoch: bigint, payers: readonly string[]): Promise<Sent> {
  return send(client, 'admit', 'ReceiptBook', 'admit', [epoch, payers]);
}

/** At most Q receipts; the rest of the batch is padded with zero hashes and zero fees. */
export interface Receipts {
  /** 0x hex, 32 bytes each. */
  readonly outputHashes: readonly string[];
  readonly fees: readonly bigint[];
}

/** Posts a batch and pays its fees from what approveFees allowed. */
export async function postBatch(
  client: ChainClient,
  { epoch, commitment, ...receipts }: Receipts & { readonly epoch: bigint; readonly commitment: bigint },
): Promise<Sent & { readonly batch: bigint }> {
  const { outputHashes, fees } = padReceipts(receipts, client.deployment.instance.queries);
  const args = [{ epoch, commitment, outputHashes, fees }];
  const { sent, value } = await sendFor(client, 'postBatch', 'ReceiptBook', 'postBatch', args, 'BatchPosted', 'batch');
  return { ...sent, batch: integer(value, 'batch') };
}

export function closeEpoch(client: ChainClient, epoch: bigint): Promise<Sent> {
  return send(client, 'close', 'ReceiptBook', 'close', [epoch]);
}

// ---- settlement ----

/** One score matrix, where it belongs in its epoch, and its proof. */
export interface ProvenScores {
  readonly shard: bigint;
  readonly batch: bigint;
  /** S · Q, score[k·Q + q]. */
  readonly scores: BigInt64Array;
  /** S addresses, the zero address at unused slots. */
  readonly slotContributors: readonly string[];
  /** A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y */
  readonly proof: readonly bigint[];
}

export interface SettleRequest extends ProvenScores {
  readonly epoch: bigint;
}

export function settle(client: ChainClient, request: SettleRequest): Promise<Sent> {
  return send(client, 'settle', 'EpochSettlement', 'settle', [request.epoch, provenTuple(request)]);
}

/** Settles several places at once, all or none: their proofs are verified together, which costs far less. */
export function settleMany(client: ChainClient, epoch: bigint, proven: readonly ProvenScores[]): Promise<Sent> {
  return send(client, 'settle', 'EpochSettlement', 'settleMany', [epoch, proven.map(provenTuple)]);
}

function provenTuple({ shard, batch, scores, slotContributors, proof }: ProvenScores) {
  return { shard, batch, packedScores: packScores(scores), slotContributors, proof };
}

/** Makes the epoch final once every shard of every batch is settled. */
export function finalizeEpoch(client: ChainClient, epoch: bigint): Promise<Sent> {
  return send(client, 'finalize', 'EpochSettlement', 'finalize', [epoch]);
}

/** Credits a batch's fees to its payer when the epoch was not final in time. */
export function refundBatch(client: ChainClient, epoch: bigint, batch: bigint): Promise<Sent> {
  return send(client, 'refund', 'EpochSettlement', 'refund', [epoch, batch]);
}

/** Pays the account's credit out to itself. */
export function withdraw(client: ChainClient): Promise<Sent> {
  return send(client, 'withdraw', 'EpochSettlement', 'withdraw', []);
}

/** Pays the account's credit out to another address. */
export function withdrawTo(client: ChainClient, to: string): Promise<Sent> {
  return send(client, 'withdraw', 'EpochSettlement', 'withdrawTo', [to]);
}

export async function creditOf(client: ChainClient, account: string): Promise<bigint> {
  return integer(await call(client, 'EpochSettlement', 'creditOf', [account]), 'credit');
}

// ---- shared ----

/** To Q receipts. @throws MeedError when there are more, or not as many fees as outputs */
export function padReceipts({ outputHashes, fees }: Receipts, queries: number): Receipts {
  if (outputHashes.length !== fees.length || fees.length > queries) {
    throw new MeedError(
      `A batch of ${outputHashes.length} outputs and ${fees.length} fees was given`,
      `Give as many fees as outputs, at most ${queries}`,
    );
  }
  const unused = queries - fees.length;
  return {
    outputHashes: [...outputHashes, ...Array<string>(unused).fill(ZeroHash)],
    fees: [...fees, ...Array<bigint>(unused).fill(0n)],
  };
}

function contract(client: ChainClient, name: ContractName): Contract {
  const found = client.contracts.get(name);
  if (found) return found;
  throw new MeedError(`The client does not know ${name}`, 'Open the client with openClient');
}

/** What a view of one of the contracts answers. @throws MeedError with the contract's refusal */
export async function call(
  client: ChainClient,
  name: ContractName,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  try {
    return await contract(client, name)
      .getFunction(method)
      .staticCall(...args);
  } catch (error) {
    throw explainRefusal(method, error, client.account.errors);
  }
}

/** Sends a call and waits until it is mined. @throws MeedError with the contract's refusal */
export async function send(
  client: ChainClient,
  what: string,
  name: ContractName,
  method: string,
  args: readonly unknown[],
): Promise<Sent> {
  return summary(await client.account.send(what, contract(client, name), method, args));
}

/** Sends, and reads one field of the event that tells the result. */
export async function sendFor(
  client: ChainClient,
  what: string,
  name: ContractName,
  method: string,
  args: readonly unknown[],
  event: string,
  field: string,
): Promise<{ sent: Sent; value: unknown }> {
  const target = contract(client, name);
  const mined = await client.account.send(what, target, method, args);
  for (const log of mined.receipt.logs) {
    if (log.address !== target.target) continue;
    const parsed = target.interface.parseLog(log);
    if (parsed?.name === event) return { sent: summary(mined), value: parsed.args.getValue(field) };
  }
  throw new MeedError(`${what} was mined in ${mined.hash} without its ${event} event`, 'Use another node');
}

function summary({ hash, gasUsed, blockNumber }: Mined): Sent {
  return { hash, gasUsed, blockNumber };
}
