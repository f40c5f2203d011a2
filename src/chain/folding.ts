/**
 * Epochs whose receipts fold by host: a settlement of their own, deployed beside the others, and the calls that prove a
 * host's mean to it. Everything else (open, close, settle, distribute, refund, withdraw) is what a client does anyway, on
 * the deployment that `deployFolding` gives, whose settlement is that of folded receipts.
 * The trap: γ is fixed by the closed epoch and by what was committed; a commitment changed afterwards makes every proof
 * worthless.
 */
import { Contract } from 'ethers';
import { FEE_QUANTUM, foldChallenge, type Instance } from '../prover/reference/index.js';
import type { Account, Sent } from './account.js';
import type { AccumulatedBatch } from './accumulator.js';
import { type ChainClient, call, openClient, sendFor } from './client.js';
import { compileContracts } from './compile.js';
import { codeHashes, createContract, type Deployment } from './deploy.js';
import type { BatchPost } from './posting.js';
import { explainRefusal } from './refusals.js';
import { bytes32, count, integer, listOf } from './values.js';
import { type KeyWords, requireUnforgeable } from './verifyingKey.js';

/** Keys of QuerySum(n, d) and QueryMean(Q, d), for the Q and d of the deployment. */
export interface FoldingCircuits {
  readonly querySum: KeyWords;
  readonly queryMean: KeyWords;
  /** n: most receipts of a step. */
  readonly receiptsPerStep: number;
  /** Token units of a quantum; that of fees by tokens unless told. */
  readonly quantum?: bigint;
}

export interface FoldingDeployment {
  /** As epochs that fold see it: the settlement is theirs. */
  readonly deployment: Deployment;
  /** Address of the contract that folds. */
  readonly folds: string;
  readonly sumCircuitId: string;
  readonly meanCircuitId: string;
  readonly receiptsPerStep: number;
  readonly quantum: bigint;
}

const SUM_SIGNALS = 5;
const MEAN_SIGNALS = 6;

/** Deploys the settlement of folded receipts beside a deployment, with the same book, token, indexes, terms and verifier. */
export async function deployFolding(
  deployer: Account,
  deployment: Deployment,
  { querySum, queryMean, receiptsPerStep, quantum = FEE_QUANTUM }: FoldingCircuits,
): Promise<FoldingDeployment> {
  requireUnforgeable(querySum, deployer.chainId, SUM_SIGNALS);
  requireUnforgeable(queryMean, deployer.chainId, MEAN_SIGNALS);
  const { addresses, instance } = deployment;
  const { slots, queries, columns }: Instance = instance;
  const sum = await createContract(deployer, 'StatementVerifier', [querySum]);
  const mean = await createContract(deployer, 'StatementVerifier', [queryMean]);
  const shape = [receiptsPerStep, queries, columns, quantum];
  const folds = await createContract(deployer, 'Folds', [addresses.ReceiptBook, sum.address, mean.address, ...shape]);
  const settlement = await createContract(deployer, 'EpochSettlement', [
    folds.address,
    addresses.Groth16Verifier,
    slots,
    queries,
    columns,
  ]);
  const folding = { ...addresses, EpochSettlement: settlement.address };
  const contract = await foldsAt(deployer, folds.address);
  const idOf = async (name: string): Promise<string> => bytes32(await contract.getFunction(name).staticCall(), name);
  return {
    deployment: { ...deployment, addresses: folding, codeHashes: await codeHashes(deployer.provider, folding) },
    folds: folds.address,
    sumCircuitId: await idOf('sumCircuitId'),
    meanCircuitId: await idOf('meanCircuitId'),
    receiptsPerStep,
    quantum,
  };
}

/** An account that acts on epochs that fold: `chain` is for all that other epochs do as well. */
export interface FoldingClient {
  readonly chain: ChainClient;
  readonly folding: FoldingDeployment;
  readonly folds: Contract;
}

export async function openFolding(account: Account, folding: FoldingDeployment): Promise<FoldingClient> {
  const chain = await openClient(account, folding.deployment);
  return { chain, folding, folds: await foldsAt(account, folding.folds) };
}

