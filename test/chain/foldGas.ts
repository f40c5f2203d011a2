/**
 * Gas of folding at the shape of the real circuits, from a host's posts to the end of its fold. Proofs are forged with keys
 * whose secrets are known, since their values change no cost, so no receipt needs a vector.
 */
import { Contract } from 'ethers';
import {
  approveFees,
  closeEpoch,
  compileContracts,
  deployFolding,
  developmentAddress,
  type FoldTarget,
  finishFold,
  fold,
  foldGamma,
  mintTokens,
  openEpoch,
  openFolding,
  type ProvenBatches,
  type ProvenStep,
  postFolded,
  type Sent,
} from '../../src/chain/index.js';
import { evaluateReceipts, FEE_QUANTUM, FIELD_MODULUS, firstLink } from '../../src/prover/reference/index.js';
import { forgeableKey, forgeProof } from './forge.js';
import { callGas } from './verificationGas.js';
import { CONTRIBUTORS, DEPLOYER, elementOf, hashOf, newIndex, OWNER, PAYER, type World } from './world.js';

export interface FoldGas {
  readonly receiptsPerStep: number;
  /** A batch of n receipts by a host that has posted before, one of ten n, and what a receipt adds to it. */
  readonly post: number;
  readonly postTen: number;
  readonly postReceipt: number;
  /** The transaction of a fold's first step, of a later one, and of ten together. */
  readonly firstStep: number;
  readonly laterStep: number;
  readonly tenSteps: number;
  /** The end of a fold. */
  readonly finish: number;
  /** Verification alone, of QuerySum and of QueryMean. */
  readonly verifySum: number;
  readonly verifyMean: number;
  /** Folding a receipt, ten steps in a transaction, without verification; posting it as well; its share of verification. */
  readonly foldReceipt: number;
  readonly receipt: number;
  readonly receiptProof: number;
}

const TOGETHER = 10;
type Posted = ProvenBatches['batches'][number];

/** @param receiptsPerStep n of QuerySum */
export async function foldGas(world: World, receiptsPerStep: number): Promise<FoldGas> {
  const [sumKey, meanKey] = [forgeableKey('development', 5), forgeableKey('development', 6)];
  const deployer = (await world.as(DEPLOYER)).account;
  const circuits = { querySum: sumKey.words, queryMean: meanKey.words, receiptsPerStep };
  const folding = await deployFolding(deployer, world.deployed.deployment, circuits);
  const as = async (development: number) => openFolding((await world.as(development)).account, folding);
  const [owner, host] = [await as(OWNER), await as(PAYER)];
  const gasOf = ({ gasUsed }: Sent): number => Number(gasUsed);

  const { index } = await newIndex(world, CONTRIBUTORS);
  const address = developmentAddress(PAYER);
  const { epoch } = await openEpoch(owner.chain, { index, payers: [address] });
  await mintTokens(await world.as(DEPLOYER), address, 10n ** 24n);
  await approveFees(host.chain, 10n ** 24n);
  // a host's first batch pays for its storage
  const sizes = [receiptsPerStep, receiptsPerStep, 2, TOGETHER * receiptsPerStep];
  const batches: Posted[] = [];
  const posts: number[] = [];
  for (const [b, size] of sizes.entries()) {
    const outputHashes = Array.from({ length: size }, (_, i) => hashOf(`batch ${b} output ${i}`));
    const fees = Array.from({ length: size }, (_, i) => BigInt(123_456_789 + 1_000 * i) * FEE_QUANTUM);
    batches.push({ commitment: elementOf(`link ${b}`), outputHashes, fees });
    posts.push(gasOf(await postFolded(host, { epoch, ...batches[b] })));
  }
  await closeEpoch(owner.chain, epoch);

  const queryBatchCommitment = elementOf('hosts');
  const target: FoldTarget = {
    epoch,
    host: address,
    queryBatchCommitment,
    remainderCommitment: elementOf('remainders'),
  };
  const gamma = await foldGamma(owner, target);
  const { chainId, addresses } = folding.deployment;
  let link = firstLink({ chainId: BigInt(chainId), book: addresses.ReceiptBook, epoch, host: address });
  let sum = 0n;
  /** Signals of a step over receipts [start, end) of a batch; only the last link of a batch is the book's. */
  const signalsOf = ({ commitment, fees, outputHashes }: Posted, start: number, end: number): bigint[] => {
    const receipts = fees.slice(start, end).map((fee, i) => ({
      fee: Number(fee / FEE_QUANTUM),
      outputHash: outputHashes[start + i].slice(2),
    }));
    const next = end < fees.length ? elementOf(`link ${commitment} ${end}`) : commitment;
    return [link, next, gamma, evaluateReceipts(receipts, gamma), elementOf(`sum ${commitment} ${start}`)];
  };
  const proven = (batch: Posted): ProvenBatches => {
    const steps: ProvenStep[] = [];
    for (let start = 0; start < batch.fees.length; start += receiptsPerStep) {
      const signals = signalsOf(batch, start, Math.min(start + receiptsPerStep, batch.fees.length));
      link = signals[1];
      sum = (sum + signals[4]) % FIELD_MODULUS;
      steps.push({ link, sumEvaluation: signals[4], proof: forgeProof(sumKey, signals) });
    }
    return { batches: [batch], steps };
  };
  const folds: number[] = [];
  for (const batch of batches) folds.push(gasOf(await fold(owner, target, proven(batch))));
  const weight = batches.flatMap(({ fees }) => fees).reduce((total, fee) => total + fee, 0n) / FEE_QUANTUM;
  const end = [queryBatchCommitment, 0n, target.remainderCommitment, weight, gamma, sum];
  const finish = gasOf(await finishFold(owner, target, forgeProof(meanKey, end)));

  const { Folds, StatementVerifier } = await compileContracts();
  const contract = new Contract(folding.folds, Folds.abi, deployer.provider);
  const verified = async (name: string, key: typeof sumKey, signals: readonly bigint[]): Promise<number> => {
    const at: unknown = await contract.getFunction(name).staticCall();
    const verifier = new Contract(String(at), StatementVerifier.abi, deployer.provider);
    return (await callGas(deployer, verifier, 'verify', [forgeProof(key, signals), signals])).gas;
  };
  const verifySum = await verified('querySum', sumKey, signalsOf(batches[0], 0, receiptsPerStep));
  const [, post, small, postTen] = posts;
  const [firstStep, laterStep, , tenSteps] = folds;
  const receipts = TOGETHER * receiptsPerStep;
  const foldReceipt = (tenSteps - TOGETHER * verifySum) / receipts;
  return {
    receiptsPerStep,
    post,
    postTen,
    postReceipt: (postTen - small) / (receipts - 2),
    firstStep,
    laterStep,
    tenSteps,
    finish,
    verifySum,
    verifyMean: await verified('queryMean', meanKey, end),
    foldReceipt,
    receipt: foldReceipt + postTen / receipts,
    receiptProof: verifySum / receiptsPerStep,
  };
}
