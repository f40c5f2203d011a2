/**
 * Folded receipts on a chain, with real proofs: hosts post, their receipts become one position each of a batch, and every
 * fee is paid as the integers say. What is dropped, repeated, moved, taken from elsewhere or weighed otherwise is refused,
 * and what nobody can prove leads to the refund and to nothing else.
 */
import { Contract, ZeroHash } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import {
  approveFees,
  balanceOf,
  closeEpoch,
  compileContracts,
  creditOf,
  developmentAddress,
  distribute,
  type FoldingClient,
  finalizeEpoch,
  finishFold,
  fold,
  foldedCommitment,
  foldedLink,
  hostReceipts,
  hostsOf,
  mintTokens,
  openEpoch,
  type ProvenBatches,
  postFolded,
  postPrepaid,
  postSigned,
  prepay,
  readEvents,
  refundBatch,
  settle,
  signPost,
  withdraw,
} from '../../src/chain/index.js';
import { type Fold, foldReceipts, prove, scoreMatrixInput, scoreMatrixStatement } from '../../src/prover/index.js';
import {
  challenge,
  contributorsHash,
  FEE_QUANTUM,
  type FoldedReceipt,
  firstLink,
  roundedMean,
  splitFee,
  splitPool,
} from '../../src/prover/reference/index.js';
import {
  batchOfHosts,
  closedEpoch,
  cut,
  type FoldedEpoch,
  type FoldWorld,
  foldAll,
  type HostPosted,
  INSTANCE,
  openFoldWorld,
  type PlacedFold,
  placeFold,
  postEpoch,
  provenBatches,
  provenMean,
  STEP,
  slotValues,
  someReceipts,
} from './foldWorld.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  OWNER,
  PAYER,
  POLICY,
  REFUND_TIMEOUT,
  STAKERS,
  STRANGER,
  sumsOf,
  TREASURY,
} from './world.js';

const OWNERS = CONTRIBUTORS.slice(0, 2);
const FOLDER = 4;
const OTHER = 5;

let foldWorld: FoldWorld;
let owner: FoldingClient;
let folder: FoldingClient;
let other: FoldingClient;
beforeAll(async () => {
  foldWorld = await openFoldWorld();
  [owner, folder, other] = await Promise.all([OWNER, FOLDER, OTHER].map((account) => foldWorld.as(account)));
}, 240_000);
afterAll(async () => foldWorld?.world.stop());

/** Settles every batch of hosts against the one shard, with proofs of the circuit; the scores of each. */
async function settleHosts(epoch: FoldedEpoch, batches: readonly ReturnType<typeof batchOfHosts>[]) {
  const { deployment } = foldWorld.folding;
  const scores: BigInt64Array[] = [];
  for (const [batch, { queries, batchSalt }] of batches.entries()) {
    const values = { ...slotValues(epoch.indexId), queries, batchSalt };
    const statement = scoreMatrixStatement(foldWorld.hasher, values);
    const rho = challenge({
      chainId: BigInt(deployment.chainId),
      settlement: deployment.addresses.EpochSettlement,
      circuitId: deployment.circuitId,
      epoch: epoch.epoch,
      shard: 0n,
      batch: BigInt(batch),
      shardCommitment: statement.shardCommitment,
      queryBatchCommitment: statement.queryBatchCommitment,
      contributorsHash: contributorsHash(OWNERS),
      scores: statement.scores,
    });
    const { words } = await prove(foldWorld.keys.scoreMatrix, scoreMatrixInput(statement, values, rho));
    const place = { epoch: epoch.epoch, shard: 0n, batch: BigInt(batch) };
    await settle(owner.chain, { ...place, scores: statement.scores, slotContributors: OWNERS, proof: words });
    scores.push(statement.scores);
  }
  return scores;
}

