/**
 * A batch distributed in parts. However it is cut, the credits are the reference's, to the unit; and nobody can weigh or pay
 * other sums, twice, out of order, or with what was said of another batch.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import {
  type ChainClient,
  type Distribution,
  type DistributionProgress,
  distribute,
  distributeLastPart,
  distributePart,
  distributeWhole,
  epochTerms,
  finalizeEpoch,
  NOTHING_DISTRIBUTED,
  readEvents,
  refundBatch,
  type ShardSums,
  setTerms,
} from '../../src/chain/index.js';
import { splitFee, splitPooled } from '../../src/prover/reference/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  expectedCredits,
  newEpoch,
  newIndex,
  type OpenEpoch,
  type OpenIndex,
  OWNER,
  openWorld,
  POLICY,
  STRANGER,
  settleAll,
  shardSums,
  someScores,
  TREASURY,
  type World,
} from './world.js';

const [ALICE, BOB, CAROL, DAN] = CONTRIBUTORS;
/** Five shards of two: Alice is in three of them and is the whole of one, Bob in two, Carol and Dan in one each. */
const OWNERS = [ALICE, ALICE, ALICE, ALICE, ALICE, BOB, BOB, CAROL, DAN];
const SHARDS = 5;
const BOUND = 1n << 39n;

let world: World;
let owner: ChainClient;
let index: OpenIndex;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  owner = await world.as(OWNER);
  index = await newIndex(world, OWNERS);
}, 120_000);
afterAll(async () => world?.stop());

type ScoresOf = (shard: number, batch: number) => BigInt64Array;
const usual: ScoresOf = (shard, batch) => someScores(world, index, shard, batch + 5);

/** An epoch that is final. */
async function finalEpoch(fees: readonly (readonly bigint[])[], scoresOf: ScoresOf = usual): Promise<OpenEpoch> {
  const epoch = await newEpoch(world, index, fees);
  await settleAll(world, epoch, scoresOf);
  await finalizeEpoch(owner, epoch.epoch);
  return epoch;
}

function distributionOf(epoch: OpenEpoch, b: number, scoresOf: ScoresOf = usual): Distribution {
  const { batch, outputHashes, fees } = epoch.batches[b];
  const shards = shardSums(world, epoch, (shard) => scoresOf(shard, b));
  return { epoch: epoch.epoch, batch, outputHashes, fees, shards };
}

const shardsOf = (whole: Distribution, first: number, end?: number): Distribution => ({
  ...whole,
  shards: whole.shards.slice(first, end),
});

/** Pays a batch in parts that end before these shards, in each pass; the end of a pass is in neither list. */
async function payInParts(whole: Distribution, weighing: readonly number[], paying: readonly number[]): Promise<void> {
  let soFar = NOTHING_DISTRIBUTED;
  for (const cuts of [weighing, paying]) {
    for (const end of [...cuts, SHARDS]) {
      const part = shardsOf(whole, Number(soFar.shard), end);
      if (soFar.paying && end === SHARDS) await distributeLastPart(owner, part, soFar);
      else ({ soFar } = await distributePart(owner, part, soFar));
    }
  }
}

async function creditsOf({ epoch }: OpenEpoch, batch: bigint): Promise<Record<string, bigint>> {
  const { Credited } = await readEvents(owner.account.provider, world.deployed.deployment);
  const own = Credited.filter((event) => event.epoch === epoch && event.batch === batch);
  const credits: Record<string, bigint> = {};
  for (const { role, account, amount } of own) {
    expect(credits[`${role} ${account}`]).toBeUndefined(); // one credit a role and batch
    credits[`${role} ${account}`] = amount;
  }
  return credits;
}

/** What a change of the chain shows, and then undoes. */
async function undone<T>(change: () => Promise<T>): Promise<T> {
  const { provider } = owner.account;
  const snapshot: unknown = await provider.send('evm_snapshot', []);
  try {
    return await change();
  } finally {
    await provider.send('evm_revert', [snapshot]);
  }
}

const score = fc.oneof(fc.bigInt(-BOUND, BOUND - 1n), fc.constantFrom(0n, -BOUND, BOUND - 1n), fc.bigInt(-3n, 3n));
const matrices = fc.array(
  fc.array(score, { minLength: 4, maxLength: 4 }).map((list) => BigInt64Array.from(list)),
  { minLength: SHARDS, maxLength: SHARDS },
);
const fee = fc.oneof(fc.bigInt(0n, 10n ** 24n), fc.bigInt(0n, 100n));
const cuts = fc.subarray([1, 2, 3, 4]);

