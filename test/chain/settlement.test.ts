/**
 * From posted receipts to withdrawn credits, and everything that must not work on the way. The tree of cases: a settle
 * is refused for its scores, its contributors, its proof or its place; a distribution for its stage, its fees or its sums.
 */
import { ZeroAddress } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  balanceOf,
  type ChainClient,
  closeEpoch,
  creditOf,
  deploy,
  distribute,
  finalizeEpoch,
  postBatch,
  readEvents,
  refundBatch,
  settle,
  settleMany,
  withdraw,
  withdrawTo,
} from '../../src/chain/index.js';
import { FIELD_MODULUS, splitFee } from '../../src/prover/reference/index.js';
import { forgeProof } from './forge.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  deployOptions,
  expectedCredits,
  newEpoch,
  newIndex,
  type OpenEpoch,
  OWNER,
  openWorld,
  originOf,
  PAYER,
  POLICY,
  REFUND_TIMEOUT,
  STAKERS,
  STRANGER,
  settleAll,
  settlementOf,
  shardSums,
  signalsOf,
  someScores,
  TREASURY,
  type World,
  withScore,
} from './world.js';

const [ALICE, BOB, CAROL] = CONTRIBUTORS;
/** Two shards of two, Alice in both; the last slot is unused. */
const SLOTS = [BOB, ALICE, ALICE];

let world: World;
let owner: ChainClient;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  owner = await world.as(OWNER);
}, 120_000);
afterAll(async () => world?.stop());

const scoresOf = (epoch: OpenEpoch) => (shard: number, batch: number) => someScores(world, epoch, shard, batch);

/** Everything the settlement contract owes: its balance must cover it. */
async function owed(accounts: readonly string[]): Promise<bigint> {
  let sum = 0n;
  for (const account of new Set(accounts)) sum += await creditOf(owner, account);
  return sum;
}

describe('a whole epoch', () => {
  it('pays every fee to the last unit, by the reference', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[1_000_003n, 77n], [999n]]);
    await settleAll(world, epoch, scoresOf(epoch));
    await finalizeEpoch(owner, epoch.epoch);
    const accounts = [...CONTRIBUTORS, TREASURY, STAKERS, owner.account.address];
    const before = await owed(accounts);
    for (const [b, { batch, outputHashes, fees }] of epoch.batches.entries()) {
      const shards = shardSums(world, epoch, (shard) => scoresOf(epoch)(shard, b));
      await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards });
    }
    const total = epoch.batches.flatMap(({ fees }) => fees).reduce((sum, fee) => sum + fee, 0n);
    expect((await owed(accounts)) - before).toBe(total);

    const events = await readEvents(owner.account.provider, world.deployed.deployment);
    for (const [b, { fees }] of epoch.batches.entries()) {
      const expected = expectedCredits(world, epoch, b, (shard) => scoresOf(epoch)(shard, b));
      const credits = events.Credited.filter((e) => e.epoch === epoch.epoch && e.batch === BigInt(b));
      expect(Object.fromEntries(credits.map((c) => [`${c.role} ${c.account}`, c.amount]))).toEqual(expected);
      const paid = events.ReceiptPaid.filter((e) => e.epoch === epoch.epoch && e.batch === BigInt(b));
      expect(paid.map(({ fee, pool }) => [fee, pool])).toEqual(fees.map((fee) => [fee, splitFee(fee, POLICY).pool]));
    }
  });

  it('lets each account withdraw its credit once, to itself or elsewhere', async () => {
    const alice = await world.as(4);
    const credit = await creditOf(owner, ALICE);
    expect(credit).toBeGreaterThan(0n);
    const held = await balanceOf(owner, ALICE);
    await withdraw(alice);
    expect(await balanceOf(owner, ALICE)).toBe(held + credit);
    await expect(withdraw(alice)).rejects.toThrow(/NothingToWithdraw.*Wait until/);
    const heldByCarol = await balanceOf(owner, CAROL);
    const creditOfOwner = await creditOf(owner, owner.account.address);
    await withdrawTo(owner, CAROL);
    expect(await balanceOf(owner, CAROL)).toBe(heldByCarol + creditOfOwner);
  });

  it('gives the whole pool to the treasury when nobody has a positive score', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[10_000n, 10_000n]]);
    const negative = (shard: number): BigInt64Array =>
      BigInt64Array.from(shard === 0 ? [-1n, 0n, -5n, 0n] : [-9n, 0n, 0n, 0n]);
    await settleAll(world, epoch, negative);
    await finalizeEpoch(owner, epoch.epoch);
    const before = await creditOf(owner, TREASURY);
    const [{ batch, outputHashes, fees }] = epoch.batches;
    await distribute(owner, {
      epoch: epoch.epoch,
      batch,
      outputHashes,
      fees,
      shards: shardSums(world, epoch, negative),
    });
    const { platform, pool } = splitFee(10_000n, POLICY);
    expect((await creditOf(owner, TREASURY)) - before).toBe(2n * (platform + pool));
  });

  it('takes the positive part after summing over slots and shards, not before', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[10_000n]]);
    // Alice: 10 in shard 0, −6 in shard 1, so 4 against Bob's 4
    const scores = (shard: number): BigInt64Array =>
      BigInt64Array.from(shard === 0 ? [4n, 0n, 10n, 0n] : [-6n, 0n, 0n, 0n]);
    await settleAll(world, epoch, scores);
    await finalizeEpoch(owner, epoch.epoch);
    const [alice, bob] = [await creditOf(owner, ALICE), await creditOf(owner, BOB)];
    const [{ batch, outputHashes, fees }] = epoch.batches;
    await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards: shardSums(world, epoch, scores) });
    const half = splitFee(10_000n, POLICY).pool / 2n;
    expect((await creditOf(owner, ALICE)) - alice).toBe(half);
    expect((await creditOf(owner, BOB)) - bob).toBe(half);
  });
});