/** The score of a host's mean with each slot, by the definition of the mean: ⌊(2 Σ w·ψ + W) / 2W⌋. */
function scoresOfMean(receipts: readonly FoldedReceipt[]): bigint[] {
  const weight = receipts.reduce((sum, { fee }) => sum + BigInt(fee), 0n);
  const divisor = weight === 0n ? 1n : weight;
  const mean = Array.from({ length: INSTANCE.columns }, (_, j) => {
    const sum = receipts.reduce((total, { fee, vector }) => total + BigInt(fee) * BigInt(vector[j]), 0n);
    const [above, below] = [2n * sum + divisor, 2n * divisor];
    return above >= 0n ? above / below : -((-above + below - 1n) / below);
  });
  const { slots } = slotValues(0n);
  return Array.from({ length: INSTANCE.slots }, (_, k) =>
    mean.reduce((score, entry, j) => score + entry * BigInt(slots[k * INSTANCE.columns + j]), 0n),
  );
}

/** Three hosts for batches of two: steps of two batches and of one, full and not, and one that ends within a batch. */
const plans = (seed: number, feeOf?: Parameters<typeof someReceipts>[2]) => {
  const [a, b, c] = [4, 2, 3].map((count, h) => someReceipts(count, seed + h, feeOf));
  return [
    { development: PAYER, batches: [a.slice(0, 2), a.slice(2, 3), a.slice(3)] },
    { development: STRANGER, batches: [b] },
    { development: DEPLOYER, batches: [c.slice(0, 1), c.slice(1)] },
  ];
};

/** What each account is owed more for, while `act` runs. */
async function creditedBy(accounts: readonly string[], act: () => Promise<unknown>): Promise<bigint[]> {
  const credits = (): Promise<bigint[]> => Promise.all(accounts.map((account) => creditOf(owner.chain, account)));
  const before = await credits();
  await act();
  return (await credits()).map((credit, i) => credit - before[i]);
}

async function bookEvents(epoch: bigint) {
  const { provider } = owner.chain.account;
  const events = await readEvents(provider, foldWorld.folding.deployment);
  return events.BatchPosted.filter((posted) => posted.epoch === epoch);
}

describe('an epoch that folds', () => {
  it('pays every host its mean: credits are those of the integers, to the last unit', {
    timeout: 240_000,
  }, async () => {
    const planned = plans(1);
    const epoch = await closedEpoch(foldWorld, planned);
    await expect(settleHosts(epoch, [batchOfHosts(epoch, [], 1n)])).rejects.toThrow('BatchNotFolded');
    const batches = await foldAll(foldWorld, epoch, folder);
    const scores = await settleHosts(epoch, batches);
    await finalizeEpoch(owner.chain, epoch.epoch);

    const receipts = hostReceipts(hostsOf(await bookEvents(epoch.epoch)), INSTANCE.queries);
    const accounts = [...OWNERS, developmentAddress(OWNER), STAKERS, TREASURY];
    const credited = await creditedBy(accounts, async () => {
      for (const [batch, { fees, outputHashes }] of receipts.entries()) {
        const shards = [sumsOf(foldWorld.world, OWNERS, scores[batch])];
        const place = { epoch: epoch.epoch, batch: BigInt(batch), shards };
        await expect(
          distribute(owner.chain, { ...place, outputHashes: fees.map(() => ZeroHash), fees }),
        ).rejects.toThrow('ReceiptsMismatch');
        await distribute(owner.chain, { ...place, outputHashes, fees });
      }
    });

    const expected = accounts.map(() => 0n);
    for (const { batches: own } of planned) {
      const fee = own.flat().reduce((sum, receipt) => sum + BigInt(receipt.fee), 0n) * FEE_QUANTUM;
      const parts = splitFee(fee, POLICY);
      const { shares, dust } = splitPool(parts.pool, scoresOfMean(own.flat()));
      for (const [c, share] of shares.entries()) expected[c] += share;
      expected[2] += parts.modelOwner;
      expected[3] += parts.stakers;
      expected[4] += parts.platform + dust;
    }
    expect(credited).toEqual(expected);
    expect(Math.min(...expected.map(Number))).toBeGreaterThan(0);

    const contributor = await foldWorld.as(FOLDER);
    const held = await balanceOf(owner.chain, OWNERS[0]);
    await withdraw(contributor.chain);
    expect((await balanceOf(owner.chain, OWNERS[0])) - held).toBe(expected[0]);
    await expect(refundBatch(owner.chain, epoch.epoch, 0n)).rejects.toThrow('EpochNotSettling');
  });

  it('takes a host that pays nothing, whose mean is zero', { timeout: 120_000 }, async () => {
    const [free, paying] = [someReceipts(2, 21, () => 0), someReceipts(1, 22)];
    const epoch = await closedEpoch(foldWorld, [
      { development: PAYER, batches: [free] },
      { development: STRANGER, batches: [paying] },
    ]);
    expect([...epoch.hosts[0].fold.quotients]).toEqual([0, 0, 0, 0]);
    const [scores] = await settleHosts(epoch, await foldAll(foldWorld, epoch, folder));
    await finalizeEpoch(owner.chain, epoch.epoch);
    const [receipts] = hostReceipts(hostsOf(await bookEvents(epoch.epoch)), INSTANCE.queries);
    expect(receipts.fees).toEqual([0n, BigInt(paying[0].fee) * FEE_QUANTUM]);
    const shards = [sumsOf(foldWorld.world, OWNERS, scores)];
    const credited = await creditedBy(OWNERS, () =>
      distribute(owner.chain, { epoch: epoch.epoch, batch: 0n, ...receipts, shards }),
    );
    expect(credited).toEqual(splitPool(splitFee(receipts.fees[1], POLICY).pool, scoresOfMean(paying)).shares);
  });
});