describe('however a batch is cut', () => {
  it('its credits are those of the reference, to the unit', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        matrices,
        fc.tuple(fee, fee),
        fc.array(fc.tuple(cuts, cuts), { minLength: 3, maxLength: 3 }),
        async (given, fees, cuttings) => {
          for (const q of [2, 3]) given[SHARDS - 1][q] = 0n; // the last slot is unused
          const scoresOf: ScoresOf = (shard) => given[shard];
          const epoch = await finalEpoch([fees], scoresOf);
          const whole = distributionOf(epoch, 0, scoresOf);
          const expected = expectedCredits(world, epoch, 0, (shard) => given[shard]);
          for (const [weighing, paying] of [
            ...cuttings,
            [
              [1, 2, 3, 4],
              [1, 2, 3, 4],
            ],
          ]) {
            await undone(async () => {
              await payInParts(whole, weighing, paying);
              expect(await creditsOf(epoch, 0n)).toEqual(expected);
            });
          }
          await distributeWhole(owner, whole);
          expect(await creditsOf(epoch, 0n)).toEqual(expected);
          expect(Object.values(expected).reduce((sum, amount) => sum + amount, 0n)).toBe(fees[0] + fees[1]);
        },
      ),
      { numRuns: 4 },
    );
  });

  it('its credits are those of the reference under another policy', { timeout: 120_000 }, async () => {
    const governor = await world.as(DEPLOYER);
    const probe = await newEpoch(world, index, []);
    const terms = await epochTerms(owner.account.provider, world.deployed.deployment, probe.epoch);
    const { address: policy } = await createContract(governor.account, 'PooledPerBatch', []);
    await setTerms(governor, { ...terms, policy });
    try {
      const fees = [10n ** 20n + 7n, 999n];
      const epoch = await finalEpoch([fees]);
      const whole = distributionOf(epoch, 0);
      const totals = CONTRIBUTORS.flatMap((account) => [0, 1].map((q) => totalOf(whole.shards, account, q)));
      const { shares } = splitPooled(
        fees.map((amount) => splitFee(amount, POLICY).pool),
        totals,
      );
      for (const [weighing, paying] of [
        [[], []],
        [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
        [[2], [3]],
      ]) {
        await undone(async () => {
          await payInParts(whole, weighing, paying);
          const paid = await creditsOf(epoch, 0n);
          expect(CONTRIBUTORS.map((account) => paid[`contributor ${account}`] ?? 0n)).toEqual(shares);
        });
      }
    } finally {
      await setTerms(governor, terms);
    }
  });

  it('its receipts and its dust are told once, at the end', async () => {
    const epoch = await finalEpoch([[1_000_003n, 77n]]);
    const whole = distributionOf(epoch, 0);
    const told = async () => {
      const events = await readEvents(owner.account.provider, world.deployed.deployment);
      return [events.ReceiptPaid, events.BatchPaid].map((list) => list.filter((e) => e.epoch === epoch.epoch).length);
    };
    const { soFar } = await distributePart(owner, whole, NOTHING_DISTRIBUTED);
    const { soFar: paid } = await distributePart(owner, shardsOf(whole, 0, 4), soFar);
    expect(await told()).toEqual([0, 0]);
    await distributeLastPart(owner, shardsOf(whole, 4), paid);
    expect(await told()).toEqual([2, 1]);
    const { BatchPaid } = await readEvents(owner.account.provider, world.deployed.deployment);
    const { dust } = BatchPaid[BatchPaid.length - 1];
    const credits = await creditsOf(epoch, 0n);
    const platform = [1_000_003n, 77n].reduce((sum, amount) => sum + splitFee(amount, POLICY).platform, 0n);
    expect(credits[`treasury ${TREASURY}`]).toBe(platform + dust);
  });
});

function totalOf(shards: readonly ShardSums[], account: string, q: number): bigint {
  return shards.reduce((sum, { contributors, sums }) => {
    const at = contributors.indexOf(account);
    return at < 0 ? sum : sum + sums[2 * at + q];
  }, 0n);
}