it('is not deployed for more columns than a packed score holds', async () => {
  const options = deployOptions({ slots: 2, queries: 2, columns: 513 }, world.key);
  const deployer = await world.as(DEPLOYER);
  await expect(deploy(deployer.account, { ceremony: originOf(options.key), ...options })).rejects.toThrow(
    /TooManyColumns/,
  );
});

describe('settle refuses', () => {
  let epoch: OpenEpoch;
  let scores: BigInt64Array;
  beforeAll(async () => {
    epoch = await newEpoch(world, await newIndex(world, SLOTS), [[500n, 600n], [700n]]);
    scores = someScores(world, epoch, 0, 0);
    await closeEpoch(owner, epoch.epoch);
  });
  const honest = () => settlementOf(world, epoch, { shard: 0, batch: 0 }, scores);

  it('a score array of another length', async () => {
    for (const length of [3, 5, 0]) {
      const request = { ...honest(), scores: new BigInt64Array(length) };
      await expect(settle(owner, request)).rejects.toThrow(`WrongScoreBytes(${5 * length}, 20)`);
    }
  });

  it('another number of slots', async () => {
    await expect(settle(owner, { ...honest(), slotContributors: [ALICE] })).rejects.toThrow('WrongSlotCount(1, 2)');
  });

  it('one changed score, each of them', async () => {
    for (const at of scores.keys()) {
      await expect(settle(owner, { ...honest(), scores: withScore(scores, at, scores[at] + 1n) })).rejects.toThrow(
        'ProofRejected',
      );
    }
  });

  it('two contributors swapped', async () => {
    const request = { ...honest(), slotContributors: [ALICE, BOB] };
    await expect(settle(owner, request)).rejects.toThrow('ContributorsMismatch');
  });

  it('one flipped bit in any word of the proof', async () => {
    const { proof } = honest();
    for (const word of proof.keys()) {
      const flipped = proof.map((value, i) => (i === word ? value ^ 1n : value));
      await expect(settle(owner, { ...honest(), proof: flipped })).rejects.toThrow('ProofRejected');
    }
  });

  it('proof coordinates of q and more', async () => {
    const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
    const { proof } = honest();
    const aliased = proof.map((value, i) => (i === 0 ? value + q : value));
    await expect(settle(owner, { ...honest(), proof: aliased })).rejects.toThrow('ProofRejected');
  });

  it('the proof of another epoch, shard or batch', async () => {
    const other = await newEpoch(world, epoch, [[500n, 600n]]);
    await closeEpoch(owner, other.epoch);
    const elsewhere = { ...honest(), epoch: other.epoch };
    await expect(settle(owner, elsewhere)).rejects.toThrow('ProofRejected');
    const second = { ...honest(), batch: 1n };
    await expect(settle(owner, second)).rejects.toThrow('ProofRejected');
    const twin = await newEpoch(world, await newIndex(world, [ALICE, ALICE, ALICE, ALICE]), [[5n]]);
    await closeEpoch(owner, twin.epoch);
    const shard1 = { ...settlementOf(world, twin, { shard: 0, batch: 0 }, scores), shard: 1n };
    await expect(settle(owner, shard1)).rejects.toThrow('ProofRejected');
  });

  it('shards and batches that do not exist', async () => {
    await expect(settle(owner, { ...honest(), batch: 2n })).rejects.toThrow('UnknownBatch');
    await expect(settle(owner, { ...honest(), shard: 2n })).rejects.toThrow('UnknownShard');
    await expect(settle(owner, { ...honest(), epoch: 10_000n })).rejects.toThrow('UnknownEpoch');
  });

  it('scores at unused slots', async () => {
    const stray = BigInt64Array.from([5n, 6n, 0n, 1n]);
    const request = settlementOf(world, epoch, { shard: 1, batch: 0 }, stray);
    await expect(settle(owner, request)).rejects.toThrow('UnusedSlotScored(1)');
  });

  it('a proof for public signals other than its own, whoever is asked', async () => {
    const signals = signalsOf(world, epoch, { shard: 0, batch: 0 }, scores);
    const shifted = signals.map((signal, i) => (i === 3 ? (signal + 1n) % FIELD_MODULUS : signal));
    await expect(settle(owner, { ...honest(), proof: forgeProof(world.key, shifted) })).rejects.toThrow(
      'ProofRejected',
    );
  });

  it('an epoch that is still open', async () => {
    const open = await newEpoch(world, epoch, [[5n]]);
    const request = settlementOf(world, open, { shard: 0, batch: 0 }, scores);
    await expect(settle(owner, request)).rejects.toThrow('EpochStillOpen');
  });

  it('the same shard and batch twice', async () => {
    const stranger = await world.as(STRANGER); // anybody may bring a proof
    await settle(stranger, honest());
    await expect(settle(owner, honest())).rejects.toThrow('AlreadySettled');
  });
});