async function foldsAt(account: Account, at: string): Promise<Contract> {
  return new Contract(at, (await compileContracts()).Folds.abi, account.provider);
}

/** Posts a batch of receipts of this account, a host, as many as it likes up to 32 n; the commitment is the link after the last of them. */
export async function postFolded(
  { chain }: FoldingClient,
  { epoch, commitment, outputHashes, fees }: BatchPost,
): Promise<Sent & { readonly batch: bigint }> {
  const args = [{ epoch, commitment, outputHashes, fees }];
  const { sent, value } = await sendFor(chain, 'postBatch', 'ReceiptBook', 'postBatch', args, 'BatchPosted', 'batch');
  return { ...sent, batch: integer(value, 'batch') };
}

/** What is folded, and what was committed before γ exists. */
export interface FoldTarget {
  readonly epoch: bigint;
  readonly host: string;
  /** Of the batch of hosts. */
  readonly queryBatchCommitment: bigint;
  readonly remainderCommitment: bigint;
}

/** γ of a fold, by the reference, from what the book says. @throws MeedError when the host has posted nothing */
export async function foldGamma({ chain, folding }: FoldingClient, target: FoldTarget): Promise<bigint> {
  const { deployment, folds, sumCircuitId, meanCircuitId } = folding;
  const answer = await call(chain, 'ReceiptBook', 'hostOf', [target.epoch, target.host]);
  const [, accumulator, number] = listOf(answer, 'hostOf', (value) => value);
  return foldChallenge({
    ...target,
    chainId: BigInt(deployment.chainId),
    book: deployment.addresses.ReceiptBook,
    settlement: folds,
    sumCircuitId,
    meanCircuitId,
    accumulator: bytes32(accumulator, 'accumulator'),
    position: BigInt(count(number, 'number') % deployment.instance.queries),
  });
}

/** A proof of QuerySum for the next n receipts, or for what is left of the last batch. */
export interface ProvenStep {
  /** The link after its last receipt. */
  readonly link: bigint;
  readonly sumEvaluation: bigint;
  /** A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y */
  readonly proof: readonly bigint[];
}

/** Consecutive batches of a host as they were posted, and the steps over all of their receipts. */
export interface ProvenBatches {
  readonly batches: readonly Pick<AccumulatedBatch, 'commitment' | 'fees' | 'outputHashes'>[];
  readonly steps: readonly ProvenStep[];
}

/** Folds the next batches of a host into this account's fold. */
export function fold(client: FoldingClient, target: FoldTarget, { batches, steps }: ProvenBatches): Promise<Sent> {
  const posted = batches.map(({ commitment, fees, outputHashes }) => ({ commitment, fees, outputHashes }));
  return sendTo(client, 'fold', 'fold', [target, posted, steps]);
}

/** Ends this account's fold by a proof of QueryMean; the last host of a batch makes its commitment the batch's. */
export function finishFold(client: FoldingClient, target: FoldTarget, proof: readonly bigint[]): Promise<Sent> {
  return sendTo(client, 'finish a fold', 'finish', [target, proof]);
}

/** How far this account's fold has come: the link after its last receipt, or 0 before the first. */
export async function foldedLink(client: FoldingClient, gamma: bigint): Promise<bigint> {
  const state = await view(client, 'foldOf', [gamma, client.chain.account.address]);
  return integer(listOf(state, 'foldOf', (value) => value)[1], 'link');
}

/** Commitment of a batch of hosts, or 0 while not all of them are folded. */
export async function foldedCommitment(client: FoldingClient, epoch: bigint, batch: bigint): Promise<bigint> {
  return integer(await view(client, 'commitmentOf', [epoch, batch]), 'commitment');
}

async function view({ chain, folds }: FoldingClient, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await folds.getFunction(method).staticCall(...args);
  } catch (error) {
    throw explainRefusal(method, error, chain.account.errors);
  }
}

async function sendTo(
  { chain, folds }: FoldingClient,
  what: string,
  method: string,
  args: readonly unknown[],
): Promise<Sent> {
  const { hash, gasUsed, blockNumber } = await chain.account.send(what, folds, method, args);
  return { hash, gasUsed, blockNumber };
}