describe('a distribution in parts', () => {
  it('is gone on with by anybody, from the events alone', async () => {
    const epoch = await finalEpoch([[5_000n, 70n]]);
    const whole = distributionOf(epoch, 0);
    const { soFar } = await distributePart(owner, shardsOf(whole, 0, 2), NOTHING_DISTRIBUTED);
    const { DistributionAdvanced } = await readEvents(owner.account.provider, world.deployed.deployment);
    expect(DistributionAdvanced[DistributionAdvanced.length - 1].soFar).toEqual(soFar);
    await distribute(await world.as(STRANGER), whole);
    expect(await creditsOf(epoch, 0n)).toEqual(expectedCredits(world, epoch, 0, (shard) => usual(shard, 0)));
  });

  it('does not mix with another that goes on between', async () => {
    const epoch = await finalEpoch([[5_000n, 70n], [900n]]);
    const wholes = [distributionOf(epoch, 0), distributionOf(epoch, 1)];
    const states: DistributionProgress[] = [NOTHING_DISTRIBUTED, NOTHING_DISTRIBUTED];
    for (const [first, end] of [
      [0, 2],
      [2, 5],
      [0, 3],
    ]) {
      for (const b of [0, 1])
        ({ soFar: states[b] } = await distributePart(owner, shardsOf(wholes[b], first, end), states[b]));
    }
    for (const b of [0, 1]) {
      const last = shardsOf(wholes[b], 3);
      await expect(distributeLastPart(owner, last, states[1 - b])).rejects.toThrow('DistributionMismatch');
      await expect(distributeLastPart(owner, shardsOf(wholes[1 - b], 3), states[b])).rejects.toThrow();
    }
    for (const b of [1, 0]) await distributeLastPart(owner, shardsOf(wholes[b], 3), states[b]);
    for (const b of [0, 1]) {
      expect(await creditsOf(epoch, BigInt(b))).toEqual(expectedCredits(world, epoch, b, (shard) => usual(shard, b)));
    }
  });

  it('refuses what was not said before: nothing is weighed or paid that is not next', { timeout: 60_000 }, async () => {
    const epoch = await finalEpoch([[5_000n, 70n]]);
    const whole = distributionOf(epoch, 0);
    const refused = (part: Distribution, soFar: DistributionProgress, error: string) =>
      expect(distributePart(owner, part, soFar)).rejects.toThrow(error);
    // pay before anything was weighed, with weights of one's own, or from a later shard
    await refused(whole, { ...NOTHING_DISTRIBUTED, paying: true }, 'DistributionMismatch');
    await refused(whole, { ...NOTHING_DISTRIBUTED, paying: true, weights: [1n, 1n] }, 'DistributionMismatch');
    await refused(shardsOf(whole, 1), { ...NOTHING_DISTRIBUTED, shard: 1n }, 'DistributionMismatch');
    await refused({ ...whole, shards: [] }, NOTHING_DISTRIBUTED, 'WrongShardCount(0, 5)');
    await refused(
      { ...whole, shards: [...whole.shards, whole.shards[0]] },
      NOTHING_DISTRIBUTED,
      'WrongShardCount(6, 5)',
    );
    await refused(shardsOf(whole, 1, 2), NOTHING_DISTRIBUTED, 'SumsMismatch(0)');
    const { soFar } = await distributePart(owner, shardsOf(whole, 0, 3), NOTHING_DISTRIBUTED);
    for (const change of [
      { paying: true },
      { shard: 0n },
      { given: 1n },
      { weights: soFar.weights.map((weight) => weight + 1n) },
      { weights: [] },
      { account: ALICE },
      { sums: soFar.sums.map((sum) => sum + 1n) },
    ]) {
      await refused(shardsOf(whole, 3), { ...soFar, ...change }, 'DistributionMismatch');
    }
    // the same shards once more, in another order, one left out, other receipts
    await refused(shardsOf(whole, 0, 3), NOTHING_DISTRIBUTED, 'DistributionMismatch');
    await refused(shardsOf(whole, 2, 4), soFar, 'SumsMismatch(3)');
    await refused({ ...whole, shards: whole.shards.slice(3).toReversed() }, soFar, 'SumsMismatch(3)');
    await refused(shardsOf(whole, 4), soFar, 'SumsMismatch(3)');
    await refused({ ...shardsOf(whole, 3), fees: [70n, 5_000n] }, soFar, 'ReceiptsMismatch');
    const raised = { ...whole.shards[3], sums: whole.shards[3].sums.map((sum) => sum + 1n) };
    await refused({ ...whole, shards: [raised] }, soFar, 'SumsMismatch(3)');
    // nor at once
    await expect(distributeWhole(owner, whole)).rejects.toThrow('DistributionBegun');
    // nor given back to the payer
    await expect(refundBatch(owner, epoch.epoch, 0n)).rejects.toThrow('EpochNotSettling');
    // what was paid is not paid again
    const { soFar: weighed } = await distributePart(owner, shardsOf(whole, 3), soFar);
    const { soFar: paid } = await distributePart(owner, shardsOf(whole, 0, 4), weighed);
    await refused(shardsOf(whole, 0, 4), weighed, 'DistributionMismatch');
    await distributeLastPart(owner, shardsOf(whole, 4), paid);
    await expect(distributeLastPart(owner, shardsOf(whole, 4), paid)).rejects.toThrow('AlreadyDistributed');
    await expect(distributeWhole(owner, whole)).rejects.toThrow('AlreadyDistributed');
    expect(await creditsOf(epoch, 0n)).toEqual(expectedCredits(world, epoch, 0, (shard) => usual(shard, 0)));
  });

  it('waits until the epoch is final', async () => {
    const epoch = await newEpoch(world, index, [[10n]]);
    await settleAll(world, epoch, usual);
    const whole = distributionOf(epoch, 0);
    await expect(distributePart(owner, whole, NOTHING_DISTRIBUTED)).rejects.toThrow('EpochNotFinal');
  });
});