describe('several settlements at once', () => {
  let epoch: OpenEpoch;
  const at = (shard: number, batch: number) =>
    settlementOf(world, epoch, { shard, batch }, someScores(world, epoch, shard, batch));
  const settledPairs = async (): Promise<string[]> => {
    const { ShardSettled } = await readEvents(owner.account.provider, world.deployed.deployment);
    return ShardSettled.filter((event) => event.epoch === epoch.epoch).map(({ shard, batch }) => `${shard} ${batch}`);
  };
  beforeAll(async () => {
    epoch = await newEpoch(world, await newIndex(world, SLOTS), [[100n], [200n]]);
    await closeEpoch(owner, epoch.epoch);
  });

  it('are refused together for one false proof, and none is recorded', async () => {
    const [honest, other] = [at(0, 0), at(1, 0)];
    const swapped = [
      { ...honest, proof: other.proof },
      { ...other, proof: honest.proof },
    ];
    await expect(settleMany(owner, epoch.epoch, swapped)).rejects.toThrow(`ProofsRejected(${epoch.epoch}, 2)`);
    const changed = { ...other, scores: withScore(other.scores, 0, other.scores[0] + 1n) };
    await expect(settleMany(owner, epoch.epoch, [honest, changed])).rejects.toThrow('ProofsRejected');
    expect(await settledPairs()).toEqual([]);
  });

  it('are refused for a place named twice, so that no proof counts for two', async () => {
    await expect(settleMany(owner, epoch.epoch, [at(0, 0), at(0, 0)])).rejects.toThrow('AlreadySettled');
  });

  it('are refused for no proof at all', async () => {
    await expect(settleMany(owner, epoch.epoch, [])).rejects.toThrow(`ProofsRejected(${epoch.epoch}, 0)`);
  });

  it('record what single settlements record', async () => {
    await settle(owner, at(1, 1));
    await settleMany(owner, epoch.epoch, [at(0, 0), at(1, 0), at(0, 1)]);
    expect(await settledPairs()).toEqual(['1 1', '0 0', '1 0', '0 1']);
    await expect(settleMany(owner, epoch.epoch, [at(1, 1)])).rejects.toThrow('AlreadySettled');
    await finalizeEpoch(owner, epoch.epoch);
    for (const [b, { batch, outputHashes, fees }] of epoch.batches.entries()) {
      const shards = shardSums(world, epoch, (shard) => someScores(world, epoch, shard, b));
      await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards });
    }
  });
});