describe('a posted batch of an epoch that folds', () => {
  it('has whole quanta below 2^30, one receipt or more, and is paid by the host itself', async () => {
    const { epoch } = await postEpoch(foldWorld, plans(31));
    const client = await foldWorld.as(PAYER);
    await mintTokens((await foldWorld.as(DEPLOYER)).chain, client.chain.account.address, 10n ** 20n);
    await approveFees(client.chain, 10n ** 20n);
    const post = (fees: readonly bigint[]) => ({
      epoch,
      commitment: elementOf('a link'),
      fees,
      outputHashes: fees.map((_, i) => hashOf(`${i}`)),
    });
    const largest = (2n ** 30n - 1n) * FEE_QUANTUM;
    for (const fee of [largest + FEE_QUANTUM, FEE_QUANTUM + 1n, FEE_QUANTUM - 1n, 1n]) {
      await expect(postFolded(client, post([FEE_QUANTUM, fee]))).rejects.toThrow(/FeeNotInQuanta\(1, /);
    }
    await expect(postFolded(client, post([]))).rejects.toThrow('WrongReceiptCount');
    await expect(postFolded(client, post(Array(32 * STEP + 1).fill(FEE_QUANTUM)))).rejects.toThrow('WrongReceiptCount');
    const unmatched = { ...post([FEE_QUANTUM]), outputHashes: [hashOf('a'), hashOf('b')] };
    await expect(postFolded(client, unmatched)).rejects.toThrow('WrongReceiptCount');
    await prepay(client.chain, owner.chain.account.address, FEE_QUANTUM);
    await expect(postPrepaid(owner.chain, post([FEE_QUANTUM, 0n]), client.chain.account.address)).rejects.toThrow(
      'PrepaidNotFolded',
    );
    // a signature is the host's own word
    const signed = await signPost(client.chain, post([largest, 0n]), 2n ** 40n);
    await postSigned(owner.chain, post([largest, 0n]), signed);
    const [first] = hostsOf(await bookEvents(epoch));
    expect(first.account).toBe(client.chain.account.address);
    expect(first.batches.at(-1)?.fees).toEqual([largest, 0n]);
  });

  it('is of the book that its settlement reads', async () => {
    const { provider } = owner.chain.account;
    const deployer = (await foldWorld.as(DEPLOYER)).chain.account;
    const { addresses } = foldWorld.folding.deployment;
    const { index } = await closedEpoch(foldWorld, plans(33));
    const twin = await createContract(deployer, 'ReceiptBook', [
      addresses.AttributionToken,
      addresses.IndexRegistry,
      0,
    ]);
    const elsewhere = new Contract(twin.address, (await compileContracts()).ReceiptBook.abi, provider);
    const args = [index, addresses.EpochSettlement, []];
    await expect(owner.chain.account.send('open', elsewhere, 'open', args)).rejects.toThrow('OtherBook');
  });
});

describe('a fold', () => {
  let epoch: FoldedEpoch;
  let host: HostPosted;
  /** The host's fold at its place, beside the second host's mean. */
  let placed: PlacedFold;
  /** Its first batch of two receipts, and the two others of one each. */
  let first: ProvenBatches;
  let second: ProvenBatches;
  beforeAll(async () => {
    epoch = await closedEpoch(foldWorld, plans(41));
    [host] = epoch.hosts;
    const batch = batchOfHosts(
      epoch,
      epoch.hosts.slice(0, 2).map((each) => each.fold),
      7n,
    );
    placed = await placeFold(foldWorld, epoch, host, { ...batch, position: 0, remainderSalt: 8n });
    first = await provenBatches(foldWorld, placed, [0, 1]);
    second = await provenBatches(foldWorld, placed, [1, 3]);
    expect([first.steps.length, second.steps.length]).toEqual([1, 1]);
  }, 120_000);

  /** Of the first host's receipts, with what its links are wherever they are put. */
  const refold = (receipts: readonly FoldedReceipt[]): Fold => {
    const { chainId, addresses } = foldWorld.folding.deployment;
    const place = { chainId: BigInt(chainId), book: addresses.ReceiptBook, epoch: epoch.epoch, host: host.address };
    return foldReceipts(foldWorld.hasher, firstLink(place), INSTANCE.columns, receipts);
  };
  const together = (...parts: readonly ProvenBatches[]): ProvenBatches => ({
    batches: parts.flatMap(({ batches }) => batches),
    steps: parts.flatMap(({ steps }) => steps),
  });
  const attempt = (...parts: readonly ProvenBatches[]) => fold(other, placed.target, together(...parts));

  it("refuses a step that is left out, taken twice, put first, or another host's", { timeout: 60_000 }, async () => {
    await expect(attempt(second)).rejects.toThrow('StepRejected(0)');
    await expect(attempt(first, first)).rejects.toThrow('StepRejected(1)');
    await expect(attempt(second, first)).rejects.toThrow('StepRejected(0)');
    await expect(attempt({ ...second, batches: second.batches.toReversed() })).rejects.toThrow('StepRejected(0)');
    await expect(attempt(first, { ...second, batches: second.batches.slice(1) })).rejects.toThrow('StepRejected(1)');
    await expect(attempt(first, { ...second, batches: second.batches.slice(0, 1) })).rejects.toThrow('StepRejected(1)');
    const foreign = await provenBatches(foldWorld, { ...placed, host: epoch.hosts[1] });
    await expect(attempt(foreign)).rejects.toThrow('StepRejected(0)');
    await expect(attempt(first, foreign)).rejects.toThrow('StepRejected(1)');
    for (const uneven of [
      { ...first, batches: [] },
      { ...first, steps: [] },
      { ...first, steps: [...first.steps, ...second.steps] },
      { ...together(first, second), steps: first.steps },
      { batches: [], steps: [] },
    ]) {
      await expect(attempt(uneven)).rejects.toThrow('WrongStepCount');
    }
    expect(await foldedLink(other, placed.gamma)).toBe(0n);
  });

  it('refuses another sum, fee, output, link and gamma', { timeout: 60_000 }, async () => {
    const { batches, steps } = first;
    const [[batch], [step]] = [batches, steps];
    const others: ProvenBatches[] = [
      { batches, steps: [{ ...step, sumEvaluation: step.sumEvaluation + 1n }] },
      { batches, steps: [{ ...step, link: step.link + 1n }] },
      { steps, batches: [{ ...batch, fees: batch.fees.toReversed() }] },
      { steps, batches: [{ ...batch, fees: [batch.fees[0] + FEE_QUANTUM, batch.fees[1]] }] },
      { steps, batches: [{ ...batch, outputHashes: [batch.outputHashes[0], hashOf('another')] }] },
    ];
    for (const changed of others) await expect(attempt(changed)).rejects.toThrow('StepRejected(0)');
    const unposted = { steps, batches: [{ ...batch, commitment: batch.commitment + 1n }] };
    await expect(attempt(unposted)).rejects.toThrow('NotAtCommitment');
    const gamma = (placed.gamma + 1n) % 2n ** 250n;
    await expect(attempt(await provenBatches(foldWorld, { gamma, host }, [0, 1]))).rejects.toThrow('StepRejected(0)');
    const remainder = { ...placed.target, remainderCommitment: placed.target.remainderCommitment + 1n };
    await expect(fold(other, remainder, first)).rejects.toThrow('StepRejected(0)');
    const commitment = { ...placed.target, queryBatchCommitment: placed.target.queryBatchCommitment + 1n };
    await expect(fold(other, commitment, first)).rejects.toThrow('StepRejected(0)');
  });

  it('refuses the proofs of another epoch, even of the same receipts', { timeout: 120_000 }, async () => {
    const twin = await closedEpoch(foldWorld, plans(41));
    expect(twin.hosts[0].fold.quotients).toEqual(host.fold.quotients);
    await expect(fold(other, { ...placed.target, epoch: twin.epoch }, first)).rejects.toThrow('StepRejected(0)');
  });

  it("cannot end with receipts that are not the book's, however well they are proven", {
    timeout: 120_000,
  }, async () => {
    const [a, b, c, d] = host.fold.receipts;
    const forged = [
      [a, b, c],
      [a, b, d, c],
      [a, b, c, c, d],
      [a, b, c, { ...d, fee: d.fee - 1 }],
    ];
    for (const [i, receipts] of forged.entries()) {
      const own = refold(receipts);
      const batches = cut(
        own,
        Array.from({ length: Math.ceil(receipts.length / STEP) }, (_, i) => receipts.slice(i * STEP, (i + 1) * STEP)),
      );
      const pretended = { address: host.address, fold: own, batches };
      const batch = {
        ...batchOfHosts(epoch, [own, epoch.hosts[1].fold], 20n + BigInt(i)),
        position: 0,
        remainderSalt: 8n,
      };
      const wrong = await placeFold(foldWorld, epoch, pretended, batch);
      const proven = await provenBatches(foldWorld, wrong);
      const pretending = { ...proven, batches: proven.batches.map((b) => ({ ...b, commitment: host.fold.links[4] })) };
      await expect(fold(other, wrong.target, pretending)).rejects.toThrow('NotAtCommitment');
      await fold(other, wrong.target, proven);
      const mean = await provenMean(foldWorld, wrong);
      await expect(finishFold(other, wrong.target, mean)).rejects.toThrow('FoldIncomplete');
    }
    await fold(other, placed.target, first);
    await expect(finishFold(other, placed.target, await provenMean(foldWorld, placed))).rejects.toThrow(
      'FoldIncomplete',
    );
    expect(await foldedLink(other, placed.gamma)).toBe(first.batches[0].commitment);
    // less than a quantum more moves no weight, but is not what was posted
    const third = await foldWorld.as(6);
    const [batch] = first.batches;
    const dearer = { ...first, batches: [{ ...batch, fees: [batch.fees[0] + 1n, batch.fees[1]] }] };
    await fold(third, placed.target, together(dearer, second));
    await expect(finishFold(third, placed.target, await provenMean(foldWorld, placed))).rejects.toThrow(
      'FoldIncomplete',
    );
    // who has spoiled its own fold has spoiled nobody else's
    expect(await foldedLink(folder, placed.gamma)).toBe(0n);
  });

  it('cannot end with another divisor or position', { timeout: 120_000 }, async () => {
    // a mean of half the length: all of it is true, but for the divisor
    const { sums, weight } = host.fold;
    const half = { ...host, fold: { ...host.fold, ...roundedMean({ sums, weight: 2n * weight }) } };
    const halved = { ...batchOfHosts(epoch, [half.fold, epoch.hosts[1].fold], 7n), position: 0, remainderSalt: 8n };
    const short = await placeFold(foldWorld, epoch, half, halved);
    await fold(folder, short.target, await provenBatches(foldWorld, short));
    await expect(finishFold(folder, short.target, await provenMean(foldWorld, short))).rejects.toThrow('MeanRejected');

    // the means of two hosts at each other's position
    const swapped = batchOfHosts(epoch, [epoch.hosts[1].fold, host.fold], 10n);
    const moved = await placeFold(foldWorld, epoch, host, { ...swapped, position: 1, remainderSalt: 8n });
    await fold(folder, moved.target, await provenBatches(foldWorld, moved));
    await expect(finishFold(folder, moved.target, await provenMean(foldWorld, moved))).rejects.toThrow('MeanRejected');
    // one position, two hosts: the second host stands at its own
    const shared = batchOfHosts(epoch, [epoch.hosts[1].fold, epoch.hosts[1].fold], 11n);
    const taken = await placeFold(foldWorld, epoch, epoch.hosts[1], { ...shared, position: 0, remainderSalt: 8n });
    await fold(folder, taken.target, await provenBatches(foldWorld, taken));
    await expect(finishFold(folder, taken.target, await provenMean(foldWorld, taken))).rejects.toThrow('MeanRejected');
  });

  it("is whoever's can prove it: a batch is folded once one commitment holds every mean", {
    timeout: 120_000,
  }, async () => {
    await fold(folder, placed.target, first);
    await fold(folder, placed.target, second);
    const mean = await provenMean(foldWorld, placed);
    await expect(finishFold(other, placed.target, mean)).rejects.toThrow('FoldIncomplete');
    await finishFold(folder, placed.target, mean);
    await expect(finishFold(folder, placed.target, mean)).rejects.toThrow('FoldIncomplete');
    // the second host in another commitment: neither has both
    const neighbour = epoch.hosts[1];
    const apart = batchOfHosts(epoch, [host.fold, neighbour.fold], 12n);
    const away = await placeFold(foldWorld, epoch, neighbour, { ...apart, position: 1, remainderSalt: 8n });
    await fold(folder, away.target, await provenBatches(foldWorld, away));
    await finishFold(folder, away.target, await provenMean(foldWorld, away));
    expect(await foldedCommitment(owner, epoch.epoch, 0n)).toBe(0n);
    // the same proofs, by another account and all in one transaction
    const beside = await placeFold(foldWorld, epoch, neighbour, { ...placed.batch, position: 1 });
    await fold(other, beside.target, await provenBatches(foldWorld, beside));
    await finishFold(other, beside.target, await provenMean(foldWorld, beside));
    expect(await foldedCommitment(owner, epoch.epoch, 0n)).toBe(placed.target.queryBatchCommitment);
    await fold(other, away.target, await provenBatches(foldWorld, away));
    await expect(finishFold(other, away.target, await provenMean(foldWorld, away))).rejects.toThrow(
      'BatchAlreadyFolded',
    );
    await expect(finalizeEpoch(owner.chain, epoch.epoch)).rejects.toThrow('EpochIncomplete(0, 2)');
  });

  it('is of a host of a closed epoch that folds', { timeout: 60_000 }, async () => {
    const open = await postEpoch(foldWorld, plans(43));
    await expect(fold(folder, { ...placed.target, epoch: open.epoch }, first)).rejects.toThrow('EpochStillOpen');
    const nobody = { ...placed.target, host: CONTRIBUTORS[3] };
    await expect(fold(folder, nobody, first)).rejects.toThrow('UnknownHost');
    const plain = await openEpoch(await foldWorld.world.as(OWNER), { index: epoch.index, payers: [host.address] });
    await closeEpoch(owner.chain, plain.epoch);
    await expect(fold(folder, { ...placed.target, epoch: plain.epoch }, first)).rejects.toThrow('UnknownHost');
  });
});

describe('what nobody can fold', () => {
  it('is refunded to every host, whole, and only after the timeout', { timeout: 60_000 }, async () => {
    const planned = plans(51);
    const epoch = await postEpoch(foldWorld, planned);
    // a link that no receipts lead to
    const client = await foldWorld.as(PAYER);
    await mintTokens((await foldWorld.as(DEPLOYER)).chain, client.chain.account.address, FEE_QUANTUM);
    await approveFees(client.chain, FEE_QUANTUM);
    const unopenable = { commitment: elementOf('no link'), outputHashes: [hashOf('output')], fees: [FEE_QUANTUM] };
    await postFolded(client, { epoch: epoch.epoch, ...unopenable });
    await closeEpoch(owner.chain, epoch.epoch);
    await expect(refundBatch(owner.chain, epoch.epoch, 0n)).rejects.toThrow('RefundNotDue');
    await foldWorld.world.later(REFUND_TIMEOUT + 1);
    const accounts = planned.map(({ development }) => developmentAddress(development));
    const paid = planned.map(
      ({ batches }) => batches.flat().reduce((sum, { fee }) => sum + BigInt(fee), 0n) * FEE_QUANTUM,
    );
    paid[0] += FEE_QUANTUM;
    const refunded = await creditedBy(accounts, async () => {
      for (const number of accounts.keys()) await refundBatch(owner.chain, epoch.epoch, BigInt(number));
    });
    expect(refunded).toEqual(paid);
    await expect(refundBatch(owner.chain, epoch.epoch, 0n)).rejects.toThrow('AlreadyRefunded');
    await expect(refundBatch(owner.chain, epoch.epoch, 3n)).rejects.toThrow('UnknownBatch');
    await expect(finalizeEpoch(owner.chain, epoch.epoch)).rejects.toThrow('EpochNotSettling');
  });
});

describe('the contract that folds', () => {
  it('is of circuits of the right signals and of a shape that cannot overflow', async () => {
    const { folds, deployment } = foldWorld.folding;
    const { account } = (await foldWorld.as(DEPLOYER)).chain;
    const contract = new Contract(folds, (await compileContracts()).Folds.abi, account.provider);
    const of = async (name: string): Promise<unknown> => contract.getFunction(name).staticCall();
    const [sum, mean] = [await of('querySum'), await of('queryMean')];
    const book = deployment.addresses.ReceiptBook;
    const make = (...args: readonly unknown[]) => createContract(account, 'Folds', [book, ...args]);
    await expect(make(mean, mean, 2, 2, 4, 1n)).rejects.toThrow('NotSignals');
    await expect(make(sum, sum, 2, 2, 4, 1n)).rejects.toThrow('NotSignals');
    for (const shape of [
      [0, 2, 4, 1n],
      [2, 0, 4, 1n],
      [2, 257, 4, 1n],
      [2, 2, 4, 0n],
      [2, 2, 4, 2n ** 52n + 1n],
    ]) {
      await expect(make(sum, mean, ...shape)).rejects.toThrow('FoldShape');
    }
    await make(sum, mean, 2, 256, 4, 2n ** 52n);
  });
});