describe('finalize and distribute', () => {
  it('wait for every shard of every batch', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[100n], [200n]]);
    await closeEpoch(owner, epoch.epoch);
    const [{ batch, outputHashes, fees }] = epoch.batches;
    let settled = 0;
    for (const [shard, at] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]) {
      await expect(finalizeEpoch(owner, epoch.epoch)).rejects.toThrow(`EpochIncomplete(${settled}, 4)`);
      await settle(owner, settlementOf(world, epoch, { shard, batch: at }, someScores(world, epoch, shard, at)));
      settled++;
    }
    const shards = shardSums(world, epoch, (shard) => someScores(world, epoch, shard, 0));
    const request = { epoch: epoch.epoch, batch, outputHashes, fees, shards };
    await expect(distribute(owner, request)).rejects.toThrow('EpochNotFinal');
    await finalizeEpoch(owner, epoch.epoch);
    await expect(finalizeEpoch(owner, epoch.epoch)).rejects.toThrow('EpochNotSettling');
    await distribute(owner, request);
    await expect(distribute(owner, request)).rejects.toThrow('AlreadyDistributed');
    await world.later(REFUND_TIMEOUT + 1);
    await expect(refundBatch(owner, epoch.epoch, 1n)).rejects.toThrow('EpochNotSettling');
  });

  it('refuse changed fees, outputs, sums and contributors', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[100n, 50n]]);
    await settleAll(world, epoch, scoresOf(epoch));
    await finalizeEpoch(owner, epoch.epoch);
    const [{ batch, outputHashes, fees }] = epoch.batches;
    const shards = shardSums(world, epoch, (shard) => scoresOf(epoch)(shard, 0));
    const request = { epoch: epoch.epoch, batch, outputHashes, fees, shards };
    await expect(distribute(owner, { ...request, fees: [50n, 100n] })).rejects.toThrow('ReceiptsMismatch');
    await expect(distribute(owner, { ...request, outputHashes: outputHashes.toReversed() })).rejects.toThrow(
      'ReceiptsMismatch',
    );
    await expect(distribute(owner, { ...request, shards: shards.slice(1) })).rejects.toThrow('WrongShardCount(1, 2)');
    const [first, second] = shards;
    const raised = { ...first, sums: [first.sums[0] + 1n, ...first.sums.slice(1)] };
    await expect(distribute(owner, { ...request, shards: [raised, second] })).rejects.toThrow('SumsMismatch(0)');
    const renamed = { ...second, contributors: [CAROL] };
    await expect(distribute(owner, { ...request, shards: [first, renamed] })).rejects.toThrow('SumsMismatch(1)');
    await expect(distribute(owner, { ...request, shards: [second, first] })).rejects.toThrow('SumsMismatch(0)');
    await expect(distribute(owner, { ...request, batch: 1n })).rejects.toThrow('UnknownBatch');
    await distribute(owner, request);
  });
});

describe('refunds', () => {
  it('open after the timeout, pay each batch once, and end the epoch', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[100n, 23n], [200n]]);
    await expect(refundBatch(owner, epoch.epoch, 0n)).rejects.toThrow('EpochStillOpen');
    await settleAll(world, epoch, scoresOf(epoch));
    await expect(refundBatch(owner, epoch.epoch, 0n)).rejects.toThrow(/RefundNotDue.*Wait until/);
    await world.later(REFUND_TIMEOUT + 1);
    const payer = await world.as(PAYER);
    const before = await creditOf(owner, payer.account.address);
    await refundBatch(payer, epoch.epoch, 0n);
    await expect(refundBatch(payer, epoch.epoch, 0n)).rejects.toThrow('AlreadyRefunded');
    await expect(finalizeEpoch(owner, epoch.epoch)).rejects.toThrow('EpochNotSettling');
    await refundBatch(payer, epoch.epoch, 1n);
    await expect(refundBatch(payer, epoch.epoch, 2n)).rejects.toThrow('UnknownBatch');
    expect((await creditOf(owner, payer.account.address)) - before).toBe(323n);
    await withdraw(payer);
  });
});

describe('receipts', () => {
  it('come from admitted payers, in whole batches, into open epochs, prepaid', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), []);
    const stranger = await world.as(STRANGER);
    const payer = await world.as(PAYER);
    const receipts = { epoch: epoch.epoch, commitment: 5n, outputHashes: [`0x${'1'.repeat(64)}`], fees: [7n] };
    await expect(postBatch(stranger, receipts)).rejects.toThrow('PayerNotAdmitted');
    await expect(postBatch(payer, receipts)).rejects.toThrow(/ERC20InsufficientAllowance.*approveFees/);
    await expect(postBatch(payer, { ...receipts, commitment: 0n })).rejects.toThrow('ZeroFieldElement');
    await expect(postBatch(payer, { ...receipts, commitment: FIELD_MODULUS })).rejects.toThrow('NotAFieldElement');
    await expect(postBatch(payer, { ...receipts, fees: [1n, 2n] })).rejects.toThrow('1 outputs and 2 fees');
    await expect(postBatch(payer, { ...receipts, fees: [1n << 96n] })).rejects.toThrow('cannot take');
    const unused = { ...receipts, outputHashes: [`0x${'0'.repeat(64)}`] };
    await expect(postBatch(payer, unused)).rejects.toThrow('FeeWithoutReceipt(0)');
    await expect(closeEpoch(stranger, epoch.epoch)).rejects.toThrow('NotEpochOwner');
    await closeEpoch(owner, epoch.epoch);
    await expect(postBatch(payer, receipts)).rejects.toThrow('EpochAlreadyClosed');
  });

  it('are not held by an owner who never closes', async () => {
    const epoch = await newEpoch(world, await newIndex(world, SLOTS), [[9n]]);
    await world.later(10_001);
    await closeEpoch(await world.as(STRANGER), epoch.epoch);
  });
});

it('the settlement contract holds what it owes and what is not yet paid out', async () => {
  const events = await readEvents(owner.account.provider, world.deployed.deployment);
  const paidOut = new Set(events.Credited.map(({ epoch, batch }) => `${epoch} ${batch}`));
  const unpaid = events.BatchPosted.filter(({ epoch, batch }) => !paidOut.has(`${epoch} ${batch}`))
    .flatMap(({ fees }) => fees)
    .reduce((sum, fee) => sum + fee, 0n);
  const credits = await owed(events.Credited.map(({ account }) => account));
  const balance = await balanceOf(owner, world.deployed.deployment.addresses.EpochSettlement);
  expect(balance).toBe(credits + unpaid);
  expect(events.Credited.every(({ account }) => account !== ZeroAddress)).toBe(true);
});
